import { jest } from '@jest/globals';
import fs, { truncateSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { downloadView, localFile, type FileBody } from 'filefield';
import { toNode } from 'filefield/node';
import { faultContract } from '../contracts/fault-contract.js';
import { bodyIn, DownloadServer, MiB } from '../adapters/download-server.js';
import { everyAdapter } from '../adapters/every-adapter.js';
import { askServer, head, serve, talk, until } from '../adapters/server.js';

for (const [name, adapter] of Object.entries(everyAdapter)) faultContract(name, adapter);

const server = new DownloadServer();
const { file, errors } = server;

beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());
afterEach(() => jest.restoreAllMocks());

describe('a file that is cut while it is sent', () => {
  it('answers 500 when it was cut before the head is sent', async () => {
    writeFileSync(file, Buffer.alloc(10));
    const opened = await localFile(file).load!();
    truncateSync(file, 4);
    server.sources['/'] = () => opened;
    expect((await askServer(server.port)).status).toBe(500);
    expect(errors).toMatchObject([{ code: 'incomplete' }]);
  });

  it('answers 500 when the opened body is shorter than promised', async () => {
    const short: FileBody = { size: 3, stream: async function* () {}, close: () => undefined };
    server.sources['/'] = () => ({ name: 'x', size: 100_000, open: async () => short });
    expect((await askServer(server.port)).status).toBe(500);
  });

  it('closes the connection when a stream without a size ends early', async () => {
    const stream = async function* () {
      yield Buffer.alloc(1000);
    };
    server.sources['/'] = () => ({ name: 'x', size: 5000, open: async () => ({ stream, close: () => undefined }) });
    const client = await talk(server.port, head('GET') + head('GET', '/next'));
    await client.closed;
    expect(client.received().includes('NEXT')).toBe(false);
    expect(errors).toMatchObject([{ code: 'incomplete' }]);
  });
});

describe('a file that grows while it is sent', () => {
  it('sends exactly the promised length of a stream without a size', async () => {
    const stream = async function* () {
      for (;;) yield Buffer.from('0123456789');
    };
    server.sources['/'] = () => ({ name: 'x', size: 25, open: async () => ({ stream, close: () => undefined }) });
    const reply = await askServer(server.port);
    expect(reply.body.toString()).toBe('0123456789012345678901234');
  });
});

describe('reads of a disk', () => {
  it('use the right offset beyond 4 GiB', async () => {
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
    expect({ bytes: tail.body.byteLength, end: tail.body.subarray(-3).toString() }).toEqual({ bytes: MiB, end: 'END' });
  });

  it('break the connection when they fail after 1 MiB, and the process continues', async () => {
    const read = async (buffer: Uint8Array, position: number) => {
      if (position >= MiB) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      return Math.min(buffer.byteLength, 128 * 1024);
    };
    const body = { size: 16 * MiB, read, stream: async function* () {}, close: () => undefined };
    server.sources['/'] = () => ({ name: 'x', size: 16 * MiB, open: async () => body });
    const client = await talk(server.port, head('GET') + head('GET', '/next'));
    await client.closed;
    expect(client.received().includes('NEXT')).toBe(false);
    expect(bodyIn(client.received()).byteLength).toBe(MiB);
    expect(errors).toMatchObject([{ code: 'EIO' }]);
    expect((await askServer(server.port, { path: '/next' })).status).toBe(200);
  });

  it('continue when they return fewer bytes than requested, for small and large files', async () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 200_000 }, (_byte, index) => index % 251));
    for (const size of [10_000, 200_000]) {
      const read = async (buffer: Uint8Array, position: number) =>
        bytes.copy(buffer, 0, position, Math.min(size, position + 777));
      const body = { size, read, stream: async function* () {}, close: () => undefined };
      server.sources['/'] = () => ({ name: 'x', size, open: async () => body });
      expect((await askServer(server.port)).body.equals(bytes.subarray(0, size))).toBe(true);
    }
  });
});

it('breaks the connection when something else ends the response during a download', async () => {
  writeFileSync(file, Buffer.alloc(32 * MiB));
  const view = downloadView(async () => ({ subject: 0, file: () => localFile(file) }));
  let sending: ServerResponse | undefined;
  const other = await serve((request, response) => {
    sending = response;
    void toNode(view, { onError: (error) => errors.push(error) })(request, response);
  });
  const client = await talk(other.port, head('GET'), { paused: true });
  await until(() => sending?.headersSent === true && server.descriptors() === 1, 'the download was under way');
  sending!.end();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const start = Date.now();
  client.socket.resume();
  await client.closed;
  expect(Date.now() - start).toBeLessThan(2_000);
  await until(() => server.descriptors() === 0, 'the file was closed');
  expect(errors).toEqual([]);
  await other.close();
});
