import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { book, policiesClaims, type BookRow } from '../contracts/orm/policies.js';
import { reachableDatabases } from '../support/databases.js';
import { openTypeormSite } from '../support/typeorm-site.js';

@Entity('book')
class Book implements BookRow {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') title!: string;
  @FileField(book.archive) archive!: StoredFile | null;
  @FileField(book.master) master!: StoredFile | null;
  @FileField(book.secret) secret!: StoredFile | null;
  @FileField(book.plain) plain!: StoredFile | null;
  @FileField(book.copied) copied!: StoredFile | null;
  @FileField(book.shared) shared!: StoredFile | null;
}

describe.each(await reachableDatabases())('policies of fields in TypeORM on %s', (database) => {
  policiesClaims((options) => openTypeormSite(database, Book, options));
});
