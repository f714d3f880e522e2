import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/mikro-orm';
import { book, policiesClaims, type BookRow } from '../contracts/orm/policies.js';
import { reachableDatabases } from '../support/databases.js';
import { legacy, major } from '../support/mikro-orm.js';
import { openMikroSite } from '../support/mikro-site.js';

const { Entity, PrimaryKey, Property } = legacy;

@Entity({ tableName: 'book' })
class Book implements BookRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string' }) title!: string;
  @FileField(book.archive) archive!: StoredFile | null;
  @FileField(book.master) master!: StoredFile | null;
  @FileField(book.secret) secret!: StoredFile | null;
  @FileField(book.plain) plain!: StoredFile | null;
  @FileField(book.copied) copied!: StoredFile | null;
  @FileField(book.shared) shared!: StoredFile | null;
}

describe.each(await reachableDatabases())(`policies of fields in MikroORM ${major} on %s`, (database) => {
  policiesClaims((options) => openMikroSite(database, Book, options));
});
