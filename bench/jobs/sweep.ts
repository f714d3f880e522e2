import 'reflect-metadata';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, protectFiles, withFiles, type StoredFile } from 'filefield/typeorm';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';
import { typeormOptions, type Database } from '../lib/database.js';
import { each, serveJobs } from '../lib/jobs.js';

// Sweeps of staged files whose lease has ended: 10 beside many rows, and 1,000 of a storage that takes 20 ms to delete one.
const [, , json, count] = process.argv;
const database = JSON.parse(json!) as Database;
const rows = Number(count);

@Entity('bench_swept')
class Swept {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: { among: ['documents', 'bucket'], choose: () => storage } }) file!: StoredFile | null;
}
let storage = 'documents';

/** A storage whose deletions take as long as those of a bucket. */
class SlowStorage extends MemoryStorage {
  override async delete(key: string): Promise<void> {
    await delay(20);
    return super.delete(key);
  }
}

const options = { ...typeormOptions(database), entities: [Swept] } as DataSourceOptions;
const dataSource = await withFiles(new DataSource(options)).initialize();
await dataSource.synchronize();
await createLedger(dataSource);
await fill();
await protectFiles(dataSource);
const storages = { documents: new MemoryStorage(), bucket: new SlowStorage() };
const files = await attachFiles(dataSource, { storages, lease: '1h', grace: 0 });

const sweep = (name: string, due: number) => {
  const prepare = async () => {
    storage = name;
    const texts = Array.from({ length: due }, (_, index) => `file ${index}`);
    await files.stageAll(Swept, 'file', texts);
    await dataSource.query(`UPDATE file_ledger SET lease_until = 0 WHERE state = 'pending'`);
  };
  return each(
    async () => {
      const { deleted } = await files.sweep();
      if (deleted !== due) throw new Error(`The sweep has deleted ${deleted} of ${due} files.`);
    },
    { prepare },
  );
};
serveJobs({ few: sweep('documents', 10), many: sweep('bucket', 1000) });

/** Rows with files, and their entries in the ledger. */
async function fill(): Promise<void> {
  const isMaria = database.kind === 'mariadb';
  const id = isMaria ? `CONCAT('row-', n)` : `'row-' || n`;
  const members = `'v', 1, 'id', ${id}, 'storage', 'documents', 'key', ${id}, 'name', 'a.txt', 'size', 1, 'type', 'text/plain', 'sha256', '${'0'.repeat(64)}', 'modified', '2026-11-22T07:08:09Z'`;
  const object = { sqlite: 'json_object', postgres: 'json_build_object', mariadb: 'JSON_OBJECT' }[database.kind];
  const numbers = `WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${rows})`;
  const runner = dataSource.createQueryRunner();
  if (isMaria) await runner.query(`SET SESSION max_recursive_iterations = ${rows + 1}`);
  await runner.query(`INSERT INTO bench_swept (file) ${numbers} SELECT ${object}(${members}) FROM number`);
  await runner.query(
    `INSERT INTO file_ledger (id, storage, object_key, state, lease_until, created_at, owner_type, owner_pk, slot) ${numbers} SELECT ${id}, 'documents', ${id}, 'live', NULL, 0, 'bench_swept', CAST(n AS ${isMaria ? 'CHAR' : 'TEXT'}), 'file' FROM number`,
  );
  await runner.release();
}
