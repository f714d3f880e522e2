import { mkdtempSync, rmSync, chmodSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadView, frontConfiguration, virtualFile, virtualView, xAccelRedirect } from 'filefield';
import { toNode } from 'filefield/node';
import { askServer, serve, type Asked, type RunningServer } from '../adapters/server.js';
import { freePort, haveFront, startFront, type RunningFront } from './start-front.js';

const content = Buffer.from(Uint8Array.from({ length: 100_000 }, (_byte, index) => index % 251));
const signature = '?X-Amz-Signature=a%2Fb+c&response-content-type=text%2Fplain';
const security = { 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" };

(haveFront('nginx') ? describe : describe.skip)('nginx with a bucket', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'remotes-'));
  let bucket: RunningServer;
  let application: RunningServer;
  let front: RunningFront;
  let port = 0;
  let streamed = 0;
  let requests: IncomingMessage[] = [];

  const ask = (key: string, how: Asked = {}) => askServer(port, { ...how, path: `/${key}` });

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    const object = toNode(virtualView(() => ({ name: 'x', content, etag: '"v1"' }), { cacheControl: 'max-age=1' }));
    bucket = await serve((request, response) => {
      requests.push(request);
      response.setHeader('x-amz-request-id', '1');
      response.setHeader('set-cookie', 'bucket=1');
      response.setHeader('content-security-policy', 'bucket');
      response.setHeader('access-control-allow-origin', '*');
      const [, status] = /status(\d+)/.exec(request.url!) ?? [];
      if (!status) return void object(request, response);
      response.writeHead(Number(status), { location: 'https://elsewhere.example/' }).end('<Error>secret-key</Error>');
    });
    const url = `http://127.0.0.1:${bucket.port}/the-bucket`;
    const view = downloadView<IncomingMessage, null>(
      async ({ raw }) => ({
        subject: null,
        file: () => ({
          ...virtualFile({ name: 'page.html', content: () => ((streamed += 1), 'streamed') }),
          url: async () => `${url}${raw.url}${signature}`,
        }),
      }),
      { delivery: xAccelRedirect({ [folder]: '/_filefield/documents' }, { remotes: { [url]: '/_filefield/photos' } }) },
    );
    application = await serve((request, response) => {
      response.setHeader('set-cookie', ['one=1', 'two=2']);
      response.setHeader('vary', 'Cookie');
      void toNode(view)(request, response);
    });
    port = await freePort();
    const text = frontConfiguration('nginx', {
      places: [],
      remotes: [{ url, prefix: '/_filefield/photos' }],
      upstream: `http://127.0.0.1:${application.port}`,
      listen: `127.0.0.1:${port}`,
      standalone: path.join(folder, 'run'),
    });
    front = await startFront('nginx', path.join(folder, 'run'), text, port);
  });
  afterAll(async () => {
    await front?.stop();
    await application?.close();
    await bucket?.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    requests = [];
    streamed = 0;
  });

  it.each(['plain', 'a%20b', '100%25', 'what%3F', 'a%23b', 'a+b', 'a&b', '%F0%9F%8E%89', 'a%22b'])(
    'requests the key %s with the signature unchanged',
    async (key) => {
      const reply = await ask(key);
      expect({ status: reply.status, streamed }).toEqual({ status: 200, streamed: 0 });
      expect(reply.body.equals(content)).toBe(true);
      expect(requests).toHaveLength(1);
      const { pathname, search } = new URL(requests[0]!.url!, 'http://x');
      expect(decodeURIComponent(pathname)).toBe(`/the-bucket/${decodeURIComponent(key)}`);
      expect(search).toBe(signature);
    },
  );

  it('requests the bucket with GET and without Cookie and Authorization of the client', async () => {
    const headers = { cookie: 'session=1', authorization: 'Bearer x' };
    const reply = await ask('plain', { method: 'HEAD', headers });
    expect(reply).toMatchObject({ status: 200, headers: { 'content-length': '100000' }, body: { byteLength: 0 } });
    expect(requests[0]).toMatchObject({ method: 'GET', headers: { host: `127.0.0.1:${bucket.port}` } });
    expect(requests[0]!.headers).not.toHaveProperty('cookie');
    expect(requests[0]!.headers).not.toHaveProperty('authorization');
  });

  it.each<[number, Record<string, string>]>([
    [200, {}],
    [206, { range: 'bytes=10-19' }],
    [304, { 'if-none-match': '"v1"' }],
    [416, { range: 'bytes=100000-' }],
    [412, { 'if-match': '"other"' }],
  ])('sends the headers of the view and none of the bucket with status %s', async (status, headers) => {
    const reply = await ask('plain', { headers });
    expect(reply).toMatchObject({ status, headers: { 'set-cookie': ['one=1', 'two=2'], vary: 'Cookie' } });
    expect(reply.headers).toMatchObject({ ...security, 'cache-control': 'private, no-cache' });
    expect(reply.headers['content-disposition']).toBe('attachment; filename=page.html');
    expect(reply.rawHeaders.join()).not.toMatch(/x-amz|the-bucket|bucket=|x-accel|access-control/i);
  });

  it('sends the range of the bucket with the type of the view', async () => {
    const reply = await ask('plain', { headers: { range: 'bytes=10-19', 'if-range': '"v1"' } });
    expect(reply).toMatchObject({ status: 206, headers: { 'content-range': 'bytes 10-19/100000' } });
    expect(reply.body.equals(content.subarray(10, 20))).toBe(true);
    expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
  });

  it.each([
    [404, 404],
    [403, 404],
    [400, 502],
    [301, 502],
    [307, 502],
    [500, 502],
    [503, 502],
  ])('turns status %s of the bucket into %s, without its body and location', async (bucketStatus, status) => {
    const reply = await ask(`status${bucketStatus}`);
    expect(reply.status).toBe(status);
    expect(reply.headers).not.toHaveProperty('location');
    expect(reply.body.toString()).not.toContain('secret-key');
    expect(reply.headers['cache-control']).toContain('no-store');
  });

  it('answers 404 to a client that requests the location of the bucket', async () => {
    for (const wanted of ['/_filefield/photos/plain', '//_filefield/photos/plain', '/x/../_filefield/photos/plain']) {
      const reply = await askServer(port, {
        path: wanted,
        headers: { 'x-accel-redirect': '/_filefield/photos/plain' },
      });
      expect({ wanted, status: reply.status }).toEqual({ wanted, status: 404 });
    }
    expect(requests).toEqual([]);
  });
});
