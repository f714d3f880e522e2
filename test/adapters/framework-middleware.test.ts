import { gunzipSync } from 'node:zlib';
import fastifyCompress from '@fastify/compress';
import fastifyCookie from '@fastify/cookie';
import fastifyEtag from '@fastify/etag';
import fastifySession from '@fastify/session';
import { getRequestListener } from '@hono/node-server';
import { fastify, type FastifyInstance } from 'fastify';
import { Hono, type MiddlewareHandler } from 'hono';
import { compress } from 'hono/compress';
import { etag } from 'hono/etag';
import { secureHeaders } from 'hono/secure-headers';
import { timing } from 'hono/timing';
import Koa, { type Middleware } from 'koa';
import koaCompress from 'koa-compress';
import koaConditional from 'koa-conditional-get';
import koaEtag from '@koa/etag';
import koaSession from 'koa-session';
import { createHash } from 'node:crypto';
import type { createReadStream } from 'node:fs';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Transform } from 'node:stream';
import { downloadView, localFile, virtualFile, type DownloadProgress, type FileSource } from 'filefield';
import { toFastify } from 'filefield/fastify';
import { toFetch } from 'filefield/fetch';
import { toKoa } from 'filefield/koa';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { askServer, head, serve, talk, until, type Asked, type RunningServer } from './server.js';

const folder = mkdtempSync(path.join(tmpdir(), 'middleware-'));
const text = 'text of a download\n'.repeat(30_000);
writeFileSync(path.join(folder, 'large.txt'), text);
const sha256 = createHash('sha256').update(text).digest('hex');
const small = virtualFile({ name: 'small.txt', content: 'small '.repeat(300), etag: '"s1"' });
const sources: Readonly<Record<string, () => FileSource>> = {
  '/small': () => small,
  '/large': () => {
    const file = localFile(path.join(folder, 'large.txt'));
    return { ...file, load: async (hint) => ({ ...(await file.load!(hint)), etag: '"l1"', sha256 }) };
  },
  '/failing': () =>
    virtualFile({
      name: 'x',
      content: async function* () {
        yield Buffer.alloc(300_000);
        throw new Error('the disk failed');
      },
    }),
};
const ends: [string, string, number][] = [];
const errors: unknown[] = [];
const onError = (error: unknown) => void errors.push(error);
const note =
  (hook: string) =>
  (_raw: unknown, url: string, { bytes }: DownloadProgress) =>
    void ends.push([url, hook, bytes]);
const view = downloadView<unknown, string>(async ({ url }) => ({ subject: url!, file: sources[url!]! }), {
  onComplete: note('complete'),
  onAbort: note('abort'),
});

/** What is around a view, by framework. */
const onFastify = (around: (app: FastifyInstance) => void): RequestListener => {
  const app = fastify();
  around(app);
  // A route inside a plugin sees the hooks of the plugins before it.
  app.register(async (scope) => void scope.all('/*', toFastify(view, { onError })));
  return (request, response) => void app.ready(() => app.routing(request, response));
};
const onKoa = (around: (app: Koa) => Middleware[]): RequestListener => {
  const app = new Koa();
  app.silent = true;
  app.keys = ['a key of the tests'];
  for (const one of around(app)) app.use(one);
  return app.use(toKoa(view, { onError })).callback();
};
const onHono = (...around: MiddlewareHandler[]): RequestListener => {
  const app = new Hono();
  const run = toFetch(view, { onError });
  for (const one of around) app.use(one);
  app.all('/*', (context) => run(context.req.raw));
  return getRequestListener(app.fetch);
};

let running: RunningServer;
const start = async (listener: RequestListener) => (running = await serve(listener)).port;
beforeEach(() => {
  ends.length = 0;
  errors.length = 0;
});
afterEach(async () => {
  await running.close();
  await until(() => descriptorsBelow(folder) === 0, 'all files were closed');
});
afterAll(() => rmSync(folder, { recursive: true }));

