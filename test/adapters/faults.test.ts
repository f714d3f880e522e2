import { jest } from '@jest/globals';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import fs from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadView, localFile, virtualFile, type FileBody, type FileSource } from 'filefield';
import { toNode } from 'filefield/node';
import { askServer, head, serve, talk, until, type RunningServer } from './server.js';

const MiB = 1024 * 1024;
const folder = mkdtempSync(path.join(tmpdir(), 'faults-'));
const file = path.join(folder, 'file.bin');
const errors: unknown[] = [];
let server: RunningServer;
let idleTimeout = 60_000;
let sources: Record<string, () => FileSource> = {};

beforeAll(async () => {
  const view = downloadView<IncomingMessage, null>(async ({ raw }) => ({ subject: null, file: sources[raw.url!]! }));
  const onError = (error: unknown) => errors.push(error);
  server = await serve((request, response) => void toNode(view, { onError, idleTimeout })(request, response));
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  errors.length = 0;
  idleTimeout = 60_000;
  sources = { '/': () => localFile(file), '/next': () => virtualFile({ name: 'next', content: 'NEXT' }) };
});
afterEach(() => jest.restoreAllMocks());

/** The descriptors that this process holds on a file. */
function descriptors(target: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(target);
    } catch {
      return false;
    }
  }).length;
}

function bodyIn(received: Buffer): Buffer {
  return received.subarray(received.indexOf('\r\n\r\n') + 4);
}

describe('a file that is cut while it is sent', () => {
  it('closes the connection at once, and never lets the next answer in', async () => {
    writeFileSync(file, Buffer.alloc(64 * MiB, 1));
    const client = await talk(server.port, head('GET') + head('GET', '/next'), { paused: true });
    const chunks: Buffer[] = [];
    await until(() => server.server.listening && descriptors(file) === 1, 'the file was opened');
    truncateSync(file, 16 * MiB);
    const start = Date.now();
    client.socket.on('data', (chunk) => chunks.push(chunk));
    await client.closed;
    expect(Date.now() - start).toBeLessThan(1_500);
    const received = Buffer.concat(chunks);
    expect(received.byteLength).toBeLessThan(17 * MiB);
    expect(received.includes('NEXT')).toBe(false);
    expect(received.toString('latin1').match(/HTTP\/1\.1 200/g)).toHaveLength(1);
    expect(errors).toMatchObject([{ code: 'incomplete' }]);
    expect(descriptors(file)).toBe(0);
  });

  it('is a clean 500 if it was cut before the head was sent', async () => {
    writeFileSync(file, Buffer.alloc(10));
    const opened = await localFile(file).load!();
    truncateSync(file, 4);
    sources['/'] = () => opened;
    expect((await askServer(server.port)).status).toBe(500);
    expect(errors).toMatchObject([{ code: 'incomplete' }]);
  });

  it('is a clean 500 if the source opens with fewer bytes than it promised', async () => {
    const short: FileBody = { size: 3, stream: async function* () {}, close: () => undefined };
    sources['/'] = () => ({ name: 'x', size: 100_000, open: async () => short });
    expect((await askServer(server.port)).status).toBe(500);
  });

  it('closes the connection too where a stream ends early and knew no size of its own', async () => {
    const stream = async function* () {
      yield Buffer.alloc(1000);
    };
    sources['/'] = () => ({ name: 'x', size: 5000, open: async () => ({ stream, close: () => undefined }) });
    const client = await talk(server.port, head('GET') + head('GET', '/next'));
    await client.closed;
    expect(client.received().includes('NEXT')).toBe(false);
    expect(errors).toMatchObject([{ code: 'incomplete' }]);
  });
});

describe('a file that grows while it is sent', () => {
  it('is sent to the promised length exactly, from disk', async () => {
    writeFileSync(file, Buffer.alloc(16 * MiB, 1));
    const client = await talk(server.port, head('GET') + head('GET', '/next', { connection: 'close' }), {
      paused: true,
    });
    const chunks: Buffer[] = [];
    await until(() => descriptors(file) === 1, 'the file was opened');
    appendFileSync(file, Buffer.alloc(MiB, 2));
    client.socket.on('data', (chunk) => chunks.push(chunk));
    await client.closed;
    const body = bodyIn(Buffer.concat(chunks));
    expect(body.subarray(0, 16 * MiB).equals(Buffer.alloc(16 * MiB, 1))).toBe(true);
    expect(body.subarray(16 * MiB, 16 * MiB + 8).toString()).toBe('HTTP/1.1');
    expect(body.subarray(-4).toString()).toBe('NEXT');
  });

  it('is sent to the promised length exactly, from a stream that knows no size of its own', async () => {
    const stream = async function* () {
      for (;;) yield Buffer.from('0123456789');
    };
    sources['/'] = () => ({ name: 'x', size: 25, open: async () => ({ stream, close: () => undefined }) });
    const reply = await askServer(server.port);
    expect(reply.body.toString()).toBe('0123456789012345678901234');
  });
});

