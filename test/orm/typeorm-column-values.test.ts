import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm';
import { columnValueClaims, sample, type Sample } from '../contracts/orm/column-values.js';
import { reachableDatabases, type DatabaseName } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

/** An entity with the types of a database. */
function entityFor(database: DatabaseName) {
  const isPostgres = database === 'postgres';
  @Entity('value_sample')
  class ValueSample implements Sample {
    @PrimaryGeneratedColumn() id!: number;
    @Column('date') day!: string;
    @Column(isPostgres ? 'timestamptz' : 'datetime') moment!: Date;
    @Column('decimal', { precision: 10, scale: 2 }) amount!: string;
    @Column(isPostgres ? 'real' : 'float') ratio!: number;
    @Column({ type: Boolean }) flag!: boolean;
    @Column({ type: database === 'sqlite' ? 'simple-enum' : 'enum', enum: ['dark red', 'blue'] }) colour!: string;
    @Column('smallint') small!: number;
    @Column('uuid') key!: string;
    @FileField({ storage: 'files' }) file!: StoredFile | null;
  }
  return ValueSample;
}

describe.each(await reachableDatabases())('a value from a URL in TypeORM on %s', (database) => {
  let dataSource: DataSource | undefined;
  let close = async () => {};
  afterAll(() => close());

  columnValueClaims(async () => {
    const entity = entityFor(database);
    ({ dataSource, close } = await openDataSource(database, { entities: [entity], logging: false }));
    await createLedger(dataSource);
    const files = await attachFiles(dataSource, { storages: { files: new MemoryStorage() }, protection: 'off' });
    const rows = dataSource.getRepository(entity);
    await rows.save(rows.create({ ...sample, file: await files.stage(entity, 'file', 'bytes') }));
    return { files, entity };
  });
});
