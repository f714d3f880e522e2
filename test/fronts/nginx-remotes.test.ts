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

(haveFront('nginx') ? describe : describe.skip)('nginx fetches from a bucket for a view', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'remotes-'));
  let bucket: RunningServer;
  let application: RunningServer;
  let front: RunningFront;
  let port = 0;
  let streamed = 0;
  let asked: IncomingMessage[] = [];

  const ask = (key: string, how: Asked = {}) => askServer(port, { ...how, path: `/${key}` });

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    const object = toNode(virtualView(() => ({ name: 'x', content, etag: '"v1"' }), { cacheControl: 'max-age=1' }));
    bucket = await serve((request, response) => {
      asked.push(request);
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
    asked = [];
    streamed = 0;
  });

  it.each(['plain', 'a%20b', '100%25', 'what%3F', 'a%23b', 'a+b', 'a&b', '%F0%9F%8E%89', 'a%22b'])(
    'under the key %s and the signature as they were signed',
    async (key) => {
      const reply = await ask(key);
      expect([reply.status, reply.body.equals(content), streamed]).toEqual([200, true, 0]);
      expect(asked).toHaveLength(1);
      const { pathname, search } = new URL(asked[0]!.url!, 'http://x');
      expect([decodeURIComponent(pathname), search]).toEqual([`/the-bucket/${decodeURIComponent(key)}`, signature]);
    },
  );

  it('as itself, without what the client is to the application, and with GET whatever was asked', async () => {
    const headers = { cookie: 'session=1', authorization: 'Bearer x' };
    const reply = await ask('plain', { method: 'HEAD', headers });
    expect([reply.status, reply.headers['content-length'], reply.body.byteLength]).toEqual([200, '100000', 0]);
    expect([asked[0]!.method, asked[0]!.headers.host]).toEqual(['GET', `127.0.0.1:${bucket.port}`]);
    expect(asked[0]!.headers).not.toHaveProperty('cookie');
    expect(asked[0]!.headers).not.toHaveProperty('authorization');
  });

  it.each<[number, Record<string, string>]>([
    [200, {}],
    [206, { range: 'bytes=10-19' }],
    [304, { 'if-none-match': '"v1"' }],
    [416, { range: 'bytes=100000-' }],
    [412, { 'if-match': '"other"' }],
  ])('and answers %s with the head of the view and nothing of the bucket', async (status, headers) => {
    const reply = await ask('plain', { headers });
    expect([reply.status, reply.headers['set-cookie'], reply.headers.vary]).toEqual([
      status,
      ['one=1', 'two=2'],
      'Cookie',
    ]);
    expect(reply.headers).toMatchObject({ ...security, 'cache-control': 'private, no-cache' });
    expect(reply.headers['content-disposition']).toBe('attachment; filename=page.html');
    expect(reply.rawHeaders.join()).not.toMatch(/x-amz|the-bucket|bucket=|x-accel|access-control/i);
  });

  it('with the ranges of the bucket, and its type replaced by that of the view', async () => {
    const reply = await ask('plain', { headers: { range: 'bytes=10-19', 'if-range': '"v1"' } });
    expect([reply.status, reply.headers['content-range']]).toEqual([206, 'bytes 10-19/100000']);
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
  ])('and tells nothing of its errors: %s becomes %s', async (theirs, ours) => {
    const reply = await ask(`status${theirs}`);
    expect([reply.status, reply.headers.location]).toEqual([ours, undefined]);
    expect(reply.body.toString()).not.toContain('secret-key');
    expect(reply.headers['cache-control']).toContain('no-store');
  });

  it('for nobody who asks for it himself', async () => {
    for (const wanted of ['/_filefield/photos/plain', '//_filefield/photos/plain', '/x/../_filefield/photos/plain']) {
      const reply = await askServer(port, {
        path: wanted,
        headers: { 'x-accel-redirect': '/_filefield/photos/plain' },
      });
      expect([wanted, reply.status]).toEqual([wanted, 404]);
    }
    expect(asked).toEqual([]);
  });
});
