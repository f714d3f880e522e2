import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Storage } from 'filefield';
import { createFileObjects, databaseStorage } from 'filefield/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { mysql } from '../../src/ledger/dialects/index.js';
import { databaseError } from '../../src/storages/database/database-error.js';
import { compile, type Compiled } from '../support/compiled.js';
import { createDatabase, describeEach, onDatabases, servers, type DatabaseName } from '../support/databases.js';
import { postgresCluster, postgresPrograms, type PostgresCluster } from '../support/postgres-cluster.js';

const folder = mkdtempSync(path.join(tmpdir(), 'database-storage-'));
afterAll(() => rmSync(folder, { recursive: true }));

const programs = postgresPrograms();
if (!programs && process.env.CI)
  throw new Error('The programs of PostgreSQL are not installed; they are mandatory in CI');

const chunk = 256 * 1024;

/** Bytes: all that were read, and the most of the memory of buffers. */
interface Memory {
  readonly sum: number;
  readonly read: number;
  readonly written: number;
}

async function* bytes(size: number) {
  for (let left = size; left > 0; left -= 65_536) yield Buffer.alloc(Math.min(left, 65_536), 7);
}

async function sizeOf(storage: Storage, key: string): Promise<number> {
  let size = 0;
  for await (const part of (await storage.read(key)).stream()) size += part.byteLength;
  return size;
}

/** How a data source reaches a new database. */
async function newDatabase(database: DatabaseName) {
  const { name, drop, host, port, user } = await createDatabase(database, path.join(folder, `${Math.random()}.db`));
  const options = { type: database, host, port, username: user, password: '', database: name } as DataSourceOptions;
  return { options, drop };
}

describe('objects in a SQLite database that may not grow', () => {
  it('are refused with no_space, and leave nothing', async () => {
    const dataSource = await new DataSource({ type: 'sqlite', database: path.join(folder, 'full.db') }).initialize();
    await createFileObjects(dataSource);
    await dataSource.query('PRAGMA max_page_count = 400');
    const storage = databaseStorage(dataSource);
    for (const size of [8 * chunk, 2_000_000, chunk * 7 + 1]) {
      await expect(storage.write('full', bytes(size))).rejects.toMatchObject({
        code: 'no_space',
        message: 'The disk of the database is full: free space, or give it more.',
      });
    }
    expect(await dataSource.query('SELECT id FROM file_object')).toEqual([]);
    expect(await dataSource.query('SELECT object_id FROM file_chunk')).toEqual([]);
    await storage.write('full', bytes(3 * chunk));
    expect(await sizeOf(storage, 'full')).toBe(3 * chunk);
    await dataSource.destroy();
  });
});

await onDatabases(['postgres'], 'objects in %s, by a role without rights', (database) => {
  it('are refused with a sentence that names the rights', async () => {
    const { options, drop } = await newDatabase(database);
    const owner = await new DataSource(options).initialize();
    await createFileObjects(owner);
    const role = `reader_${process.pid}`;
    await owner.query(`CREATE ROLE ${role} LOGIN`);
    await owner.query(`GRANT SELECT ON file_object, file_chunk TO ${role}`);
    const reader = await new DataSource({ ...options, username: role } as DataSourceOptions).initialize();
    const [full, poor] = [databaseStorage(owner), databaseStorage(reader)];
    await full.write('large', bytes(2 * chunk));
    const denied = {
      code: 'storage_failed',
      message: expect.stringContaining('grant SELECT, INSERT, UPDATE and DELETE') as string,
      cause: expect.objectContaining({ code: '42501' }) as Error,
    };
    await expect(poor.write('large', bytes(10))).rejects.toMatchObject(denied);
    await expect(poor.delete('large')).rejects.toMatchObject(denied);
    expect(await sizeOf(poor, 'large')).toBe(2 * chunk);
    await owner.query(`REVOKE ALL ON file_object FROM ${role}`);
    await expect(poor.stat('large')).rejects.toMatchObject(denied);
    await reader.destroy();
    await owner.query(`REVOKE ALL ON file_chunk FROM ${role}`);
    await owner.query(`DROP ROLE ${role}`);
    await owner.destroy();
    await drop();
  });
});

