import compression from 'compression';
import express from 'express';
import http, { type RequestListener } from 'node:http';
import type { ClientHttp2Stream } from 'node:http2';
import { downloadView, virtualFile } from 'filefield';
import { toExpress } from 'filefield/express';
import { DownloadServer } from './download-server.js';
import { serveHttp2, type Http2Server } from './http2-server.js';
import { serve, until } from './server.js';

// Over HTTP/2 a client says how much it takes; the kernel takes no part of it.
const downloads = new DownloadServer();
const windowBytes = 16 * 1024;
let server: Http2Server;

beforeAll(async () => {
  server = await serveHttp2(downloads.listener(), { initialWindowSize: windowBytes });
});
afterAll(async () => {
  await server.close();
  downloads.remove();
});
beforeEach(() => downloads.reset());

const ends = () => downloads.hookCalls.filter(([, hook]) => hook !== 'start');
const ended = (stream: ClientHttp2Stream) => new Promise((resolve) => stream.on('error', resolve).on('close', resolve));

describe.each([20_000, 65_536, 102_400, 262_144, 1_048_576])('a file of %d bytes', (size) => {
  beforeEach(() => downloads.fill(size));

  it('is no complete download for a client that stops reading', async () => {
    downloads.idleTimeout = 100;
    const { stream } = await server.begin();
    await until(() => ends().length > 0, 'the download ended');
    expect(ends()).toEqual([['/', 'abort', expect.any(Number)]]);
    expect(ends()[0]![2]).toBeLessThan(size);
    stream.destroy();
  });

  it('is no complete download for a client that resets its stream', async () => {
    const { stream } = await server.begin();
    stream.close(8);
    await until(() => ends().length > 0, 'the download ended');
    expect(ends()).toEqual([['/', 'abort', expect.any(Number)]]);
    expect(ends()[0]![2]).toBeLessThan(size);
  });
});

it('a small file arrives whole at a client that takes a little now and then, longer than idleTimeout', async () => {
  downloads.fill(65_536);
  downloads.idleTimeout = 400;
  const { stream } = await server.begin();
  const closed = ended(stream);
  const begun = Date.now();
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    stream.pause();
    setTimeout(() => stream.resume(), 250);
  });
  stream.resume();
  await closed;
  expect(bytes).toBe(65_536);
  expect(Date.now() - begun).toBeGreaterThan(500);
  await until(() => ends().length > 0, 'the download ended');
  expect(ends()).toEqual([['/', 'complete', 65_536]]);
});

it.each(['plain', 'wrapped'])(
  'idleTimeout ends with its download, on a %s response of a server without keepAliveTimeout',
  async (kind) => {
    const view = downloadView(async () => ({
      subject: 0,
      file: () => virtualFile({ name: 'a', content: Buffer.alloc(500_000) }),
    }));
    const app = express();
    if (kind === 'wrapped') app.use(compression());
    app.get('/file', toExpress(view, { idleTimeout: 100 }));
    app.get('/slow', (_request, response) => void setTimeout(() => response.send('slow'), 400));
    const { port, server, close } = await serve(app as unknown as RequestListener);
    server.keepAliveTimeout = 0;
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const get = (path: string) =>
      new Promise<number>((resolve, reject) => {
        const request = http.get({ port, host: '127.0.0.1', path, agent }, (response) => {
          let bytes = 0;
          response.on('data', (chunk: Buffer) => (bytes += chunk.byteLength));
          response.on('end', () => resolve(bytes)).on('error', reject);
        });
        request.on('error', reject);
      });
    expect([await get('/file'), await get('/slow')]).toEqual([500_000, 4]);
    agent.destroy();
    await close();
  },
);
