import 'reflect-metadata';
import type { Storage } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { createFileObjects, databaseStorage, dropFileObjects } from 'filefield/typeorm';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';

// What it costs to keep files in a database instead of a folder: small ones one after the other, and a large one.
const small = 4 * 1024;
const files = 200;
const large = 64 * 1024 * 1024;
const rounds = 3;

const folder = await mkdtemp(path.join(tmpdir(), 'filefield-bench-'));
const databases: Readonly<Record<string, DataSourceOptions>> = {
  SQLite: { type: 'sqlite', database: path.join(folder, 'bench.db'), enableWAL: true },
  PostgreSQL: { type: 'postgres', url: process.env.BENCH_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test' },
  MariaDB: { type: 'mariadb', url: process.env.BENCH_MARIADB ?? 'mariadb://root@127.0.0.1:3306/test' },
};

/** Bytes that cannot be compressed, in chunks as they come from a socket. */
const piece = Buffer.from(Uint8Array.from({ length: 64 * 1024 }, () => Math.random() * 256));
async function* body(size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; left -= piece.byteLength) yield piece.subarray(0, Math.min(left, piece.byteLength));
}

async function read(storage: Storage, key: string): Promise<void> {
  const file = await storage.read(key);
  for await (const chunk of file.stream()) void chunk;
  file.close();
}

interface Cost {
  readonly seconds: number;
  /** Seconds of this process. */
  readonly cpu: number;
}

async function cost(work: () => Promise<unknown>): Promise<Cost> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
}

/** The cheapest of some rounds. */
async function best(work: (round: number) => Promise<unknown>): Promise<Cost> {
  const costs: Cost[] = [];
  for (let round = 0; round < rounds; round += 1) costs.push(await cost(() => work(round)));
  return costs.sort((one, other) => one.seconds - other.seconds)[0]!;
}

async function measure(name: string, storage: Storage): Promise<void> {
  const each = async (work: (index: number) => Promise<unknown>) => {
    for (let index = 0; index < files; index += 1) await work(index);
  };
  const write = await best((round) => each((index) => storage.write(`small/${round}/${index}`, body(small))));
  const load = await best((round) => each((index) => read(storage, `small/${round}/${index}`)));
  const writeLarge = await best((round) => storage.write(`large/${round}`, body(large)));
  const readLarge = await best((round) => read(storage, `large/${round}`));
  const ms = ({ seconds }: Cost) => ((seconds * 1000) / files).toFixed(2);
  const rate = ({ seconds, cpu }: Cost) =>
    `${(large / 2 ** 20 / seconds).toFixed(0)} (${((cpu * 1000 * 2 ** 20) / large).toFixed(1)})`;
  console.log(`| ${name} | ${ms(write)} | ${ms(load)} | ${rate(writeLarge)} | ${rate(readLarge)} |`);
}

console.log('Milliseconds for 4 KiB; MiB/s (CPU ms of this process per MiB) for 64 MiB\n');
console.log('| storage | write 4 KiB | read 4 KiB | write 64 MiB | read 64 MiB |\n| --- | --- | --- | --- | --- |');
await measure('disk', new DiskStorage({ root: path.join(folder, 'disk') }));
for (const [name, options] of Object.entries(databases)) {
  const dataSource = await new DataSource(options).initialize().catch(() => undefined);
  if (!dataSource) {
    console.log(`| ${name} | not reachable |`);
    continue;
  }
  await createFileObjects(dataSource);
  await measure(name, databaseStorage(dataSource, { name: 'bench' }));
  const runner = dataSource.createQueryRunner();
  await dropFileObjects(runner);
  await runner.release();
  await dataSource.destroy();
}
await rm(folder, { recursive: true });
