import { jest } from '@jest/globals';
import fs, { truncateSync } from 'node:fs';
import http2, { type Http2ServerRequest } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import { createSigner, downloadView, FileFieldError, virtualFile, type DownloadHandler } from 'filefield';
import { toNode } from 'filefield/node';
import { checkCase } from '../cases/check-case.js';
import { fileCases } from '../cases/file-cases.js';
import { sourceKinds } from '../response/http-case-sources.js';
import { DownloadServer, MiB } from './download-server.js';
import { everyAdapter } from './every-adapter.js';
import { serveHttp2, type Http2Server } from './http2-server.js';
import { until } from './server.js';

const downloads = new DownloadServer();
const { file, errors, hookCalls } = downloads;
let server: Http2Server;

beforeAll(async () => {
  server = await serveHttp2(downloads.listener());
});
afterAll(async () => {
  await server.close();
  downloads.remove();
});
beforeEach(() => downloads.reset());
afterEach(() => jest.restoreAllMocks());

const reset = { code: 'ERR_HTTP2_STREAM_ERROR', message: expect.stringContaining('INTERNAL_ERROR') };

describe('over HTTP/2', () => {
  it('sends the whole file, a range, HEAD and 304 without connection headers', async () => {
    const etag = '"v1"';
    downloads.sources['/'] = () => virtualFile({ name: 'plans.txt', content: '0123456789A', etag });
    const [whole, range, head, fresh] = [
      await server.ask(),
      await server.ask({ headers: { range: 'bytes=2-4' } }),
      await server.ask({ method: 'HEAD' }),
      await server.ask({ headers: { 'if-none-match': etag } }),
    ];
    expect([whole, range, head, fresh].map(({ status, body }) => `${status} ${body.toString()}`)).toEqual([
      '200 0123456789A',
      '206 234',
      '200 ',
      '304 ',
    ]);
    expect(whole.headers).toMatchObject({ etag, 'content-length': '11', 'content-type': 'text/plain; charset=utf-8' });
    expect(range.headers).toMatchObject({ 'content-length': '3', 'content-range': 'bytes 2-4/11' });
    expect(head.headers['content-length']).toBe('11');
    for (const { rawHeaders } of [whole, range, head, fresh]) {
      expect(rawHeaders.join()).not.toMatch(/connection|keep-alive|transfer-encoding/i);
    }
    downloads.sources['/'] = () => virtualFile({ name: 'x', content: () => ['no', ' ', 'length'] });
    const endless = await server.ask();
    expect({ body: endless.body.toString(), 'content-length': endless.headers['content-length'] }).toEqual({
      body: 'no length',
      'content-length': undefined,
    });
    expect(endless.headers['transfer-encoding']).toBeUndefined();
  });

  it('answers failures without headers of the file', async () => {
    downloads.sources['/'] = () => {
      throw new FileFieldError('not_found', '/srv/vault');
    };
    const reply = await server.ask();
    expect({ status: reply.status, body: reply.body.toString() }).toEqual({ status: 404, body: 'Not Found\n' });
    const view = downloadView<unknown, null>(
      async () => ({ subject: null, file: () => virtualFile({ name: 'x', content: 'x' }) }),
      { cacheControl: 'private\r\nx-injected: yes' },
    );
    const other = await serveHttp2(everyAdapter['node:http']!.mount(view, { onError: () => undefined }));
    const broken = await other.ask();
    expect(broken.status).toBe(500);
    expect(broken.headers).not.toHaveProperty('content-disposition');
    expect(broken.headers).not.toHaveProperty('x-injected');
    await other.close();
  });

  it('resets only the stream of a file that is cut', async () => {
    downloads.fill(64 * MiB);
    const { stream } = await server.begin();
    const broken = new Promise((resolve) => stream.on('error', resolve));
    truncateSync(file, 16 * MiB);
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => (bytes += chunk.byteLength)).resume();
    expect(await broken).toMatchObject(reset);
    expect(bytes).toBeLessThan(17 * MiB);
    expect(errors).toMatchObject([{ code: 'incomplete' }]);
    expect(downloads.hooksOf('/')).toEqual(['start', 'abort']);
    await until(() => downloads.descriptors() === 0, 'the file was closed');
    expect((await server.ask({ path: '/next' })).body.toString()).toBe('NEXT');
    expect(server.session.destroyed).toBe(false);
  });

  it('resets the stream when a file without a length fails, instead of ending it', async () => {
    const content = async function* () {
      yield 'x'.repeat(100);
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new Error('broken');
    };
    downloads.sources['/'] = () => virtualFile({ name: 'x', content });
    await expect(server.ask()).rejects.toMatchObject(reset);
    expect(errors).toMatchObject([{ message: 'broken' }]);
  });

  it('closes the file when a client cancels its stream or closes the session', async () => {
    downloads.fill(64 * MiB);
    const { stream } = await server.begin();
    await until(() => downloads.descriptors() === 1, 'the download was under way');
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await until(() => downloads.descriptors() === 0, 'the file was closed');
    expect(downloads.hooksOf('/')).toEqual(['start', 'abort']);
    expect((await server.ask({ path: '/next' })).status).toBe(200);

    const other = await serveHttp2(downloads.listener());
    const before = hookCalls.length;
    const streams = await Promise.all(Array.from({ length: 20 }, () => other.begin()));
    await until(() => downloads.descriptors() === 20, 'all downloads were under way');
    for (const one of streams) one.stream.on('error', () => undefined);
    other.session.destroy();
    await until(() => downloads.descriptors() === 0, 'all files were closed');
    await until(() => hookCalls.length === before + 40, 'the hooks were called');
    expect(errors).toEqual([]);
    await other.close();
  });

  it('stops reading for a stalled client, and disconnects it after idleTimeout', async () => {
    downloads.fill(64 * MiB);
    downloads.idleTimeout = 500;
    const read = jest.spyOn(fs, 'read');
    const { stream } = await server.begin();
    const broken = new Promise((resolve) => stream.on('error', resolve));
    await until(() => downloads.descriptors() === 1, 'the download was under way');
    const start = Date.now();
    await until(() => downloads.descriptors() === 0, 'the file was closed', 5_000);
    expect(Date.now() - start).toBeGreaterThan(300);
    // The 64 KiB of the window, and one buffer that waits for the next window.
    expect(read.mock.calls.length).toBeLessThan(6);
    stream.resume();
    expect(await broken).toMatchObject(reset);
    expect(downloads.hooksOf('/')).toEqual(['start', 'abort']);
    expect(errors).toEqual([]);
    expect((await server.ask({ path: '/next' })).status).toBe(200);
  });

  it('disconnects a stalled client of a small file', async () => {
    downloads.idleTimeout = 300;
    downloads.fill(60 * 1024);
    const other = await serveHttp2(downloads.listener(), { initialWindowSize: 1000 });
    const { stream } = await other.begin();
    const broken = new Promise((resolve) => stream.on('error', resolve));
    await until(() => downloads.hooksOf('/').includes('abort'), 'the client was disconnected', 5_000);
    expect(await broken).toMatchObject(reset);
    expect(downloads.descriptors()).toBe(0);
    await other.close();
  });

  it('verifies signatures of the original path, and passes the HTTP/2 request to the view', async () => {
    const signer = createSigner({ keys: [{ id: '1', secret: 'x'.repeat(32) }] });
    const view = downloadView<Http2ServerRequest, null>(
      async ({ raw }) => ({
        subject: null,
        file: () => virtualFile({ name: 'x', content: `${raw.authority} ${raw.stream.id! > 0}` }),
      }),
      { signature: { signer } },
    );
    const serve = toNode(view, { onError: () => undefined });
    const own = http2.createServer((request, response) => void serve(request, response));
    // @ts-expect-error the view is for requests of HTTP/2
    void ((request: IncomingMessage, response: never) => serve(request, response));
    const signed = await serveHttp2(own.listeners('request')[0] as never);
    const reply = await signed.ask({ path: signer.sign('/a%2Fb?c=d', { expiresIn: '1m' }) });
    expect({ status: reply.status, body: reply.body.toString() }).toEqual({
      status: 200,
      body: expect.stringMatching(/^127\.0\.0\.1:\d+ true$/),
    });
    expect((await signed.ask({ path: '/a%2Fb?c=d' })).status).toBe(403);
    await signed.close();
  });
});

// Express does not know HTTP/2; Koa never ends the HEAD of what is not there.
describe.each(['node:http', 'Fastify'])('the cases of HTTP, over HTTP/2 through %s', (name) => {
  let running: Http2Server;
  let current: DownloadHandler<unknown>;

  beforeAll(async () => {
    running = await serveHttp2(everyAdapter[name]!.mount((request) => current(request)));
  });
  afterAll(() => running.close());

  it.each(fileCases)('$group: $title', async (one) => {
    current = await sourceKinds.disk!.view(one.file);
    expect(await checkCase(one, (asked) => running.ask(asked))).toEqual([]);
  });
});
