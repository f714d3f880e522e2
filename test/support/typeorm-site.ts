import { attachFiles, createLedger, protectFiles } from 'filefield/typeorm';
import type { DeepPartial, EntityManager, FindOptionsWhere } from 'typeorm';
import type { Site, SiteOptions, SiteUnit } from '../contracts/orm/site.js';
import { MemoryStorage } from 'filefield/storages/memory';
import { AgedStorage } from './aged-storage.js';
import type { DatabaseName } from './databases.js';
import { openDataSource } from './typeorm.js';

interface Identified {
  id: number;
}

type Entity<Row> = new () => Row;

export async function openTypeormSite<Row extends Identified>(
  database: DatabaseName,
  Entity: Entity<Row>,
  { poolSize, ledger = true, protect = false, ...options }: SiteOptions = {},
): Promise<Site<Row>> {
  const pool = database === 'sqlite' || !poolSize ? {} : { poolSize };
  const { dataSource, close } = await openDataSource(database, { entities: [Entity], logging: false, ...pool });
  if (ledger) {
    const runner = dataSource.createQueryRunner();
    await createLedger(runner);
    if (protect) await protectFiles(runner, options.grace === undefined ? {} : { grace: options.grace });
    await runner.release();
  }
  const media = new AgedStorage();
  const attic = new MemoryStorage();
  const files = await attachFiles(dataSource, { storages: { media, attic }, ledger, ...options });
  return {
    files,
    Entity,
    media,
    attic,
    unit: () => unitOf(dataSource.manager, Entity),
    query: (sql) => dataSource.query(sql),
    close,
  };
}

export function unitOf<Row extends Identified>(manager: EntityManager, Entity: Entity<Row>): SiteUnit<Row> {
  const repository = manager.getRepository(Entity);
  return {
    insert: (values) => repository.save(repository.create(values as DeepPartial<Row>)),
    save: async (row) => void (await repository.save(row)),
    find: (id) => repository.findOneByOrFail({ id } as FindOptionsWhere<Row>),
    remove: async (row) => void (await repository.remove(row)),
    transaction: (work) => manager.transaction((inner) => work(unitOf(inner, Entity))),
    select: (sql) => manager.query(sql),
  };
}
