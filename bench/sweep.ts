import 'reflect-metadata';
import { StorageRegistry } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type StoredFile } from 'filefield/typeorm';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';

// Two costs of a sweep, on SQLite: deleting from a slow storage, and finding few due files in a large table.
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
  const files = await attachFiles(dataSource, { storages, lease: '1h', grace: 0 });
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

console.log(`\nSweep of ${due} expired files beside many rows with files\n`);
console.log('| rows | milliseconds |\n| --- | --- |');
for (const size of sizes) {
  const { dataSource, files, expire } = await open(new MemoryStorage());
  const numbers = `WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${size})`;
  const descriptor = `json_object('v', 1, 'id', 'row-' || n, 'storage', 'documents', 'key', 'key-' || n, 'name', 'a.txt', 'size', 1, 'type', 'text/plain', 'sha256', '${'0'.repeat(64)}', 'modified', '2026-11-22T07:08:09Z')`;
  await dataSource.query(`${numbers} INSERT INTO bench_swept (file) SELECT ${descriptor} FROM number`);
  await dataSource.query(
    `${numbers} INSERT INTO file_ledger (id, storage, object_key, state, lease_until, created_at, owner_type, owner_pk, slot) SELECT 'row-' || n, 'documents', 'key-' || n, 'live', 0, 0, 'bench_swept', CAST(n AS TEXT), 'file' FROM number`,
  );
  await expire(due);
  console.log(`| ${size} | ${(await milliseconds(() => files.sweep())).toFixed(0)} |`);
  await dataSource.destroy();
}
