import type { EntityManager } from '@mikro-orm/core';
import { ledgerSchema } from 'filefield';
import { attachFiles, protectFiles } from 'filefield/mikro-orm';
import type { Site, SiteOptions, SiteUnit } from '../contracts/orm/site.js';
import { MemoryStorage } from 'filefield/storages/memory';
import { AgedStorage } from './aged-storage.js';
import type { DatabaseName } from './databases.js';
import { openMikro } from './mikro-orm.js';

interface Identified {
  id: number;
}

type Entity<Row> = new () => Row;

export async function openMikroSite<Row extends Identified>(
  database: DatabaseName,
  Entity: Entity<Row>,
  { poolSize, ledger = true, protect = false, ...options }: SiteOptions = {},
): Promise<Site<Row>> {
  const pool = database === 'sqlite' || !poolSize ? {} : { pool: { min: 0, max: poolSize } };
  const open = await openMikro(database, [Entity], pool);
  const run = (sql: string) => open.orm.em.getConnection().execute(sql, [], 'run');
  if (!ledger) for (const sql of ledgerSchema(database === 'mariadb' ? 'mysql' : database).drop) await run(sql);
  if (protect) await protectFiles(open.orm, options.grace === undefined ? {} : { grace: options.grace });
  const media = new AgedStorage();
  const attic = new MemoryStorage();
  const files = await attachFiles(open.orm, { storages: { media, attic }, ledger, ...options });
  return {
    files,
    Entity,
    media,
    attic,
    unit: () => unitOf(open.em, Entity),
    query: (sql) => (/^SELECT/.test(sql) ? open.rows(sql) : run(sql).then(() => [])),
    close: open.close,
  };
}

export function unitOf<Row extends Identified>(em: EntityManager, Entity: Entity<Row>): SiteUnit<Row> {
  const save = (row: Row) => em.persist(row).flush();
  return {
    async insert(values) {
      const row = em.create(Entity, values as never);
      await save(row);
      return row;
    },
    save,
    find: (id) => em.findOneOrFail(Entity, { id } as never),
    remove: (row) => em.remove(row).flush(),
    transaction: (work) => em.transactional((inner) => work(unitOf(inner, Entity))),
    select: (sql) => em.getConnection().execute(sql, [], 'all', em.getTransactionContext()) as Promise<never>,
  };
}
