import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import {
  attachFiles,
  createFileObjects,
  createLedger,
  databaseStorage,
  dropFileObjects,
  FileField,
} from 'filefield/typeorm';
import { DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { objectsClaims, type LeafletRow, type ObjectsSite } from '../contracts/orm/objects.js';
import { onDatabases, type DatabaseName } from '../support/databases.js';
import { unitOf } from '../support/typeorm-site.js';
import { openDataSource } from '../support/typeorm.js';

@Entity('leaflet')
class Leaflet implements LeafletRow {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'database' }) file!: StoredFile | null;
}

async function open(database: DatabaseName): Promise<ObjectsSite> {
  const { dataSource, close } = await openDataSource(database, { entities: [Leaflet], logging: false });
  const statements: string[] = [];
  dataSource.subscribers.push({ beforeQuery: ({ query }: { query: string }) => void statements.push(query) });
  await createLedger(dataSource);
  await createFileObjects(dataSource);
  const storage = databaseStorage(dataSource);
  const files = await attachFiles(dataSource, { storages: { database: storage }, grace: 0, protection: 'off' });
  return {
    files,
    Entity: Leaflet,
    storage,
    other: (name) => databaseStorage(dataSource, { name }),
    unit: () => unitOf(dataSource.manager, Leaflet),
    query: (sql) => dataSource.query(sql),
    selects: () => statements.splice(0).filter((sql) => sql.startsWith('SELECT')),
    async drop() {
      const runner = dataSource.createQueryRunner();
      await dropFileObjects(runner);
      await runner.release();
    },
    create: () => createFileObjects(dataSource),
    close,
  };
}

await onDatabases(['sqlite', 'postgres', 'mariadb'], 'objects in a database, by TypeORM on %s', (database) => {
  objectsClaims(database, () => open(database));
});

it('a storage of a data source that is not initialised is refused', () => {
  const source = new DataSource({ type: 'postgres' });
  expect(() => databaseStorage(source)).toThrow('Initialize the data source before databaseStorage().');
});
