import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MemoryStorage } from 'filefield/storages/memory';
import {
  attachFiles,
  createFileObjects,
  createLedger,
  FileField,
  protectFiles,
  unprotectFiles,
  withFiles,
  type StoredFile,
} from 'filefield/typeorm';
import {
  Column,
  DataSource,
  DeleteDateColumn,
  Entity,
  PrimaryGeneratedColumn,
  TableColumn,
  type DataSourceOptions,
} from 'typeorm';
import { createDatabase, reachableDatabases, type DatabaseName } from '../support/databases.js';

class Place {
  @FileField({ storage: 'media' }) map!: StoredFile | null;
}

@Entity('tooled')
class Tooled {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { length: 50, default: '' }) title!: string;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
  @FileField({ storage: 'media', column: 'of state', onSoftDelete: 'delete' }) other!: StoredFile | null;
  @Column(() => Place) place!: Place;
  @DeleteDateColumn() deletedAt!: Date | null;
}

/** The same table in the next release. */
@Entity('tooled')
class Next extends Tooled {
  @Column('varchar', { length: 50, nullable: true }) note!: string | null;
}

/** A release whose migration has not run yet. */
@Entity('tooled')
class Later extends Tooled {
  @FileField({ storage: 'media' }) scan!: StoredFile | null;
}

/** Set by the Jest project: 1 if `typeorm` is TypeORM 1.x. */
declare const typeormMajor: number | undefined;

async function address(database: DatabaseName) {
  const folder = await mkdtemp(path.join(tmpdir(), 'filefield-'));
  const { name, drop, host, port, user } = await createDatabase(database, path.join(folder, 'tools.db'));
  const options =
    database !== 'sqlite'
      ? { type: database, host, port, username: user, password: '', database: name }
      : typeof typeormMajor === 'number'
        ? { type: 'sqljs', location: name, autoSave: true }
        : { type: 'sqlite', database: name };
  return {
    open: (entity: typeof Tooled | typeof Next | typeof Later, more: object = {}) =>
      withFiles(new DataSource({ ...options, ...more, entities: [entity] } as DataSourceOptions)).initialize(),
    drop: () => Promise.all([drop(), rm(folder, { recursive: true, force: true })]),
  };
}

const changes = async (dataSource: DataSource) =>
  (await dataSource.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);

const unprotected = async (dataSource: DataSource) => {
  const files = await attachFiles(dataSource, { storages: { media: new MemoryStorage() }, protection: 'off' });
  return files.unprotected;
};

const all = ['tooled.file', 'tooled.of state', 'tooled.placeMap'];

describe.each(await reachableDatabases())('the schema tools of TypeORM on %s, after protectFiles', (database) => {
  let site: Awaited<ReturnType<typeof address>>;
  const opened: DataSource[] = [];
  const open = async (...values: Parameters<typeof site.open>) => {
    const dataSource = await site.open(...values);
    opened.push(dataSource);
    return dataSource;
  };
  beforeAll(async () => {
    site = await address(database);
    const dataSource = await open(Tooled, { synchronize: true });
    await createLedger(dataSource);
    await createFileObjects(dataSource);
    await protectFiles(dataSource);
  });
  afterEach(async () => {
    for (const dataSource of opened.splice(0)) await dataSource.destroy();
  });
  afterAll(() => site?.drop());

  it('have nothing to migrate', async () => {
    const dataSource = await open(Tooled);
    expect(await changes(dataSource)).toEqual([]);
  });

  it('keep the objects, triggers, guard and index when they synchronise', async () => {
    const dataSource = await open(Tooled, { synchronize: true });
    await dataSource.synchronize();
    expect(await unprotected(dataSource)).toEqual([]);
    expect(await dataSource.query('SELECT object_id FROM file_chunk')).toEqual([]);
  });

  it('still save, find and soft-delete entities, which do not change', async () => {
    const dataSource = await open(Tooled);
    const media = new MemoryStorage();
    const files = await attachFiles(dataSource, { storages: { media }, grace: 0 });
    const rows = dataSource.getRepository(Tooled);
    const row = await rows.save(rows.create({ file: await files.stage(Tooled, 'file', 'kept') }));
    const found = await rows.findOneByOrFail({ id: row.id });
    expect(Object.keys(found).sort()).toEqual(['deletedAt', 'file', 'id', 'other', 'place', 'title']);
    expect(await found.file?.text()).toBe('kept');
    await rows.update(row.id, { title: 'changed' });
    await rows.upsert({ id: row.id, title: 'again' }, ['id']);
    await rows.softDelete(row.id);
    await rows.delete(row.id);
  });

  it('have nothing to migrate after protectFiles ran again, and after unprotectFiles ran', async () => {
    const dataSource = await open(Tooled);
    await protectFiles(dataSource);
    expect(await changes(dataSource)).toEqual([]);
    await unprotectFiles(dataSource);
    expect(await unprotected(dataSource)).toEqual(all);
    await protectFiles(dataSource);
    expect(await changes(dataSource)).toEqual([]);
  });

  it('add a column by a migration written by hand', async () => {
    const dataSource = await open(Tooled);
    const runner = dataSource.createQueryRunner();
    await runner.addColumn('tooled', new TableColumn({ name: 'hand', type: 'varchar', isNullable: true }));
    await runner.dropColumn('tooled', 'hand');
    if (database === 'sqlite') await protectFiles(runner);
    await runner.release();
    expect(await changes(dataSource)).toEqual([]);
    expect(await unprotected(dataSource)).toEqual([]);
  });

  it('migrate a later change, after which all is protected; on SQLite, whose table is copied, once more protectFiles', async () => {
    const dataSource = await open(Next);
    const queries = await changes(dataSource);
    expect(queries.join(';')).toContain('note');
    if (database !== 'sqlite') expect(queries).toHaveLength(1);
    await dataSource.synchronize();
    expect(await changes(dataSource)).toEqual([]);
    if (database === 'sqlite') await protectFiles(dataSource);
    expect(await unprotected(dataSource)).toEqual([]);
  });

  it('lose the triggers of SQLite when they copy a table, which attachFiles reports', async () => {
    const dataSource = await open(Tooled);
    await dataSource.synchronize();
    expect(await unprotected(dataSource)).toEqual(database === 'sqlite' ? all : []);
    await protectFiles(dataSource);
  });

  it('let protectFiles leave out a column that the table does not have yet, until it is called again', async () => {
    const dataSource = await open(Later);
    await protectFiles(dataSource);
    await dataSource.synchronize();
    expect(await unprotected(dataSource)).toContain('tooled.scan');
    await protectFiles(dataSource);
    expect(await changes(dataSource)).toEqual([]);
    const again = await open(Later);
    expect(await unprotected(again)).toEqual([]);
  });
});
