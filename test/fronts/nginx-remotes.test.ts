import { mkdirSync, mkdtempSync, rmSync, chmodSync, writeFileSync } from 'node:fs';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { downloadView, frontConfiguration, httpView, virtualFile, virtualView, xAccelRedirect } from 'filefield';
import { toNode, type NodeHandler } from 'filefield/node';
import { askServer, serve, type Asked, type RunningServer } from '../adapters/server.js';
import { startNameServer, type NameServer } from '../support/name-server.js';
import { freePort, haveFront, startFront, type RunningFront } from './start-front.js';

const content = Buffer.from(Uint8Array.from({ length: 100_000 }, (_byte, index) => index % 251));
const signature = '?X-Amz-Signature=a%2Fb+c&response-content-type=text%2Fplain';
const security = { 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" };
const keys = [
  'plain',
  'a%20b',
  '100%25',
  'what%3F',
  'a%23b',
  'a+b',
  'a&b=c;d',
  '%F0%9F%8E%89',
  'a%22b',
  'pct%252Fx',
].concat('a%0D%0AX-Injected:%201', 'new%0Aline?', '%5Cback', "it's(1)!*");
/** What the view knows of every file below `/known/`. */
const known = { size: content.byteLength, etag: '"view"', modified: new Date('2024-05-06T07:08:09Z') };
const statuses = [300, 400, 500].flatMap((first) =>
  Array.from({ length: first === 300 ? 9 : 100 }, (_n, at) => first + at),
);

(haveFront('nginx') ? describe : describe.skip)('nginx with a bucket', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'remotes-'));
  let bucket: RunningServer;
  let moved: http.Server;
  let names: NameServer;
  let application: RunningServer;
  let front: RunningFront;
  let port = 0;
  let streamed = 0;
  let requests: IncomingMessage[] = [];
  let movedRequests = 0;

  const ask = (key: string, how: Asked = {}) => askServer(port, { ...how, path: `/${key}` });
  const get = (key: string, headers: Readonly<Record<string, string>> = {}) => ask(key, { headers });

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    mkdirSync(path.join(folder, 'documents'));
    writeFileSync(path.join(folder, 'documents/secret'), 'secret-file');
    const object = toNode(virtualView(() => ({ name: 'x', content, etag: '"v1"' }), { cacheControl: 'max-age=1' }));
    const objects: RequestListener = (request, response) => {
      requests.push(request);
      response.setHeader('x-amz-request-id', '1');
      response.setHeader('set-cookie', 'bucket=1');
      response.setHeader('content-security-policy', 'bucket');
      response.setHeader('access-control-allow-origin', '*');
      if (request.url!.includes('accel')) response.setHeader('x-accel-redirect', '/_filefield/documents/secret');
      if (request.url!.endsWith('/moved')) return void response.writeHead(302, { location: 'plain' }).end();
      if (request.url!.endsWith('/packed')) {
        return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(content));
      }
      const [, status] = /status(\d+)/.exec(request.url!) ?? [];
      if (!status) return void object(request, response);
      response.writeHead(Number(status), { location: 'https://elsewhere.example/' }).end('<Error>secret-key</Error>');
    };
    bucket = await serve(objects);
    moved = http.createServer((request, response) => ((movedRequests += 1), objects(request, response)));
    await new Promise<void>((resolve) => moved.listen(bucket.port, '127.0.0.2', resolve));
    names = await startNameServer('127.0.0.1');
    const url = `http://127.0.0.1:${bucket.port}/the-bucket`;
    const named = `http://bucket.test:${bucket.port}/the-bucket`;
    const remotes = { [url]: '/_filefield/photos', [named]: '/_filefield/named.photos' };
    const delivery = xAccelRedirect({ [path.join(folder, 'documents')]: '/_filefield/documents' }, { remotes });
    const view = downloadView<IncomingMessage, null>(
      async ({ raw }) => ({
        subject: null,
        file: () => ({
          ...virtualFile({ name: 'page.html', content: () => ((streamed += 1), [content]) }),
          ...(raw.url!.startsWith('/known/') && known),
          url: async () =>
            `${raw.url!.startsWith('/named/') ? named : url}${raw.url!.replace(/^\/named/, '')}${signature}`,
        }),
      }),
      { delivery },
    );
    const mirror = (options: { readonly headers?: Record<string, string>; readonly allowPrivate?: boolean }) =>
      toNode(
        httpView<IncomingMessage>({
          url: ({ url: wanted = '' }) => `${url}/${wanted.split('/').at(-1)}`,
          allowPrivate: true,
          ...options,
          delivery,
        }),
      );
    const mirrors: Readonly<Record<string, NodeHandler<IncomingMessage>>> = {
      mirror: mirror({}),
      secret: mirror({ headers: { authorization: 'Bearer ours' } }),
    };
    application = await serve((request, response) => {
      response.setHeader('set-cookie', ['one=1', 'two=2']);
      response.setHeader('vary', 'Cookie');
      void (mirrors[request.url!.split('/')[1]!] ?? toNode(view))(request, response);
    });
    port = await freePort();
    const text = frontConfiguration('nginx', {
      places: [{ folder: path.join(folder, 'documents'), prefix: '/_filefield/documents' }],
      remotes: Object.entries(remotes).map(([start, prefix]) => ({ url: start, prefix })),
      resolver: [names.address],
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
    moved?.close();
    names?.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    requests = [];
    streamed = 0;
  });

  it.each(['', 'named/'].flatMap((route) => keys.map((key) => [route, key] as const)))(
    'requests the key %s%s with the signature unchanged',
    async (route, key) => {
      const reply = await ask(route + key);
      expect({ status: reply.status, streamed }).toEqual({ status: 200, streamed: 0 });
      expect(reply.body.equals(content)).toBe(true);
      expect(requests).toHaveLength(1);
      expect(requests[0]!.url).toBe(`/the-bucket/${key.replace(/\?$/, '')}${key.endsWith('?') ? '?' : ''}${signature}`);
      expect(requests[0]!.headers).not.toHaveProperty('x-injected');
    },
  );

  it('finds the new address of a bucket that moves', async () => {
    expect((await get('named/plain')).status).toBe(200);
    expect(movedRequests).toBe(0);
    names.target = '127.0.0.2';
    for (const end = Date.now() + 8000; movedRequests === 0 && Date.now() < end;) {
      expect((await get('named/plain')).status).toBe(200);
      await sleep(100);
    }
    expect(movedRequests).toBe(1);
    names.target = '127.0.0.1';
  });

  it('sends no header of the client to the bucket, and GET for HEAD', async () => {
    const headers = {
      cookie: 'session=1',
      authorization: 'Bearer x',
      'x-amz-acl': 'public',
      'accept-encoding': 'gzip',
    };
    const reply = await ask('known/plain', { method: 'HEAD', headers });
    expect(reply).toMatchObject({ status: 200, headers: { 'content-length': '100000' }, body: { byteLength: 0 } });
    expect(requests[0]!.method).toBe('GET');
    expect(requests[0]!.headers).toEqual({ host: `127.0.0.1:${bucket.port}`, 'accept-encoding': 'identity' });
    await get('known/plain', { range: 'bytes=0-1', 'if-range': '"view"' });
    expect(Object.keys(requests[1]!.headers).sort()).toEqual(['accept-encoding', 'host', 'range']);
  });

  it.each<[number, Record<string, string>]>([
    [200, {}],
    [206, { range: 'bytes=10-19' }],
  ])('sends the headers of the view and none of the bucket with status %s', async (status, headers) => {
    const reply = await get('plain', headers);
    expect(reply).toMatchObject({ status, headers: { 'set-cookie': ['one=1', 'two=2'], vary: 'Cookie' } });
    expect(reply.headers).toMatchObject({ ...security, 'cache-control': 'private, no-cache' });
    expect(reply.headers['content-disposition']).toBe('attachment; filename=page.html');
    expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(reply.headers).not.toHaveProperty('etag');
    expect(reply.rawHeaders.join()).not.toMatch(/x-amz|the-bucket|bucket=|x-accel|access-control/i);
  });

  it('shows ETag and Last-Modified of the view, and lets the view compare the conditions', async () => {
    const modified = known.modified.toUTCString();
    const range = 'bytes=10-19';
    const replies: [Record<string, string>, number][] = [
      [{}, 200],
      [{ range }, 206],
      [{ range, 'if-range': '"view"' }, 206],
      [{ range, 'if-range': modified }, 206],
      [{ 'if-match': '"view"' }, 200],
      [{ 'if-none-match': '"v1"' }, 200],
    ];
    for (const [headers, status] of replies) {
      const reply = await get('known/plain', headers);
      expect(reply).toMatchObject({ status, headers: { etag: '"view"', 'last-modified': modified } });
      expect(reply.body.equals(status === 200 ? content : content.subarray(10, 20))).toBe(true);
    }
    expect({ streamed, requests: requests.length }).toEqual({ streamed: 0, requests: 6 });
  });

  it.each<[number, Record<string, string>]>([
    [304, { 'if-none-match': '"view"' }],
    [304, { 'if-modified-since': known.modified.toUTCString() }],
    [412, { 'if-match': '"v1"' }],
    [412, { 'if-unmodified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' }],
    [416, { range: 'bytes=100000-' }],
    [200, { range: 'bytes=10-19', 'if-range': '"v1"' }],
    [200, { range: 'bytes=10-19', 'if-range': 'Sun, 06 Nov 1994 08:49:37 GMT' }],
    [200, { range: 'bytes=10-19,50000-50009' }],
    [200, { range: 'items=1-2' }],
  ])('answers with %s of the view, without asking the bucket, for %j', async (status, headers) => {
    const reply = await get('known/plain', headers);
    expect({ status: reply.status, asked: requests.length }).toEqual({ status, asked: 0 });
    if (status === 200) expect(reply.body.equals(content)).toBe(true);
    if (status === 416) expect(reply.headers['content-range']).toBe('bytes */100000');
  });

  it('sends the size with a 416 of the bucket, if the view does not know it, and not its body', async () => {
    const reply = await get('plain', { range: 'bytes=100000-' });
    expect(reply).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */100000' } });
    expect({ asked: requests.length, text: reply.body.toString() }).toEqual({
      asked: 1,
      text: expect.stringContaining('nginx') as string,
    });
  });

  it('turns every error and redirect of the bucket into one of its own, without body and location', async () => {
    // nginx closes the connection for these two, and cannot replace a 499, which no server sends.
    for (const closing of [408, 444]) await expect(ask(`status${closing}`)).rejects.toThrow(/hang up/);
    for (const bucketStatus of statuses.filter((status) => ![408, 444, 499].includes(status))) {
      const reply = await ask(`status${bucketStatus}`);
      const status = [403, 404, 410].includes(bucketStatus) ? 404 : bucketStatus === 416 ? 416 : 502;
      expect({ bucketStatus, status: reply.status }).toEqual({ bucketStatus, status });
      expect(reply.headers).not.toHaveProperty('location');
      expect(reply.body.toString()).not.toContain('secret-key');
      expect(reply.headers['cache-control']).toContain('no-store');
    }
  });

  it('obeys no instruction of the bucket', async () => {
    const reply = await ask('accel');
    expect(reply.body.equals(content)).toBe(true);
    expect(reply.headers).not.toHaveProperty('x-accel-redirect');
  });

  it('fetches the file of an httpView, with type and tag of the other server', async () => {
    const range = await get('mirror/plain', { range: 'bytes=10-19', 'if-range': '"v1"' });
    expect(range).toMatchObject({ status: 206, headers: { etag: '"v1"', 'content-range': 'bytes 10-19/100000' } });
    // One request for the head, which is broken off, and one of nginx.
    expect(requests.map(({ method, headers }) => `${method} ${headers.connection}`)).toEqual([
      'GET keep-alive',
      'GET undefined',
    ]);
    const whole = await get('mirror/plain');
    expect(whole.body.equals(content)).toBe(true);
    expect(whole.headers).toMatchObject({ etag: '"v1"', 'content-disposition': 'attachment; filename=plain' });
  });

  it.each([
    ['with headers of the application', 'secret/plain', 1],
    ['whose path nginx would change', 'mirror/a%2Fb', 1],
    ['to which the other server redirects', 'mirror/moved', 2],
    ['that has to be decoded', 'mirror/packed', 1],
  ])('streams the file of an httpView %s', async (_what, key, asked) => {
    const reply = await get(key);
    expect({ status: reply.status, asked: requests.length }).toEqual({ status: 200, asked });
    expect(requests.every(({ headers }) => headers.connection === 'keep-alive')).toBe(true);
    expect(reply.body.equals(content)).toBe(true);
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
