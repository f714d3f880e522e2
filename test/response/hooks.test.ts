import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathView, virtualView, xAccelRedirect, type DownloadHandler } from 'filefield';
import { toNode } from 'filefield/node';
import { runView } from 'filefield/testing';
import { askServer, head, serve, talk, until, type RunningServer } from '../adapters/server.js';

const MiB = 2 ** 20;
let root: string;
let running: RunningServer | undefined;
let calls: unknown[][] = [];
const errors: unknown[] = [];

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'hooks-'));
  writeFileSync(path.join(root, 'small.txt'), '0123456789A');
  writeFileSync(path.join(root, 'empty.txt'), '');
  writeFileSync(path.join(root, 'big.bin'), Buffer.alloc(32 * MiB));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(() => {
  calls = [];
  errors.length = 0;
});
afterEach(() => running?.close());

const hook = (name: string) => (_request: IncomingMessage, subject: unknown, event: unknown) => {
  calls.push([name, subject, event]);
};
const hooks = {
  onStart: hook('start'),
  onComplete: hook('complete'),
  onAbort: hook('abort'),
  onMissing: hook('missing'),
};
const file = (name: string, more: object = {}) => pathView<IncomingMessage>({ root, path: name, ...hooks, ...more });

async function mount(handler: DownloadHandler<IncomingMessage>): Promise<number> {
  const onError = (error: unknown) => errors.push(error);
  running = await serve((request, response) => void toNode(handler, { onError })(request, response));
  return running.port;
}

describe('the hooks of a view', () => {
  it.each([
    ['a whole file', {}, 200, 11],
    ['a range', { range: 'bytes=2-4' }, 206, 3],
  ])('are called at the start and end of %s, with the bytes sent', async (_what, headers, status, bytes) => {
    await askServer(await mount(file('small.txt')), { headers: headers as Record<string, string> });
    await until(() => calls.length === 2, 'both hooks were called');
    expect(calls).toEqual([
      ['start', 'small.txt', { status, bytes: 0 }],
      ['complete', 'small.txt', { status, bytes }],
    ]);
  });

  it('count all bytes of several ranges, and are called for an empty file', async () => {
    const port = await mount(file('big.bin'));
    const reply = await askServer(port, { headers: { range: 'bytes=0-9,5000000-6000000' } });
    await until(() => calls.length === 2, 'both hooks were called');
    expect(calls[1]).toEqual(['complete', 'big.bin', { status: 206, bytes: reply.body.byteLength }]);
    await running!.close();
    calls = [];
    await askServer(await mount(file('empty.txt')));
    expect(calls.map(([name]) => name)).toEqual(['start', 'complete']);
  });

  it('are not called for HEAD, 304, 412, 416 and OPTIONS', async () => {
    const port = await mount(file('small.txt'));
    await askServer(port, { method: 'HEAD' });
    await askServer(port, { method: 'OPTIONS' });
    for (const [name, value] of [
      ['if-none-match', '*'],
      ['if-match', '"x"'],
      ['range', 'bytes=99-'],
    ] as const) {
      await askServer(port, { headers: { [name]: value } });
    }
    expect(calls).toEqual([]);
  });

  it('are called once with the bytes sent when the client leaves', async () => {
    const client = await talk(await mount(file('big.bin')), head('GET'), { paused: true });
    await until(() => client.socket.readableLength > 0, 'the download was under way');
    client.socket.destroy();
    await until(() => calls.length === 2, 'both hooks were called');
    const [, [name, , progress]] = calls as [unknown[], [string, string, { bytes: number; error?: unknown }]];
    expect({ name, partial: progress.bytes > 0 && progress.bytes < 32 * MiB, error: progress.error }).toEqual({
      name: 'abort',
      partial: true,
      error: undefined,
    });
    expect(errors).toEqual([]);
  });

  it('are called with the error when reading fails', async () => {
    const content = async function* () {
      yield 'x'.repeat(1000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new Error('gone');
    };
    const port = await mount(virtualView(() => ({ name: 'x', content }), hooks));
    await expect(askServer(port)).rejects.toThrow();
    await until(() => calls.length === 2, 'both hooks were called');
    expect(calls[1]).toMatchObject(['abort', undefined, { status: 200, bytes: 1000, error: { message: 'gone' } }]);
    expect(errors).toHaveLength(1);
  });

  it('call onMissing when the bytes do not exist', async () => {
    expect((await askServer(await mount(file('nothing.txt')))).status).toBe(404);
    expect(calls).toMatchObject([['missing', 'nothing.txt', { code: 'not_found' }]]);
  });

  it('call only onStart when another server sends the bytes, and open nothing', async () => {
    const delivery = xAccelRedirect({ [root]: '/_files' });
    await runView(file('small.txt', { delivery }));
    expect(calls).toEqual([['start', 'small.txt', { status: 200, bytes: 0, delegated: true }]]);
    calls = [];
    await runView(file('small.txt', { delivery }), { method: 'HEAD' });
    expect(calls).toEqual([]);
  });

  it('do not affect the response when they throw or reject, and are reported', async () => {
    const fail = () => {
      throw new Error('mine');
    };
    const failLater = () => Promise.reject(new Error('mine too'));
    const port = await mount(file('small.txt', { onStart: fail, onComplete: failLater }));
    const reply = await askServer(port);
    expect({ status: reply.status, body: reply.body.toString() }).toEqual({ status: 200, body: '0123456789A' });
    await until(() => errors.length === 2, 'both errors were reported');
    expect(errors).toMatchObject([{ message: 'mine' }, { message: 'mine too' }]);
  });
});
