import 'reflect-metadata';
import { MikroORM } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import { SqliteDriver } from '@mikro-orm/sqlite';
import { DataSource } from 'typeorm';
import { Document } from '../../entities-example/document.js';
import { Document as MikroDocument } from '../../entities-example/mikro/document.js';
import { Photo as MikroPhoto } from '../../entities-example/mikro/photo.js';
import { Photo } from '../../entities-example/photo.js';
import { migrationsList } from '../../migrations-example/mikro-orm/index.js';
import { migrations } from '../../migrations-example/typeorm/index.js';
import { ledgerTables } from '../../src/ledger/schema.js';

test('the TypeORM migrations make what the entities describe, and take it back', async () => {
  const dataSource = new DataSource({
    type: 'sqlite',
    database: ':memory:',
    entities: [Document, Photo],
    migrations,
  });
  await dataSource.initialize();
  await dataSource.runMigrations();
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
  for (let left = migrations.length; left > 0; left -= 1) await dataSource.undoLastMigration();
  const left: unknown = await dataSource.query(
    `SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name <> 'migrations'`,
  );
  expect(left).toEqual([]);
  await dataSource.destroy();
});

test('the MikroORM migrations make what the entities describe, and take it back', async () => {
  const orm = await MikroORM.init({
    driver: SqliteDriver,
    dbName: ':memory:',
    entities: [MikroDocument, MikroPhoto],
    extensions: [Migrator],
    migrations: { migrationsList, snapshot: false, silent: true, tableName: 'migrations' },
    schemaGenerator: { skipTables: [...ledgerTables, 'migrations'] },
  });
  await orm.getMigrator().up();
  expect(await orm.getSchemaGenerator().getUpdateSchemaSQL({ wrap: false })).toBe('');
  await orm.getMigrator().down({ to: 0 });
  const left: unknown = await orm.em.execute(
    `SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name <> 'migrations'`,
  );
  expect(left).toEqual([]);
  await orm.close();
});
