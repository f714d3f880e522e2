import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { StorageRegistry } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { attachFiles, createLedger, FileField, type StoredFile } from 'filefield/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';

/** With the ledger: staged, bound, safe. */
@Entity('bench_kept')
class Kept {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

/** As people write it by hand: a file on the disk, a path in a column, nothing that keeps the two together. */
@Entity('bench_path')
class ByHand {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') path!: string;
}

const root = mkdtempSync(path.join(tmpdir(), 'filefield-bench-'));
const databases: [string, DataSourceOptions][] = [
  ['SQLite', { type: 'sqlite', database: path.join(root, 'bench.db'), enableWAL: true }],
];
if (process.env.BENCH_POSTGRES !== 'no') {
  const url = process.env.BENCH_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test';
  databases.push(['PostgreSQL', { type: 'postgres', url }]);
}
const rounds = 5;
const count = 300;
const parallel = 8;
const content = Buffer.alloc(4096, 'x');

async function perSecond(insert: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let left = count;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (left-- > 0) await insert();
    }),
  );
  return (count / (performance.now() - began)) * 1000;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

console.log(
  `inserts of a row with a 4 KiB file, beside writing the file and saving its path by hand (TypeORM, local folder,`,
);
console.log(`${parallel} at a time, medians of ${rounds} interleaved runs of ${count})\n`);
console.log(
  '| database | flush to disk | ledger, inserts/s | by hand, inserts/s | ratio |\n| --- | --- | --- | --- | --- |',
);
for (const [name, options] of databases) {
  const dataSource = new DataSource({ ...options, entities: [Kept, ByHand] } as DataSourceOptions);
  try {
    await dataSource.initialize();
  } catch (error) {
    console.log(`| ${name} | not reachable: ${(error as Error).message} |`);
    continue;
  }
  const runner = dataSource.createQueryRunner();
  for (const table of ['bench_kept', 'bench_path', 'file_ledger', 'file_trash'])
    await runner.query(`DROP TABLE IF EXISTS ${table}`);
  await dataSource.synchronize();
  await createLedger(runner);
  const documents = new DiskStorage({ root: path.join(root, name) });
  const relaxed = new DiskStorage({ root: path.join(root, `${name}-relaxed`), sync: false });
  let sync = true;
  const storage = {
    write: (...values: Parameters<DiskStorage['write']>) => (sync ? documents : relaxed).write(...values),
    read: documents.read.bind(documents),
    stat: documents.stat.bind(documents),
    delete: documents.delete.bind(documents),
  };
  const files = await attachFiles(dataSource, { storages: new StorageRegistry({ documents: storage }) });
  const kept = dataSource.getRepository(Kept);
  const paths = dataSource.getRepository(ByHand);
  const folder = path.join(root, `${name}-by-hand`);
  await mkdir(folder);
  const ours = async () => kept.save(kept.create({ file: await files.stage(Kept, 'file', content) }));
  const theirs = async () => {
    const file = path.join(folder, randomUUID());
    await writeFile(file, content, { flush: sync });
    await paths.save(paths.create({ path: file }));
  };
  for (sync of [true, false]) {
    const [a, b]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      a.push(await perSecond(ours));
      b.push(await perSecond(theirs));
    }
    const [left, right] = [median(a), median(b)];
    console.log(
      `| ${name} | ${sync ? 'yes' : 'no'} | ${left.toFixed(0)} | ${right.toFixed(0)} | ${(left / right).toFixed(2)} |`,
    );
  }
  for (const table of ['bench_kept', 'bench_path', 'file_ledger', 'file_trash'])
    await runner.query(`DROP TABLE ${table}`);
  await runner.release();
  await dataSource.destroy();
}
rmSync(root, { recursive: true });
