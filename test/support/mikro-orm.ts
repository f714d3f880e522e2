import { MikroORM, type EntityManager, type Options } from '@mikro-orm/core';
import type * as migrations from '@mikro-orm/migrations';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ledgerSchema, ledgerTables } from 'filefield';
import { servers, uniqueName, type DatabaseName } from './databases.js';
import { legacy, load, major, sqlitePackage } from './mikro-major.js';

export { legacy, major };

/** An ORM with a new database that has the tables of the ledger, and a log of the statements. */
export interface OpenMikro {
  readonly orm: MikroORM;
  /** A fresh entity manager. */
  readonly em: EntityManager;
  /** The SQL statements since the last call. */
  statements(): string[];
  /** The rows of a raw SELECT. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

const drivers: Record<DatabaseName, readonly [string, string]> = {
  sqlite: sqlitePackage,
  postgres: ['@mikro-orm/postgresql', 'PostgreSqlDriver'],
  mariadb: ['@mikro-orm/mariadb', 'MariaDbDriver'],
};

/**
 * Opens a new, empty database and makes the tables of the entities and of the ledger.
 */
export async function openMikro(
  database: DatabaseName,
  entities: Options['entities'],
  options: Partial<Options> = {},
): Promise<OpenMikro> {
  const [module, driver] = drivers[database];
  const folder = database === 'sqlite' ? await mkdtemp(path.join(tmpdir(), 'filefield-')) : undefined;
  const log: string[] = [];
  const orm = await MikroORM.init({
    driver: ((await load(module)) as Record<string, never>)[driver],
    dbName: folder ? path.join(folder, 'test.db') : uniqueName(),
    ...(database !== 'sqlite' && address(database)),
    entities,
    metadataProvider: legacy.ReflectMetadataProvider,
    schemaGenerator: { skipTables: [...ledgerTables] },
    debug: ['query'],
    logger: (line) => log.push(line),
    colors: false,
    ...options,
  });
  if (!folder) await orm.schema.ensureDatabase();
  const schema = orm.schema as unknown as { create?(): Promise<void>; createSchema?(): Promise<void> };
  await (schema.create?.() ?? schema.createSchema?.());
  const dialect = database === 'mariadb' ? 'mysql' : database;
  for (const sql of ledgerSchema(dialect).create) await orm.em.getConnection().execute(sql, [], 'run');
  log.length = 0;
  return {
    orm,
    get em() {
      return orm.em.fork();
    },
    statements: () => log.splice(0),
    rows: (sql) => orm.em.getConnection().execute(sql) as Promise<Record<string, unknown>[]>,
    async close() {
      if (!folder) await orm.schema.dropDatabase();
      await orm.close(true);
      if (folder) await rm(folder, { recursive: true, force: true });
    },
  };
}

function address(database: Exclude<DatabaseName, 'sqlite'>): Partial<Options> {
  const { host, port, user } = servers[database];
  return { host, port, user, password: '' };
}

/** Runs a migration that makes or drops the ledger, as an application would. */
export async function migrate(orm: MikroORM, direction: 'up' | 'down'): Promise<void> {
  const { Migration, Migrator } = (await load('@mikro-orm/migrations')) as typeof migrations;
  class Ledger extends Migration {
    override up(): void {
      for (const sql of ledgerSchema('sqlite').create) this.addSql(sql);
    }
    override down(): void {
      for (const sql of ledgerSchema('sqlite').drop) this.addSql(sql);
    }
  }
  orm.config.set('migrations', {
    ...orm.config.get('migrations'),
    migrationsList: [{ name: 'Ledger', class: Ledger }],
    snapshot: false,
  });
  await new Migrator(orm.em as never)[direction]();
}
