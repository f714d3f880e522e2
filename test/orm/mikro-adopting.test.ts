import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/mikro-orm';
import { adoptingClaims, paper, type PaperRow } from '../contracts/orm/adopting.js';
import { reachableDatabases } from '../support/databases.js';
import { legacy, major } from '../support/mikro-orm.js';
import { openMikroSite } from '../support/mikro-site.js';

const { Entity, PrimaryKey, Property } = legacy;

@Entity({ tableName: 'paper' })
class Paper implements PaperRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', length: 700, nullable: true }) path!: string | null;
  @Property({ type: 'string', nullable: true }) original!: string | null;
  @FileField(paper.file) file!: StoredFile | null;
  @FileField(paper.common) common!: StoredFile | null;
}

describe.each(await reachableDatabases())(`objects that are adopted with MikroORM ${major} on %s`, (database) => {
  describe.each([false, true])('protected: %s', (protect) => {
    adoptingClaims((options) => openMikroSite(database, Paper, options), { protect });
  });
});
