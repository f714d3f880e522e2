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

// Two costs of a sweep: deleting from a slow storage, on SQLite, and finding few due files in a large table.
const latency = 20;
const objects = 500;
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

async function open(storage: MemoryStorage) {
  const dataSource = new DataSource({ type: 'sqlite', database: ':memory:', entities: [Swept], synchronize: true });
  await dataSource.initialize();
  await createLedger(dataSource);
  const storages = new StorageRegistry({ documents: storage });
  const files = await attachFiles(dataSource, { storages, lease: '1h', grace: 0, protection: 'off' });
  // Staged files whose lease has ended.
  const expire = async (count: number) => {
    for (let index = 0; index < count; index += 1) await files.stage(Swept, 'file', `file ${index}`);
    await dataSource.query(`UPDATE file_ledger SET lease_until = 0 WHERE state = 'pending'`);
  };
  return { dataSource, files, expire };
}

async function milliseconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

console.log(`Sweep of ${objects} expired files, in a storage whose deletions take ${latency} ms each\n`);
console.log('| concurrency | objects per second |\n| --- | --- |');
for (const concurrency of [1, 8, 32]) {
  const { dataSource, files, expire } = await open(new SlowStorage());
  await expire(objects);
  const time = await milliseconds(() => files.sweep({ concurrency }));
  console.log(`| ${concurrency} | ${((objects / time) * 1000).toFixed(0)} |`);
  await dataSource.destroy();
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

const drop = async (dataSource: DataSource) => {
  for (const table of ['bench_swept', ...ledgerTables]) {
    await dataSource.query(`DROP TABLE IF EXISTS ${table}`);
  }
};

/** The median of five sweeps of some expired files beside many rows. */
async function sweepBeside(name: string, size: number, isProtected: boolean): Promise<number> {
  const { options, row } = databases[name]!;
  const dataSource = withFiles(new DataSource({ ...options, entities: [Swept] } as DataSourceOptions));
  await dataSource.initialize();
  await drop(dataSource);
  await dataSource.synchronize();
  await createLedger(dataSource);
  await fill(dataSource, row, size);
  if (isProtected) await protectFiles(dataSource);
  else await unprotectFiles(dataSource);
  const storages = { documents: new MemoryStorage() };
  const files = await attachFiles(dataSource, { storages, lease: '1h', grace: 0, protection: 'off' });
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    for (let index = 0; index < due; index += 1) await files.stage(Swept, 'file', `file ${index}`);
    await dataSource.query(`UPDATE file_ledger SET lease_until = 0 WHERE state = 'pending'`);
    times.push(await milliseconds(() => files.sweep()));
  }
  await unprotectFiles(dataSource);
  await drop(dataSource);
  await dataSource.destroy();
  return times.sort((one, other) => one - other)[2]!;
}

console.log(`\nSweep of ${due} expired files beside many rows with files, in milliseconds\n`);
console.log('| database | rows | with protectFiles | without |\n| --- | --- | --- | --- |');
for (const name of process.env.BENCH_DATABASES?.split(',') ?? Object.keys(databases)) {
  for (const size of sizes) {
    try {
      const [fast, slow] = [await sweepBeside(name, size, true), await sweepBeside(name, size, false)];
      console.log(`| ${name} | ${size} | ${fast.toFixed(0)} | ${slow.toFixed(0)} |`);
    } catch (error) {
      console.log(`| ${name} | ${size} | ${(error as Error).message} | |`);
    }
  }
}
