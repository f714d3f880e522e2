import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { compileServing } from '../support/compile-serving.js';
import { askServer, head, talk, until } from '../adapters/server.js';

const MiB = 2 ** 20;
const readers = 200;
const folder = mkdtempSync(path.join(tmpdir(), 'memory-'));
let built: string;
let child: ChildProcess;
let port: number;

beforeAll(async () => {
  writeFileSync(path.join(folder, 'big.bin'), '');
  truncateSync(path.join(folder, 'big.bin'), 1024 * MiB);
  built = compileServing();
  writeFileSync(
    path.join(built, 'main.js'),
    `import { createServer } from 'node:http';
     import { toNode } from './adapters/node.js';
     import { pathView } from './views/path-view.js';
     const serve = toNode(pathView({ root: process.argv[2], path: 'big.bin' }));
     const server = createServer((request, response) => void serve(request, response));
     server.listen(0, '127.0.0.1', () => console.log(server.address().port));`,
  );
  // Newer versions of Node let the young generation grow several times larger, which this test does not measure.
  child = spawn(process.execPath, ['--max-semi-space-size=4', path.join(built, 'main.js'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  port = await new Promise((resolve) => child.stdout!.once('data', (text: Buffer) => resolve(Number(text.toString()))));
});
afterAll(() => {
  child.kill();
  rmSync(folder, { recursive: true });
  rmSync(built, { recursive: true });
});

const proc = (name: string) => `/proc/${child.pid}/${name}`;
const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(proc('status'), 'utf8'))?.[1]) * 1024;
const descriptors = () => readdirSync(proc('fd')).length;

describe('two hundred slow readers of a file of 1 GiB', () => {
  it.each([
    ['all of it', {}],
    ['several ranges of it', { range: 'bytes=0-400000000,500000000-900000000' }],
  ])('take less than 64 MiB to read %s', async (what, headers) => {
    // Warm-up: compiles the code and fills the buffer pool.
    for (let turn = 0; turn < 20; turn += 1) await askServer(port, { headers: { range: `bytes=0-${MiB}` } });
    await delay(200);
    const [idle, open] = [rss(), descriptors()];
    const clients = await Promise.all(
      Array.from({ length: readers }, () =>
        talk(port, head('GET', '/', headers as Record<string, string>), { paused: true }),
      ),
    );
    let bytes = 0;
    for (const { socket } of clients) socket.on('data', (chunk) => (bytes += chunk.byteLength)).pause();
    await until(() => descriptors() >= open + 2 * readers, 'all downloads were under way');
    let most = 0;
    for (let turn = 0; turn < 20; turn += 1) {
      // Each client reads a little, some of them at a time.
      for (const [index, { socket }] of clients.entries()) if (index % 4 === turn % 4) socket.resume();
      await delay(20);
      for (const { socket } of clients) socket.pause();
      await delay(80);
      most = Math.max(most, rss());
    }
    console.log(
      `${readers} slow readers, ${what}: ${((most - idle) / MiB).toFixed(1)} MiB above ${(idle / MiB).toFixed(1)} MiB; ` +
        `${(bytes / MiB).toFixed(0)} MiB sent`,
    );
    expect(bytes).toBeGreaterThan(readers * MiB);
    expect(most - idle).toBeLessThan(64 * MiB);
    for (const { socket } of clients) socket.destroy();
    await until(() => descriptors() <= open, 'all files were closed');
  });
});
