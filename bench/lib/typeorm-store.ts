import 'reflect-metadata';
import { DiskStorage } from 'filefield/storages/disk';
import {
  attachFiles,
  createLedger,
  FileField,
  protectFiles,
  transactionQueue,
  withFiles,
  type StoredFile,
} from 'filefield/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';
import { typeormOptions, type Database } from './database.js';

/** A row with a file field. */
@Entity('bench_document')
export class Document {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @FileField({ storage: 'documents', maxSize: '2 GB' }) file!: StoredFile | null;
}

/** The same with triggers, which record every write. */
@Entity('bench_protected')
export class Protected {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

/** A row with the path of a file that is written by hand. */
@Entity('bench_by_hand')
export class ByHand {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @Column('varchar') path!: string;
  @Column('varchar') sha256!: string;
  @Column('integer') size!: number;
}

/** All entities, in a new database. */
export async function openTypeorm(database: Database, root: string) {
  const options = { ...typeormOptions(database), entities: [Document, Protected, ByHand] } as DataSourceOptions;
  const dataSource = withFiles(new DataSource(options));
  await dataSource.initialize();
  await dataSource.synchronize();
  await createLedger(dataSource);
  await protectFiles(dataSource, { entity: Protected });
  const documents = new DiskStorage({ root });
  const files = await attachFiles(dataSource, { storages: { documents }, protection: 'off' });
  const queue = transactionQueue(dataSource);
  /** Saves a row in a transaction; on SQLite, which has one connection, one after the other. */
  const save = <Row extends object>(entity: new () => Row, row: Omit<Row, 'id'>): Promise<unknown> => {
    const work = (manager: DataSource['manager']) => manager.save(entity, row as never);
    return database.kind === 'sqlite' ? queue(work) : dataSource.transaction(work);
  };
  return { dataSource, files, save };
}
