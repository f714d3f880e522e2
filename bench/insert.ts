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

/** A row with a file field. */
@Entity('bench_kept')
class WithLedger {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

/** A row with the path of a file, which nothing protects. */
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
  const start = performance.now();
  let remaining = count;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (remaining-- > 0) await insert();
    }),
  );
  return (count / (performance.now() - start)) * 1000;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

console.log(
  `inserts of a row with a 4 KiB file, compared with writing the file and saving its path (TypeORM, local folder,`,
);
console.log(`${parallel} at a time, medians of ${rounds} interleaved runs of ${count})\n`);
console.log(
  '| database | flush to disk | ledger, inserts/s | by hand, inserts/s | ratio |\n| --- | --- | --- | --- | --- |',
);
for (const [name, options] of databases) {
  const dataSource = new DataSource({ ...options, entities: [WithLedger, ByHand] } as DataSourceOptions);
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
  const rows = dataSource.getRepository(WithLedger);
  const paths = dataSource.getRepository(ByHand);
  const folder = path.join(root, `${name}-by-hand`);
  await mkdir(folder);
  const withLedger = async () => rows.save(rows.create({ file: await files.stage(WithLedger, 'file', content) }));
  const byHand = async () => {
    const file = path.join(folder, randomUUID());
    await writeFile(file, content, { flush: sync });
    await paths.save(paths.create({ path: file }));
  };
  for (sync of [true, false]) {
    const rates: Record<'ledger' | 'hand', number[]> = { ledger: [], hand: [] };
    for (let round = 0; round < rounds; round += 1) {
      rates.ledger.push(await perSecond(withLedger));
      rates.hand.push(await perSecond(byHand));
    }
    const [ledger, hand] = [median(rates.ledger), median(rates.hand)];
    console.log(
      `| ${name} | ${sync ? 'yes' : 'no'} | ${ledger.toFixed(0)} | ${hand.toFixed(0)} | ${(ledger / hand).toFixed(2)} |`,
    );
  }
  for (const table of ['bench_kept', 'bench_path', 'file_ledger', 'file_trash'])
    await runner.query(`DROP TABLE ${table}`);
  await runner.release();
  await dataSource.destroy();
}
rmSync(root, { recursive: true });