await onDatabases(['postgres', 'mariadb'], 'objects in %s, by a pool of one connection', (database) => {
  it('are busy while a transaction of the caller has it, and can be used afterwards', async () => {
    const { options, drop } = await newDatabase(database);
    const dataSource = await new DataSource({ ...options, poolSize: 1 } as DataSourceOptions).initialize();
    await createFileObjects(dataSource);
    const storage = databaseStorage(dataSource);
    await storage.write('kept', bytes(10));
    const busy = { code: 'busy', statusCode: 503 };
    await dataSource.transaction(async () => {
      const works = [storage.write('other', bytes(10)), storage.write('large', bytes(3 * chunk)), storage.read('kept')];
      for (const settled of await Promise.allSettled(works)) expect(settled).toMatchObject({ reason: busy });
    });
    expect(await storage.stat('kept')).toMatchObject({ size: 10 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await dataSource.query('SELECT object_key FROM file_object')).toHaveLength(1);
    await dataSource.destroy();
    await drop();
  }, 30_000);
});

await onDatabases(['mariadb'], 'a statement that is too large for %s', () => {
  it('is told from other failures', async () => {
    const { user: username, ...server } = servers.mariadb;
    const dataSource = await new DataSource({ type: 'mariadb', ...server, username, password: '' }).initialize();
    const [{ limit }] = await dataSource.query('SELECT @@max_allowed_packet AS `limit`');
    const cause: unknown = await dataSource
      .query('SELECT LENGTH(?) AS n', ['x'.repeat(Number(limit) + 1000)])
      .catch((error: unknown) => error);
    const message = expect.stringMatching(/statement of this size: raise its limit|does not answer/) as string;
    expect(databaseError(cause, mysql, 'write an object')).toMatchObject({ message });
    await dataSource.destroy();
  });
});

describeEach(
  programs ? [programs] : [],
  'the programs of PostgreSQL',
  'objects in a PostgreSQL server that crashes',
  (place) => {
    let cluster: PostgresCluster;
    let dataSource: DataSource;
    beforeAll(async () => {
      cluster = await postgresCluster(place);
      dataSource = await new DataSource({
        type: 'postgres',
        host: '127.0.0.1',
        port: cluster.port,
        username: 'postgres',
        database: 'postgres',
        logging: false,
      }).initialize();
      await createFileObjects(dataSource);
    });
    afterAll(async () => {
      await dataSource?.destroy();
      cluster?.remove();
    });

    it('are unavailable until it is back, and what a write has left goes with its key', async () => {
      const storage = databaseStorage(dataSource);
      await storage.write('kept', bytes(3 * chunk));
      const body = async function* () {
        yield* bytes(2 * chunk);
        cluster.stop('immediate');
        yield* bytes(2 * chunk);
      };
      const unavailable = { code: 'unavailable', statusCode: 503 };
      const open = await storage.read('kept');
      await expect(storage.write('crashed', body())).rejects.toMatchObject(unavailable);
      await expect(storage.stat('kept')).rejects.toMatchObject(unavailable);
      await expect(open.stream()[Symbol.asyncIterator]().next()).rejects.toMatchObject(unavailable);
      cluster.start();
      expect(await sizeOf(storage, 'kept')).toBe(3 * chunk);
      expect(await storage.stat('crashed')).toBeNull();
      expect(await dataSource.query(`SELECT COUNT(*) AS n FROM file_chunk`)).toEqual([{ n: '4' }]);
      await storage.delete('crashed');
      expect(await dataSource.query(`SELECT COUNT(*) AS n FROM file_chunk`)).toEqual([{ n: '3' }]);
    });
  },
);

await onDatabases(['sqlite', 'postgres', 'mariadb'], 'objects in %s, in another process', (database) => {
  let compiled: Compiled;
  let dataSource: DataSource;
  let close: () => Promise<void>;
  let options: DataSourceOptions;
  beforeAll(async () => {
    compiled = compile('test/storages');
    const made = await newDatabase(database);
    options = made.options;
    dataSource = await new DataSource(options).initialize();
    await createFileObjects(dataSource);
    close = async () => {
      await dataSource.destroy();
      await made.drop();
      compiled.remove();
    };
  });
  afterAll(() => close());

  /** Starts a process that has the storage. */
  function start(body: string) {
    const script = `
      import typeorm from 'typeorm';
      const { databaseStorage } = await import(${JSON.stringify(compiled.script('src/orm/typeorm/index.ts'))});
      const dataSource = await new typeorm.DataSource(${JSON.stringify(options)}).initialize();
      const storage = databaseStorage(dataSource);
      async function* bytes(size) {
        for (let left = size; left > 0; left -= 65536) yield Buffer.alloc(Math.min(left, 65536), 7);
      }
      ${body}`;
    return spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }
  const chunks = async () => Number((await dataSource.query('SELECT COUNT(*) AS n FROM file_chunk'))[0].n);

  it('are not there when it is killed while it writes, and deleting the key deletes what it left', async () => {
    const child = start(`
      const body = async function* () {
        yield* bytes(${3 * chunk + 1});
        console.log('half');
        await new Promise((resolve) => setTimeout(resolve, 60000));
      };
      await storage.write('killed', body());`);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    const storage = databaseStorage(dataSource);
    expect(await storage.stat('killed')).toBeNull();
    await expect(storage.read('killed')).rejects.toMatchObject({ code: 'not_found' });
    expect(await chunks()).toBe(3);
    await storage.write('killed', bytes(2 * chunk));
    await storage.delete('killed');
    expect(await chunks()).toBe(0);
  });

  it('take memory for a few chunks, not for the object, to write and to read 64 MiB', async () => {
    const child = start(`
      const size = 64 * 1024 * 1024;
      const idle = process.memoryUsage().arrayBuffers;
      let [parts, most] = [0, 0];
      const watch = async function* (body) {
        for await (const part of body) {
          // Without garbage, as far as it is known to be some.
          if ((parts += part.byteLength) % ${8 * chunk} === 0) gc();
          most = Math.max(most, process.memoryUsage().arrayBuffers - idle);
          yield part;
        }
      };
      await storage.write('large', watch(bytes(size)));
      const written = most;
      most = 0;
      let sum = 0;
      for await (const part of watch((await storage.read('large')).stream())) sum += part.byteLength;
      await storage.delete('large');
      console.log(JSON.stringify({ sum, read: most, written }));
      process.exit();`);
    const output = JSON.parse(Buffer.concat((await child.stdout.toArray()) as Buffer[]).toString()) as Memory;
    expect(output.sum).toBe(64 * 2 ** 20);
    expect(output.written).toBeLessThan(32 * chunk);
    // Drivers keep what they have read from a socket for a while.
    expect(output.read).toBeLessThan(64 * chunk);
    expect(await chunks()).toBe(0);
  });
});
