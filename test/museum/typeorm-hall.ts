import 'reflect-metadata';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { StoredFile } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { FailingStorage } from 'filefield/testing';
import { attachFiles, createLedger, FileField, transactionQueue } from 'filefield/typeorm';
import {
  Column,
  DataSource,
  DeleteDateColumn,
  Entity,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  type EntityManager,
} from 'typeorm';
import type { DatabaseName } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';
import type { ExhibitRow, Hall, Unit, WingRow } from './hall.js';

@Entity('wing')
export class Wing implements WingRow {
  @PrimaryGeneratedColumn() id!: number;
}

@Entity('exhibit')
export class Exhibit implements ExhibitRow {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { length: 100, unique: true }) slug!: string;
  @Column('varchar', { default: '' }) room!: string;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
  @FileField({ storage: 'media', copies: 'share' }) shared!: StoredFile | null;
  @FileField({ storage: 'media', copies: 'copy' }) copied!: StoredFile | null;
  @FileField({ storage: 'media', accept: ['image/png', 'image/jpeg'], maxSize: '10 KB' }) image!: StoredFile | null;
  @ManyToOne(() => Wing, { onDelete: 'CASCADE', nullable: true }) @JoinColumn({ name: 'wing_id' }) wing!: Wing | null;
}

/** A row that can be soft-deleted. */
@Entity('loan')
export class Loan {
  @PrimaryGeneratedColumn() id!: number;
  @DeleteDateColumn() deletedAt!: Date | null;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
  /** Released when its row is soft-deleted. */
  @FileField({ storage: 'media', onSoftDelete: 'delete' }) draft!: StoredFile | null;
  /** Cannot be deleted while it is lent. */
  @ManyToOne(() => Exhibit, { nullable: true }) @JoinColumn({ name: 'exhibit_id' }) exhibit!: Exhibit | null;
}

export interface TypeormHall extends Hall {
  readonly dataSource: DataSource;
}

const entities = [Exhibit, Wing, Loan];

export async function openTypeormHall(database: DatabaseName, grace = 0): Promise<TypeormHall> {
  const place = await mkdtemp(path.join(tmpdir(), 'museum-'));
  const { dataSource, close } = await openIn(place, database);
  await createLedger(dataSource);
  const folder = path.join(place, 'media');
  mkdirSync(folder);
  const storage = new FailingStorage(new DiskStorage({ root: folder, sync: false }));
  const files = await attachFiles(dataSource, { storages: { media: storage }, grace });
  const queue = transactionQueue(dataSource);
  const transaction: EntityManager['transaction'] =
    database === 'sqlite' ? (queue as EntityManager['transaction']) : dataSource.transaction.bind(dataSource);
  return {
    dataSource,
    database,
    files,
    Exhibit,
    storage,
    folder,
    unit: () => ({
      ...unitOf(dataSource.manager),
      transaction: (work) => transaction((manager: EntityManager) => work(unitOf(manager))),
    }),
    bulkDelete: (where) => dataSource.getRepository(Exhibit).delete(where),
    query: (sql) => dataSource.query(sql) as Promise<Record<string, unknown>[]>,
    async close() {
      await close();
      await rm(place, { recursive: true });
    },
  };
}

/** SQLite in a file, so that a second process could open it too. */
async function openIn(place: string, database: DatabaseName): ReturnType<typeof openDataSource> {
  if (database !== 'sqlite') return openDataSource(database, { entities });
  const dataSource = await new DataSource({
    type: 'sqlite',
    database: path.join(place, 'museum.sqlite'),
    entities,
    synchronize: true,
  }).initialize();
  return { dataSource, close: () => dataSource.destroy() };
}

function unitOf(manager: EntityManager): Unit {
  const exhibits = manager.getRepository(Exhibit);
  return {
    insert: (values) => exhibits.save(exhibits.create(values)),
    save: async (row) => void (await exhibits.save(row)),
    find: (slug) => exhibits.findOneBy({ slug }),
    remove: async (row) => void (await exhibits.remove(row as Exhibit)),
    transaction: (work) => manager.transaction((inner) => work(unitOf(inner))),
  };
}
