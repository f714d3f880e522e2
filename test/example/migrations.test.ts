import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { Document } from '../../entities-example/document.js';
import { Photo } from '../../entities-example/photo.js';
import { migrations } from '../../migrations-example/typeorm/index.js';

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