describe('clients that go away', () => {
  it('leave no descriptor behind, sixty of them', async () => {
    writeFileSync(file, Buffer.alloc(32 * MiB));
    const clients = await Promise.all(
      Array.from({ length: 60 }, () => talk(server.port, head('GET'), { paused: true })),
    );
    await until(() => descriptors(file) === 60, 'all downloads were under way');
    for (const client of clients) client.socket.destroy();
    await until(() => descriptors(file) === 0, 'all files were closed');
    expect(errors).toEqual([]);
  });

  it('leave none behind when they send a hundred requests at once and wait for nothing', async () => {
    writeFileSync(file, Buffer.alloc(32 * MiB));
    const client = await talk(server.port, head('GET').repeat(100), { paused: true });
    await until(() => descriptors(file) > 0, 'the first was under way');
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Only the answer whose turn it is holds a file.
    expect(descriptors(file)).toBe(1);
    client.socket.destroy();
    await until(() => descriptors(file) === 0, 'all files were closed');
    expect(errors).toEqual([]);
  });

  it('close a source that is being waited for, and are no error', async () => {
    let closed = 0;
    const never = async function* () {
      yield Buffer.alloc(1000);
      await new Promise(() => undefined);
    };
    sources['/'] = () => ({ name: 'x', size: 5000, open: async () => ({ stream: never, close: () => (closed += 1) }) });
    const client = await talk(server.port, head('GET'));
    await until(() => client.received().byteLength > 1000, 'the first chunk came');
    client.socket.destroy();
    await until(() => closed > 0, 'the source was closed');
    expect(errors).toEqual([]);
  });

  it('get nothing opened for them when they are gone before the view has answered', async () => {
    let opened = 0;
    let asked = () => undefined as void;
    const gone = new Promise<void>((resolve) => (asked = resolve));
    sources['/'] = () => ({
      name: 'x',
      load: async () => {
        await gone;
        return { name: 'x', size: 5, open: () => Promise.reject(new Error(`opened ${(opened += 1)}`)) };
      },
      open: () => Promise.reject(new Error()),
    });
    const client = await talk(server.port, head('GET'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    asked();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([opened, errors]).toEqual([0, []]);
  });
});

describe('clients that stop reading', () => {
  it('are dropped after idleTimeout, and their file is closed', async () => {
    writeFileSync(file, Buffer.alloc(64 * MiB));
    idleTimeout = 300;
    const client = await talk(server.port, head('GET'), { paused: true });
    await until(() => descriptors(file) === 1, 'the download was under way');
    const start = Date.now();
    await until(() => descriptors(file) === 0, 'the file was closed', 3_000);
    expect(Date.now() - start).toBeGreaterThan(200);
    client.socket.resume();
    await client.closed;
    expect(errors).toEqual([]);
  });

  it('are served on while they take a little now and then', async () => {
    writeFileSync(file, Buffer.alloc(24 * MiB));
    // The kernel tells of room only once a third of its own buffer is free: well over a MiB here.
    idleTimeout = 1_000;
    const client = await talk(server.port, head('GET', '/', { connection: 'close' }), { paused: true });
    let [bytes, allowed] = [0, 0];
    client.socket.on('data', (chunk) => {
      bytes += chunk.byteLength;
      if (bytes > allowed) client.socket.pause();
    });
    for (let turn = 0; turn < 30; turn += 1) {
      allowed += 300_000;
      client.socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(descriptors(file)).toBe(1);
    allowed = Infinity;
    client.socket.resume();
    await client.closed;
    expect(bytes).toBeGreaterThan(24 * MiB);
  });

  it('are not blamed for a storage that takes its time', async () => {
    idleTimeout = 100;
    const slow = async function* () {
      yield 'a';
      await new Promise((resolve) => setTimeout(resolve, 400));
      yield 'b';
    };
    sources['/'] = () => virtualFile({ name: 'x', size: 2, content: slow });
    expect((await askServer(server.port)).body.toString()).toBe('ab');
  });

  it('leave the time-out of idle connections as the server has it', async () => {
    writeFileSync(file, Buffer.alloc(MiB));
    idleTimeout = 100;
    server.server.keepAliveTimeout = 5_000;
    const client = await talk(server.port, head('GET'));
    await until(() => client.received().byteLength > MiB, 'the file came');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(client.socket.destroyed).toBe(false);
    client.socket.write(head('GET', '/next', { connection: 'close' }));
    await client.closed;
    expect(client.received().subarray(-4).toString()).toBe('NEXT');
  });

  it('cost one buffer each, eight of a big file', async () => {
    writeFileSync(file, '');
    truncateSync(file, 2 * 1024 * MiB);
    await askServer(server.port, { headers: { range: 'bytes=0-1000000' } });
    const before = process.memoryUsage();
    const clients = await Promise.all(
      Array.from({ length: 8 }, () => talk(server.port, head('GET'), { paused: true })),
    );
    await until(() => descriptors(file) === 8, 'all downloads were under way');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { arrayBuffers } = process.memoryUsage();
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(8 * 256 * 1024 + 2 * MiB);
    for (const client of clients) client.socket.destroy();
    await until(() => descriptors(file) === 0, 'all files were closed');
  });
});

describe('buffers that are used again', () => {
  it('never carry the bytes of one download into another, whoever is slow or gone', async () => {
    const size = 8 * MiB;
    for (let index = 0; index < 6; index += 1) writeFileSync(`${file}${index}`, Buffer.alloc(size, index + 1));
    for (let index = 0; index < 6; index += 1) sources[`/${index}`] = () => localFile(`${file}${index}`);
    const wrong: string[] = [];
    const one = async (turn: number) => {
      const index = turn % 6;
      const client = await talk(server.port, head('GET', `/${index}`, { connection: 'close' }), { paused: true });
      const chunks: Buffer[] = [];
      let bytes = 0;
      client.socket.on('data', (chunk) => {
        chunks.push(chunk);
        bytes += chunk.byteLength;
        if (turn % 5 === 4 && bytes > MiB) client.socket.destroy();
        if (turn % 3 === 0) setTimeout(() => client.socket.resume(), 1).unref();
        if (turn % 3 === 0) client.socket.pause();
      });
      await client.closed;
      const body = bodyIn(Buffer.concat(chunks));
      if (!body.equals(Buffer.alloc(body.byteLength, index + 1))) wrong.push(`download ${turn}`);
      if (turn % 5 !== 4 && body.byteLength !== size) wrong.push(`download ${turn} has ${body.byteLength} bytes`);
    };
    for (let round = 0; round < 3; round += 1) await Promise.all(Array.from({ length: 12 }, (_one, turn) => one(turn)));
    expect(wrong).toEqual([]);
  });
});

describe('what is asked of a disk', () => {
  it('is nothing for HEAD of 5 GiB', async () => {
    writeFileSync(file, '');
    truncateSync(file, 5 * 1024 * MiB);
    const read = jest.spyOn(fs, 'read');
    const reply = await askServer(server.port, { method: 'HEAD' });
    expect(reply.headers['content-length']).toBe(String(5 * 1024 * MiB));
    expect(read).not.toHaveBeenCalled();
    expect(descriptors(file)).toBe(0);
  });

  it('is the right offset beyond 4 GiB', async () => {
    writeFileSync(file, '');
    truncateSync(file, 5 * 1024 * MiB);
    const handle = fs.openSync(file, 'r+');
    fs.writeSync(handle, Buffer.from('HERE'), 0, 4, 4 * 1024 * MiB + 5);
    fs.writeSync(handle, Buffer.from('END'), 0, 3, 5 * 1024 * MiB - 3);
    fs.closeSync(handle);
    const start = 4 * 1024 * MiB + 4;
    const reply = await askServer(server.port, { headers: { range: `bytes=${start}-${start + 5}` } });
    expect(reply.body.toString()).toBe('\0HERE\0');
    const tail = await askServer(server.port, { headers: { range: `bytes=-${MiB}` } });
    expect([tail.body.byteLength, tail.body.subarray(-3).toString()]).toEqual([MiB, 'END']);
  });

  it('breaks the connection when a read fails after 1 MiB, and the process lives on', async () => {
    const read = async (buffer: Uint8Array, position: number) => {
      if (position >= MiB) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      return Math.min(buffer.byteLength, 128 * 1024);
    };
    const body = { size: 16 * MiB, read, stream: async function* () {}, close: () => undefined };
    sources['/'] = () => ({ name: 'x', size: 16 * MiB, open: async () => body });
    const client = await talk(server.port, head('GET') + head('GET', '/next'));
    await client.closed;
    expect(client.received().includes('NEXT')).toBe(false);
    expect(bodyIn(client.received()).byteLength).toBe(MiB);
    expect(errors).toMatchObject([{ code: 'EIO' }]);
    expect((await askServer(server.port, { path: '/next' })).status).toBe(200);
  });

  it('goes on where a read gives less than was asked, for small files and for large ones', async () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 200_000 }, (_byte, index) => index % 251));
    for (const size of [10_000, 200_000]) {
      const read = async (buffer: Uint8Array, position: number) =>
        bytes.copy(buffer, 0, position, Math.min(size, position + 777));
      const body = { size, read, stream: async function* () {}, close: () => undefined };
      sources['/'] = () => ({ name: 'x', size, open: async () => body });
      expect((await askServer(server.port)).body.equals(bytes.subarray(0, size))).toBe(true);
    }
  });
});

it('ends a download short, visibly, when something else ends the response meanwhile', async () => {
  writeFileSync(file, Buffer.alloc(32 * MiB));
  const view = downloadView(async () => ({ subject: 0, file: () => localFile(file) }));
  const other = await serve((request, response) => {
    setTimeout(() => response.end(), 100);
    void toNode(view, { onError: (error) => errors.push(error) })(request, response);
  });
  const client = await talk(other.port, head('GET'), { paused: true });
  await until(() => descriptors(file) === 1, 'the download was under way');
  await new Promise((resolve) => setTimeout(resolve, 200));
  const start = Date.now();
  client.socket.resume();
  await client.closed;
  expect(Date.now() - start).toBeLessThan(2_000);
  await until(() => descriptors(file) === 0, 'the file was closed');
  expect(errors).toEqual([]);
  await other.close();
});