const secret = 'a secret of the tests, of thirty-two bytes';
const plain: Readonly<Record<string, RequestListener>> = {
  Fastify: onFastify(() => undefined),
  Koa: onKoa(() => []),
  Hono: onHono(),
};
/** Middleware, its listener, and a header that it adds to every response. */
const companies: [string, RequestListener, string | undefined][] = [
  ['Fastify', onFastify((app) => void app.register(fastifyCookie).addHook('preHandler', async (_request, reply) => void reply.setCookie('a', '1'))), 'set-cookie'], // prettier-ignore
  ['Fastify', onFastify((app) => void app.register(fastifyCookie).register(fastifySession, { secret, cookie: { secure: false } }).addHook('preHandler', async (request) => void request.session.set('a' as never, 1 as never))), 'set-cookie'], // prettier-ignore
  ['Fastify', onFastify((app) => void app.register(fastifyEtag)), undefined],
  ['Fastify', onFastify((app) => void app.addHook('onSend', async (_request, reply) => void reply.header('x-added', 'yes'))), 'x-added'], // prettier-ignore
  ['Koa', onKoa((app) => [koaSession(app) as Middleware, async (context, next) => ((context.session!.a = 1), next())]), 'set-cookie'], // prettier-ignore
  ['Koa', onKoa(() => [koaConditional(), koaEtag()]), undefined],
  ['Koa', onKoa(() => [async (context, next) => (await next(), context.set('X-Added', 'yes'))]), 'x-added'],
  ['Hono', onHono(secureHeaders(), timing()), 'server-timing'],
  ['Hono', onHono(etag()), undefined],
];
const questions: Readonly<Record<string, Readonly<Record<string, string>> & { readonly method?: string }>> = {
  'a whole file': {},
  HEAD: { method: 'HEAD' },
  'a range': { range: 'bytes=5-1000' },
  'a range that is not there': { range: 'bytes=99999999-' },
  'a file that the client has': { 'if-none-match': '"s1", "l1"' },
  'a file that has changed': { 'if-match': '"other"' },
};
/** Those of the moment, of the connection, and those that middleware replaces on purpose. */
const unlike = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'cross-origin-resource-policy']);

it.each(companies)(
  'on %s, each response has its own headers and bytes, and those of its company',
  async (framework, listener, added) => {
    const bare = await serve(plain[framework]!);
    const port = await start(listener);
    for (const file of ['/small', '/large']) {
      for (const [what, { method, ...headers }] of Object.entries(questions)) {
        const request = { method, path: file, headers };
        const [right, reply] = [await askServer(bare.port, request), await askServer(port, request)];
        const wanted = Object.entries(right.headers).filter(([name]) => !unlike.has(name));
        expect([file, what, reply.status, reply.headers]).toEqual([
          file,
          what,
          right.status,
          expect.objectContaining(Object.fromEntries(wanted)),
        ]);
        expect(reply.body.equals(right.body)).toBe(true);
        if (added !== undefined) expect([file, what, Object.keys(reply.headers)]).toEqual([file, what, expect.arrayContaining([added])]); // prettier-ignore
      }
    }
    await bare.close();
    expect(errors).toEqual([]);
  },
);

describe.each([
  ['Fastify', onFastify((app) => void app.register(fastifyCompress, { threshold: 0, encodings: ['gzip'] }))],
  ['Koa', onKoa(() => [koaCompress({ threshold: 0 })])],
  ['Hono', onHono(compress({ threshold: 0 }))],
] as const)('behind compression on %s', (framework, listener) => {
  const gzip = { 'accept-encoding': 'gzip' };

  it('a compressed file claims neither its own digest nor ranges, and its tag is weak', async () => {
    const port = await start(listener);
    for (const file of ['/small', '/large']) {
      const { headers, body } = await askServer(port, { path: file, headers: gzip });
      if (framework === 'Hono') expect(headers['content-encoding']).toBeUndefined();
      else expect(headers).toMatchObject({ 'content-encoding': 'gzip', etag: file === '/small' ? 'W/"s1"' : 'W/"l1"' });
      const whole = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      expect(whole.toString() === (file === '/small' ? 'small '.repeat(300) : text)).toBe(true);
      if (headers['content-encoding'] === undefined) continue;
      expect(headers).not.toHaveProperty('repr-digest');
      expect(headers).not.toHaveProperty('accept-ranges');
    }
    await until(() => ends.length === 2, 'both ended');
    expect(ends).toEqual([
      ['/small', 'complete', 1_800],
      ['/large', 'complete', text.length],
    ]);
  });

  it('a range is sent as it is', async () => {
    const port = await start(listener);
    const reply = await askServer(port, { path: '/large', headers: { ...gzip, range: 'bytes=5-1000' } });
    expect([reply.status, reply.headers['content-length'], reply.headers.etag]).toEqual([206, '996', '"l1"']);
    expect(reply.headers['content-encoding']).toBeUndefined();
    expect(reply.body.toString() === text.slice(5, 1001)).toBe(true);
  });

  it('a file that fails breaks the connection and is reported once', async () => {
    const port = await start(listener);
    await expect(askServer(port, { path: '/failing', headers: gzip })).rejects.toThrow();
    await until(() => errors.length > 0 && ends.length > 0, 'the failure was reported');
    expect(errors).toMatchObject([{ message: 'the disk failed' }]);
    expect(ends.map(([, hook]) => hook)).toEqual(['abort']);
  });

  it('a client that leaves ends the download', async () => {
    const port = await start(listener);
    const client = await talk(port, head('GET', '/large', gzip), { paused: true });
    client.socket.destroy();
    await until(() => ends.length === 1 || descriptorsBelow(folder) === 0, 'the download ended');
  });
});

