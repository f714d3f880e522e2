import 'reflect-metadata';
import { MikroORM } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import { SqliteDriver } from '@mikro-orm/sqlite';
import { withFiles as mikroWithFiles } from 'filefield/mikro-orm';
import { withFiles } from 'filefield/typeorm';
import { DataSource } from 'typeorm';
import { Document } from '../../entities-example/document.js';
import { Document as MikroDocument } from '../../entities-example/mikro/document.js';
import { Photo as MikroPhoto } from '../../entities-example/mikro/photo.js';
import { Photo } from '../../entities-example/photo.js';
import { migrationsList } from '../../migrations-example/mikro-orm/index.js';
import { migrations } from '../../migrations-example/typeorm/index.js';

test('the TypeORM migrations create the schema of the entities, and drop all of it', async () => {
  const dataSource = withFiles(
    new DataSource({ type: 'sqlite', database: ':memory:', entities: [Document, Photo], migrations }),
  );
  await dataSource.initialize();
  await dataSource.runMigrations();
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
  for (let applied = migrations.length; applied > 0; applied -= 1) await dataSource.undoLastMigration();
  const remaining: unknown = await dataSource.query(
    `SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name <> 'migrations'`,
  );
  expect(remaining).toEqual([]);
  await dataSource.destroy();
});

test('the MikroORM migrations create the schema of the entities, and drop all of it', async () => {
  const orm = await MikroORM.init(
    mikroWithFiles({
      driver: SqliteDriver,
      dbName: ':memory:',
      entities: [MikroDocument, MikroPhoto],
      extensions: [Migrator],
      migrations: { migrationsList, snapshot: false, silent: true, tableName: 'migrations' },
      schemaGenerator: { skipTables: ['migrations'] },
    }),
  );
  await orm.getMigrator().up();
  expect(await orm.getSchemaGenerator().getUpdateSchemaSQL({ wrap: false })).toBe('');
  await orm.getMigrator().down({ to: 0 });
  const remaining: unknown = await orm.em.execute(
    `SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name <> 'migrations'`,
  );
  expect(remaining).toEqual([]);
  await orm.close();
});
