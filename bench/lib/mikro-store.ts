import { Entity, MikroORM, PrimaryKey, Property } from '@mikro-orm/core';
import { DiskStorage } from 'filefield/storages/disk';
import { attachFiles, createLedger, FileField, withFiles, type StoredFile } from 'filefield/mikro-orm';
import { mikroOptions, type Database } from './database.js';

/** A row with a file field. */
@Entity({ tableName: 'bench_document' })
export class Document {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', unique: true }) slug!: string;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

/** A row with the path of a file. */
@Entity({ tableName: 'bench_by_hand' })
export class ByHand {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', unique: true }) slug!: string;
  @Property({ type: 'string' }) path!: string;
}

/** Both entities, in a new database. */
export async function openMikro(database: Database, root: string) {
  const options = { ...(await mikroOptions(database)), entities: [Document, ByHand] };
  const orm = await MikroORM.init(withFiles(options));
  await orm.getSchemaGenerator().createSchema();
  await createLedger(orm);
  const documents = new DiskStorage({ root });
  const files = await attachFiles(orm, { storages: { documents }, protection: 'off' });
  return { orm, files };
}