describe('Fastify', () => {
  it('a hook that replaces the body ends the download, and one that fails gets an error response', async () => {
    const port = await start(
      onFastify((app) => {
        app.addHook('onSend', async (request, _reply, payload) => {
          if (request.headers['x-fail']) throw new Error('the hook failed');
          return request.headers['x-replace'] ? 'replaced' : payload;
        });
      }),
    );
    const replaced = await askServer(port, { path: '/large', headers: { 'x-replace': '1' } });
    expect([replaced.status, replaced.body.toString(), replaced.headers['content-length']]).toEqual([
      200,
      'replaced',
      '8',
    ]);
    await until(() => ends.length === 1, 'the download ended');
    expect(ends).toEqual([['/large', 'abort', 0]]);
    expect((await askServer(port, { path: '/large', headers: { 'x-fail': '1' } })).status).toBe(500);
    expect((await askServer(port, { path: '/small' })).status).toBe(200);
    await until(() => descriptorsBelow(folder) === 0, 'the file was closed');
  });

  it('a slow onSend hook delays the head, and a client that leaves meanwhile closes the file', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const port = await start(onFastify((app) => void app.addHook('onSend', () => held as Promise<never>)));
    const client = await talk(port, head('GET', '/large'));
    await until(() => descriptorsBelow(folder) === 1, 'the file was open');
    client.socket.destroy();
    await until(() => descriptorsBelow(folder) === 0, 'the file was closed');
    release();
    await until(() => ends.length > 0, 'the download ended');
    expect(ends).toEqual([['/large', 'abort', 0]]);
  });

  it('a slow hook sees each kind of response once, and Fastify logs no warning', async () => {
    const seen: unknown[] = [];
    const warnings: string[] = [];
    const app = fastify({ logger: { level: 'warn', stream: { write: (line: string) => void warnings.push(line) } } });
    app.addHook('onSend', async (request, reply) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      seen.push([request.method, reply.statusCode]);
    });
    app.route({ method: ['GET', 'HEAD', 'OPTIONS'], url: '/*', handler: toFastify(view, { onError }) });
    const port = await start((request, response) => void app.ready(() => app.routing(request, response)));
    const requests: readonly Asked[] = [
      { headers: { 'if-none-match': '"l1"' } },
      { headers: { 'if-match': '"other"' } },
      { headers: { range: 'bytes=99999999-' } },
      { headers: { range: 'bytes=0-1' } },
      { method: 'HEAD' },
      { method: 'OPTIONS' },
      {},
    ];
    const statuses = [];
    for (const request of requests) statuses.push((await askServer(port, { path: '/large', ...request })).status);
    expect(statuses).toEqual([304, 412, 416, 206, 200, 204, 200]);
    expect(seen).toEqual(statuses.map((status, index) => [requests[index]!.method ?? 'GET', status]));
    expect(warnings).toEqual([]);
  });

  it('a hook may pass the body through a stream of its own', async () => {
    const port = await start(
      onFastify((app) => {
        app.addHook('onSend', async (_request, _reply, payload) =>
          (payload as ReturnType<typeof createReadStream>).pipe(
            new Transform({ transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()) }),
          ),
        );
      }),
    );
    const { body } = await askServer(port, { path: '/large' });
    expect(body.toString() === text.toUpperCase()).toBe(true);
  });

  it('routes that HEAD is added to answer it with the length', async () => {
    const app = fastify();
    app.get('/*', toFastify(view));
    const port = await start((request, response) => void app.ready(() => app.routing(request, response)));
    const reply = await askServer(port, { method: 'HEAD', path: '/large' });
    expect(reply.headers['content-length']).toBe(String(text.length));
    const fresh = await askServer(port, { method: 'HEAD', path: '/large', headers: { 'if-none-match': '"l1"' } });
    expect([fresh.status, fresh.body.byteLength]).toEqual([304, 0]);
  });
});

it('nothing is left open in the folder', () => expect(readdirSync(folder)).toEqual(['large.txt']));
