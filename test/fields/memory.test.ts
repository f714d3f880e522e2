import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compile, type Compiled } from '../support/compiled.js';

const MiB = 2 ** 20;
let folder: string;
let compiled: Compiled;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'memory-'));
  writeFileSync(path.join(folder, 'big.bin'), '');
  truncateSync(path.join(folder, 'big.bin'), 100 * MiB);
  compiled = compile('test/support');
});
afterAll(() => {
  compiled.remove();
  rmSync(folder, { recursive: true });
});

/** Stages a source a hundred times at once in a storage that takes a chunk every 20 ms, until each has read 4 MiB. */
async function measure(source: string): Promise<{ idle: number; most: number; least: number; outcome: string }> {
  const script = `
    import { createReadStream, openAsBlob } from 'node:fs';
    import { setTimeout as delay } from 'node:timers/promises';
    const { filesFor, Letter } = await import(${JSON.stringify(compiled.script('test/support/fields.ts'))});
    const file = ${JSON.stringify(path.join(folder, 'big.bin'))};
    const read = new Map();
    const storage = {
      volatile: true,
      read: () => {},
      stat: () => {},
      delete: () => {},
      async write(key, body) {
        let size = 0;
        for await (const chunk of body) {
          read.set(key, (size += chunk.byteLength));
          if (size > 64 * 1024) await delay(20);
        }
        return { size };
      },
    };
    const { files } = filesFor({}, storage);
    const source = ${source};
    await files.stage(Letter, 'file', 'warm-up');
    const idle = process.memoryUsage.rss();
    const abort = new AbortController();
    const uploads = Array.from({ length: 100 }, async () => files.stage(Letter, 'file', await source(), { signal: abort.signal }));
    const settled = Promise.allSettled(uploads);
    let most = 0;
    const least = () => (read.size < 101 ? 0 : Math.min(...[...read.values()].slice(1)));
    while (least() < 4 * ${MiB}) {
      await delay(50);
      most = Math.max(most, process.memoryUsage.rss());
    }
    const reached = least();
    abort.abort();
    const outcomes = new Set((await settled).map(({ reason }) => reason?.code));
    console.log(JSON.stringify({ idle, most, least: reached, outcome: [...outcomes].join() }));
    process.exit();`;
  // Newer versions of Node let the young generation grow several times larger, which this test does not measure.
  const child = spawn(process.execPath, ['--max-semi-space-size=4', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await child.stdout.toArray();
  return JSON.parse(Buffer.concat(output as Buffer[]).toString()) as Awaited<ReturnType<typeof measure>>;
}

describe('a hundred uploads of 100 MiB at once to a slow storage', () => {
  it.each([
    ['local files', '() => ({ path: file })'],
    ['Node streams', '() => createReadStream(file)'],
    ['Web streams', 'async () => (await openAsBlob(file)).stream()'],
  ])('take less than 300 MiB as %s', async (what, source) => {
    const { idle, most, least, outcome } = await measure(source);
    console.log(`100 ${what}: ${((most - idle) / MiB).toFixed(1)} MiB above ${(idle / MiB).toFixed(1)} MiB`);
    expect(outcome).toBe('aborted');
    expect(least).toBeGreaterThanOrEqual(4 * MiB);
    expect(most - idle).toBeLessThan(300 * MiB);
  });
});
