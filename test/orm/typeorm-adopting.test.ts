import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { adoptingClaims, paper, type PaperRow } from '../contracts/orm/adopting.js';
import { reachableDatabases } from '../support/databases.js';
import { openTypeormSite } from '../support/typeorm-site.js';

@Entity('paper')
class Paper implements PaperRow {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { length: 700, nullable: true }) path!: string | null;
  @Column('varchar', { nullable: true }) original!: string | null;
  @FileField(paper.file) file!: StoredFile | null;
  @FileField(paper.common) common!: StoredFile | null;
}

describe.each(await reachableDatabases())('objects that are adopted with TypeORM on %s', (database) => {
  describe.each([false, true])('protected: %s', (protect) => {
    adoptingClaims((options) => openTypeormSite(database, Paper, options), { protect });
  });
});
