import 'reflect-metadata';
import { ledgerTables, StorageRegistry } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import {
  attachFiles,
  createLedger,
  FileField,
  protectFiles,
  unprotectFiles,
  withFiles,
  type StoredFile,
} from 'filefield/typeorm';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';

// Two costs of a sweep: deleting from a slow storage, and finding few due files beside many rows. BENCH_ROWS=10000,1000000
// takes four minutes.
const latency = 20;
const objects = 1000;
const due = 10;
const sizes = (process.env.BENCH_ROWS ?? '10000,100000').split(',').map(Number);

@Entity('bench_swept')
class Swept {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

/** A storage whose deletions take as long as those of a bucket. */
class SlowStorage extends MemoryStorage {
  override async delete(key: string): Promise<void> {
    await delay(latency);
    return super.delete(key);
  }
}

/** The databases that can be reached here, each with its SQL for many rows. */
const databases: Readonly<Record<string, { readonly options: DataSourceOptions; readonly row: string }>> = {
  SQLite: { options: { type: 'sqlite', database: ':memory:' }, row: `json_object(MEMBERS)` },
  PostgreSQL: {
    options: { type: 'postgres', url: process.env.BENCH_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test' },
    row: `json_build_object(MEMBERS)`,
  },
  MariaDB: {
    options: { type: 'mariadb', url: process.env.BENCH_MARIADB ?? 'mysql://root@127.0.0.1:3306/test' },
    row: `JSON_OBJECT(MEMBERS)`,
  },
};
const names = process.env.BENCH_DATABASES?.split(',') ?? Object.keys(databases);

const drop = async (dataSource: DataSource) => {
  for (const table of ['bench_swept', ...ledgerTables]) {
    await dataSource.query(`DROP TABLE IF EXISTS ${table}`);
  }
};

/** A database of which nothing is due, with this number of rows. */
async function open(name: string, storage: MemoryStorage, size = 0) {
  const { options, row } = databases[name]!;
  const dataSource = withFiles(new DataSource({ ...options, entities: [Swept] } as DataSourceOptions));
  await dataSource.initialize();
  await drop(dataSource);
  await dataSource.synchronize();
  await createLedger(dataSource);
  if (size > 0) await fill(dataSource, row, size);
  const storages = new StorageRegistry({ documents: storage });
  const files = await attachFiles(dataSource, { storages, lease: '1h', grace: 0, protection: 'off' });
  // Staged files whose lease has ended.
  const expire = async (count: number) => {
    await files.stageAll(
      Swept,
      'file',
      Array.from({ length: count }, (_, index) => `file ${index}`),
    );
    await dataSource.query(`UPDATE file_ledger SET lease_until = 0 WHERE state = 'pending'`);
  };
  const close = async () => {
    await unprotectFiles(dataSource);
    await drop(dataSource);
    await dataSource.destroy();
  };
  return { dataSource, files, expire, close };
}

async function milliseconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

async function fill(dataSource: DataSource, row: string, size: number): Promise<void> {
  const isMaria = dataSource.options.type === 'mariadb';
  const id = isMaria ? `CONCAT('row-', n)` : `'row-' || n`;
  const members = `'v', 1, 'id', ${id}, 'storage', 'documents', 'key', ${id}, 'name', 'a.txt', 'size', 1, 'type', 'text/plain', 'sha256', '${'0'.repeat(64)}', 'modified', '2026-11-22T07:08:09Z'`;
  const numbers = `WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${size})`;
  const runner = dataSource.createQueryRunner();
  if (isMaria) await runner.query(`SET SESSION max_recursive_iterations = ${size + 1}`);
  await runner.query(`INSERT INTO bench_swept (file) ${numbers} SELECT ${row.replace('MEMBERS', members)} FROM number`);
  await runner.query(
    `INSERT INTO file_ledger (id, storage, object_key, state, lease_until, created_at, owner_type, owner_pk, slot) ${numbers} SELECT ${id}, 'documents', ${id}, 'live', NULL, 0, 'bench_swept', CAST(n AS ${isMaria ? 'CHAR' : 'TEXT'}), 'file' FROM number`,
  );
  await runner.release();
}

/** The medians of some sweeps of a few expired files beside many rows: with `protectFiles`, and without. */
async function sweepBeside(name: string, size: number): Promise<readonly [number, number]> {
  const { dataSource, files, expire, close } = await open(name, new MemoryStorage(), size);
  const median = async (rounds: number) => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await expire(due);
      times.push(await milliseconds(() => files.sweep()));
    }
    return times.sort((one, other) => one - other)[Math.floor(rounds / 2)]!;
  };
  await protectFiles(dataSource);
  const protectedTime = await median(15);
  await unprotectFiles(dataSource);
  const time = await median(3);
  await close();
  return [protectedTime, time];
}

/** Objects per second. */
async function rate(name: string, concurrency: number | undefined): Promise<number> {
  const { dataSource, files, expire, close } = await open(name, new SlowStorage());
  await protectFiles(dataSource);
  await expire(objects);
  const time = await milliseconds(() => files.sweep(concurrency === undefined ? {} : { concurrency }));
  await close();
  return (objects / time) * 1000;
}

/** One row of a table; a database that cannot be reached is a row too. */
async function line(cells: readonly (string | number)[], values: () => Promise<readonly number[]>): Promise<void> {
  const results = await values().then(
    (numbers) => numbers.map((value) => value.toFixed(0)),
    (error: unknown) => [(error as Error).message],
  );
  console.log(`| ${[...cells, ...results].join(' | ')} |`);
}

console.log(`Sweep of ${objects} expired files, in a storage whose deletions take ${latency} ms each\n`);
console.log('| database | concurrency | objects per second |\n| --- | --- | --- |');
for (const name of names) await line([name, 'default'], async () => [await rate(name, undefined)]);
for (const concurrency of [1, 32]) await line(['SQLite', concurrency], async () => [await rate('SQLite', concurrency)]);

console.log(`\nSweep of ${due} expired files beside many rows with files, in milliseconds\n`);
console.log('| database | rows | with protectFiles | without |\n| --- | --- | --- | --- |');
for (const name of names) for (const size of sizes) await line([name, size], () => sweepBeside(name, size));
