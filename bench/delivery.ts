import autocannon from 'autocannon';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { frontConfiguration } from 'filefield';

// Compares four ways to send a file to a client, with and without nginx.
const rounds = 3;
const seconds = Number(process.env.BENCH_SECONDS ?? 3);
const sizes = [
  ['1 KiB', 1024],
  ['1 MiB', 2 ** 20],
  ['16 MiB', 2 ** 24],
] as const;

interface Run {
  readonly rate: number;
  /** Microseconds of processor time per request, of the program and of nginx. */
  readonly program: number;
  readonly nginx: number;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

const child = fork(new URL('./server.js', import.meta.url));
const [{ port, root, keys }] = (await once(child, 'message')) as [
  { port: number; root: string; keys: Readonly<Record<number, string>> },
];
const folder = mkdtempSync(path.join(tmpdir(), 'filefield-bench-nginx-'));
const front = await freePort();
const configuration = frontConfiguration('nginx', {
  places: [{ folder: root, prefix: '/_filefield/documents' }],
  upstream: `http://127.0.0.1:${port}`,
  listen: `127.0.0.1:${front}`,
  standalone: folder,
}).replace('location / {', `location /alone/ { alias "${root}/"; }\n    location / {`);
// The workers must be able to read the files of the program.
writeFileSync(
  path.join(folder, 'nginx.conf'),
  configuration.replace(/^user .*$/m, process.getuid?.() === 0 ? 'user root;' : ''),
);
const nginx = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log'], { stdio: 'inherit' });
for (let tries = 0; !(await isListening(front)); tries += 1) {
  if (tries > 100) throw new Error('nginx did not start');
  await new Promise((resolve) => setTimeout(resolve, 50));
}

const ways: Readonly<Record<string, (bytes: number) => string>> = {
  'the program streams': (bytes) => `http://127.0.0.1:${port}/view/${bytes}`,
  'the program streams, through nginx': (bytes) => `http://127.0.0.1:${front}/view/${bytes}`,
  'the program hands the file over to nginx': (bytes) => `http://127.0.0.1:${front}/handed/${bytes}`,
  'nginx alone': (bytes) => `http://127.0.0.1:${front}/alone/${keys[bytes]!}`,
};

console.log(
  `object view, delivered in four ways: Express 5, SQLite, local folder, one nginx worker, 32 connections (8 at 16 MiB),`,
);
console.log(`medians of ${rounds} interleaved runs of ${seconds} s (Node ${process.version})\n`);
console.log('| size | | requests/s | CPU of the program, µs/request | CPU of nginx, µs/request |');
console.log('| --- | --- | --- | --- | --- |');
for (const [size, bytes] of sizes) {
  const runs: Record<string, Run[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [way, url] of Object.entries(ways))
      (runs[way] ??= []).push(await measure(url(bytes), bytes > 2 ** 22 ? 8 : 32));
  }
  for (const [way, measured] of Object.entries(runs)) {
    const of = (key: keyof Run) => median(measured.map((run) => run[key])).toFixed(0);
    console.log(`| ${size} | ${way} | ${of('rate')} | ${of('program')} | ${of('nginx')} |`);
  }
}
nginx.kill();
child.disconnect();
rmSync(folder, { recursive: true });

async function measure(url: string, connections: number): Promise<Run> {
  const before = [processorTime([child.pid!]), processorTime(workers())] as const;
  const result = await autocannon({ url, connections, duration: seconds });
  const after = [processorTime([child.pid!]), processorTime(workers())] as const;
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${url}: ${result.non2xx} responses without success, ${result.errors} errors`);
  }
  const requests = result.requests.total;
  if (requests === 0) throw new Error(`${url}: no request was completed in ${seconds} s; increase BENCH_SECONDS`);
  return {
    rate: result.requests.average,
    program: (after[0] - before[0]) / requests,
    nginx: (after[1] - before[1]) / requests,
  };
}

/** The process ids of nginx and its workers. */
function workers(): number[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = processes.filter((id) => statOf(id)?.[1] === String(nginx.pid));
  return [nginx.pid!, ...children.map(Number)];
}

/** Microseconds in user and kernel mode; one clock tick is 10 ms on Linux. */
function processorTime(ids: readonly number[]): number {
  return ids.reduce((sum, id) => {
    const stat = statOf(String(id));
    return sum + (Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0)) * 10_000;
  }, 0);
}

/** The fields of /proc/…/stat after the name: state, parent, and so on. */
function statOf(id: string): string[] | undefined {
  try {
    return readFileSync(`/proc/${id}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return undefined;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as net.AddressInfo;
      server.close(() => resolve(free));
    });
  });
}

function isListening(at: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(at, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
