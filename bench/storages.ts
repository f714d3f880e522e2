import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freshName, made, removed, sidesOf, type Place } from './storages/places.js';

// What storages cost beside what they are built on. Each measurement has a process of its own, whose peak of memory is noted.
const quick = process.argv.includes('--quick');
const large = (quick ? 64 : 1024) * 2 ** 20;
const files = quick ? 320 : 1600;
const rounds = 3;
const tasks = ['write large', 'read large', 'write small', 'read ranges'] as const;
const sides = ['filefield', 'bare'] as const;

interface Job {
  readonly place: Place;
  readonly task: (typeof tasks)[number];
  readonly side: (typeof sides)[number];
  readonly round: number;
}
interface Cost {
  readonly seconds: number;
  /** The peak of the process, in MiB. */
  readonly memory: number;
}

const job = process.env.BENCH_JOB;
if (job) console.log(JSON.stringify(await measured(JSON.parse(job) as Job)));
else await report();

async function measured({ place, task, side, round }: Job): Promise<Cost> {
  const one = (await sidesOf(place))[side];
  const folder = `${side}/${round}`;
  // Connects, and loads what is loaded by the first use.
  await one.write(`${folder}/first`, 4096);
  await one.read(`${folder}/first`, 4096);
  const start = performance.now();
  if (task === 'write large') await one.write(`${folder}/large`, large);
  else if (task === 'read large') await one.read(`${folder}/large`, large);
  else if (task === 'write small') await at32(files, (index) => one.write(`${folder}/small/${index}`, 4096));
  else {
    for (let index = 0; index < files; index += 1) {
      await one.range(`${folder}/large`, (index * 1_000_003) % (large - 1024));
    }
  }
  const seconds = (performance.now() - start) / 1000;
  await removed(place, `${folder}/first`);
  return { seconds, memory: process.resourceUsage().maxRSS / 1024 };
}

async function at32(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

async function report(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'filefield-bench-'));
  const azurite = await startAzurite(path.join(folder, 'azurite'));
  try {
    console.log(
      `${cpus().length} × ${cpus()[0]!.model}, Node ${process.version}, loopback, medians of ${rounds} rounds\n`,
    );
    console.log(
      '| storage | task | filefield | without | ratio | peak memory (MiB) |\n| --- | --- | --- | --- | --- | --- |',
    );
    const places: readonly (Place & { readonly title: string })[] = [
      { title: '`DiskStorage`, `node:fs`', kind: 'disk', name: path.join(folder, 'disk'), address: '' },
      {
        title: '`S3Storage`, `@aws-sdk/client-s3`',
        ...{ kind: 's3', name: freshName(), address: process.env.S3_ENDPOINT ?? 'http://127.0.0.1:21120' },
      },
      {
        title: '`AzureBlobStorage`, `@azure/storage-blob`',
        kind: 'azure',
        name: freshName(),
        address: azurite.address,
      },
    ];
    for (const { title, ...place } of places) {
      if (await made(place)) await compare(title, place);
      else console.log(`| ${title} | not reachable |`);
    }
  } finally {
    azurite.stop();
    await rm(folder, { recursive: true });
  }
}

/** All tasks of a place, the two sides in turns. */
async function compare(title: string, place: Place): Promise<void> {
  const costs = new Map<string, Cost[]>();
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? sides : [...sides].reverse();
    for (const task of tasks) {
      for (const side of order) {
        const name = `${task} ${side}`;
        costs.set(name, [...(costs.get(name) ?? []), await inProcess({ place, task, side, round })]);
      }
    }
    for (const side of sides) await removed(place, `${side}/${round}`);
  }
  const median = (name: string, of: (cost: Cost) => number) =>
    costs
      .get(name)!
      .map(of)
      .sort((one, other) => one - other)[Math.floor(rounds / 2)]!;
  for (const task of tasks) {
    const [ours, bare] = sides.map((side) => median(`${task} ${side}`, ({ seconds }) => seconds)) as [number, number];
    const memory = sides.map((side) => median(`${task} ${side}`, (cost) => cost.memory).toFixed(0));
    const text = (seconds: number) =>
      task.endsWith('large')
        ? `${(large / 2 ** 20 / seconds).toFixed(0)} MiB/s`
        : `${((seconds * 1000) / files).toFixed(2)} ms`;
    console.log(
      `| ${title} | ${task} | ${text(ours)} | ${text(bare)} | ${(ours / bare).toFixed(2)} | ${memory.join(' / ')} |`,
    );
  }
}

async function inProcess(given: Job): Promise<Cost> {
  const env = { ...process.env, BENCH_JOB: JSON.stringify(given) };
  const args = [process.argv[1]!, ...(quick ? ['--quick'] : [])];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout) as Cost;
}

/** Azurite with its files in a folder; its account and key are published. */
async function startAzurite(folder: string): Promise<{ readonly address: string; stop(): void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const program = 'compat/azurite/node_modules/azurite/dist/src/blob/main.js';
  const options = ['--location', folder, '--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  const azurite = spawn(process.execPath, [program, '--blobPort', String(port), ...options], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 200 && azurite.exitCode === null; tries += 1) {
    const up = await fetch(url).then(
      () => true,
      () => false,
    );
    if (up) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
  const account = `AccountName=devstoreaccount1;AccountKey=${key};BlobEndpoint=${url}/devstoreaccount1`;
  return { address: `DefaultEndpointsProtocol=http;${account};`, stop: () => void azurite.kill('SIGKILL') };
}
