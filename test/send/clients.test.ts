import { jest } from '@jest/globals';
import { truncateSync, writeFileSync } from 'node:fs';
import { localFile, virtualFile } from 'filefield';
import { bodyIn, DownloadServer, MiB } from '../adapters/download-server.js';
import { askServer, head, talk, until } from '../adapters/server.js';

const server = new DownloadServer();
const { file, errors } = server;

beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

describe('clients that go away', () => {
  it('leave no file open after a hundred pipelined requests', async () => {
    writeFileSync(file, Buffer.alloc(32 * MiB));
    const client = await talk(server.port, head('GET').repeat(100), { paused: true });
    await until(() => server.descriptors() > 0, 'the first was under way');
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Only the response whose turn it is has an open file.
    expect(server.descriptors()).toBe(1);
    client.socket.destroy();
    await until(() => server.descriptors() === 0, 'all files were closed');
    expect(errors).toEqual([]);
  });

  it('close a source that is being read, and cause no error', async () => {
    let closed = 0;
    const never = async function* () {
      yield Buffer.alloc(1000);
      await new Promise(() => undefined);
    };
    server.sources['/'] = () => ({
      name: 'x',
      size: 5000,
      open: async () => ({ stream: never, close: () => (closed += 1) }),
    });
    const client = await talk(server.port, head('GET'));
    await until(() => client.received().byteLength > 1000, 'the first chunk came');
    client.socket.destroy();
    await until(() => closed > 0, 'the source was closed');
    expect(errors).toEqual([]);
  });

  it('open no file when they leave before the view resolves', async () => {
    let opened = 0;
    let viewCalled = () => undefined as void;
    const gone = new Promise<void>((resolve) => (viewCalled = resolve));
    server.sources['/'] = () => ({
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
    viewCalled();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect({ opened, errors }).toEqual({ opened: 0, errors: [] });
  });
});

describe('clients that stop reading', () => {
  it('are served while they keep reading, however slowly', async () => {
    writeFileSync(file, Buffer.alloc(24 * MiB));
    // The kernel reports free space only when a third of its buffer is free: well over 1 MiB here.
    server.idleTimeout = 1_000;
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
    expect(server.descriptors()).toBe(1);
    allowed = Infinity;
    client.socket.resume();
    await client.closed;
    expect(bytes).toBeGreaterThan(24 * MiB);
  });

  it('are not disconnected while a slow storage is read', async () => {
    server.idleTimeout = 100;
    const slow = async function* () {
      yield 'a';
      await new Promise((resolve) => setTimeout(resolve, 400));
      yield 'b';
    };
    server.sources['/'] = () => virtualFile({ name: 'x', size: 2, content: slow });
    expect((await askServer(server.port)).body.toString()).toBe('ab');
  });

  it('do not change the keep-alive timeout of the server', async () => {
    writeFileSync(file, Buffer.alloc(MiB));
    server.idleTimeout = 100;
    server.running.server.keepAliveTimeout = 5_000;
    const client = await talk(server.port, head('GET'));
    await until(() => client.received().byteLength > MiB, 'the file came');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(client.socket.destroyed).toBe(false);
    client.socket.write(head('GET', '/next', { connection: 'close' }));
    await client.closed;
    expect(client.received().subarray(-4).toString()).toBe('NEXT');
  });

  it('take one buffer each, for eight readers of a large file', async () => {
    writeFileSync(file, '');
    truncateSync(file, 2 * 1024 * MiB);
    await askServer(server.port, { headers: { range: 'bytes=0-1000000' } });
    const before = process.memoryUsage();
    const clients = await Promise.all(
      Array.from({ length: 8 }, () => talk(server.port, head('GET'), { paused: true })),
    );
    await until(() => server.descriptors() === 8, 'all downloads were under way');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { arrayBuffers } = process.memoryUsage();
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(8 * 256 * 1024 + 2 * MiB);
    for (const client of clients) client.socket.destroy();
    await until(() => server.descriptors() === 0, 'all files were closed');
  });
});

describe('pooled buffers', () => {
  it('are reused by the next download', async () => {
    server.fill(MiB);
    await askServer(server.port);
    const allocate = jest.spyOn(Buffer, 'allocUnsafeSlow');
    for (let turn = 0; turn < 5; turn += 1) await askServer(server.port);
    const sizes = allocate.mock.calls.map(([size]) => size);
    allocate.mockRestore();
    expect(sizes.filter((size) => size >= 64 * 1024)).toEqual([]);
  });

  it('never carry bytes of one download into another when clients are slow or leave', async () => {
    const size = 8 * MiB;
    for (let index = 0; index < 6; index += 1) writeFileSync(`${file}${index}`, Buffer.alloc(size, index + 1));
    for (let index = 0; index < 6; index += 1) server.sources[`/${index}`] = () => localFile(`${file}${index}`);
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
