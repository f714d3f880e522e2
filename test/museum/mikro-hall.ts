import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EntityManager } from '@mikro-orm/core';
import type { StoredFile } from 'filefield';
import { attachFiles, FileField } from 'filefield/mikro-orm';
import { DiskStorage } from 'filefield/storages/disk';
import { FailingStorage } from 'filefield/testing';
import type { DatabaseName } from '../support/databases.js';
import { legacy, openMikro } from '../support/mikro-orm.js';
import type { ExhibitRow, Hall, Unit, WingRow } from './hall.js';

const { Entity, ManyToOne, PrimaryKey, Property } = legacy;

@Entity({ tableName: 'wing' })
class Wing implements WingRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
}

@Entity({ tableName: 'exhibit' })
class Exhibit implements ExhibitRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', length: 100, unique: true }) slug!: string;
  @Property({ type: 'string' }) room = '';
  @FileField({ storage: 'media' }) file!: StoredFile | null;
  @FileField({ storage: 'media', copies: 'share' }) shared!: StoredFile | null;
  @FileField({ storage: 'media', copies: 'copy' }) copied!: StoredFile | null;
  @FileField({ storage: 'media', accept: ['image/png', 'image/jpeg'], maxSize: '10 KB' }) image!: StoredFile | null;
  @ManyToOne(() => Wing, { nullable: true, deleteRule: 'cascade' }) wing!: Wing | null;
}

/** An exhibit cannot be deleted while it is lent. MikroORM has no soft delete of its own. */
@Entity({ tableName: 'loan' })
class Loan {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @ManyToOne(() => Exhibit, { nullable: true, deleteRule: 'no action' }) exhibit!: Exhibit | null;
}

export async function openMikroHall(database: DatabaseName): Promise<Hall> {
  const place = await mkdtemp(path.join(tmpdir(), 'museum-'));
  const open = await openMikro(database, [Exhibit, Wing, Loan]);
  const folder = path.join(place, 'media');
  mkdirSync(folder);
  const storage = new FailingStorage(new DiskStorage({ root: folder, sync: false }));
  const files = await attachFiles(open.orm, { storages: { media: storage }, grace: 0 });
  return {
    database,
    files,
    Exhibit,
    storage,
    folder,
    unit: () => unitOf(open.em),
    bulkDelete: (where) => open.em.nativeDelete(Exhibit, where),
    query: async (sql) => {
      if (/^SELECT/.test(sql)) return open.rows(sql);
      await open.orm.em.getConnection().execute(sql, [], 'run');
      return [];
    },
    async close() {
      await open.close();
      await rm(place, { recursive: true });
    },
  };
}

function unitOf(em: EntityManager): Unit {
  return {
    async insert(values) {
      const empty = { room: '', file: null, shared: null, copied: null, image: null, wing: null };
      const row = em.create(Exhibit, { ...empty, ...values } as Exhibit);
      await em.persist(row).flush();
      return row;
    },
    save: (row) => em.persist(row).flush(),
    find: (slug) => em.findOne(Exhibit, { slug }),
    remove: (row) => em.remove(row).flush(),
    transaction: (work) => em.transactional((inner) => work(unitOf(inner))),
  };
}
