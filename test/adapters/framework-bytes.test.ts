import { gunzipSync } from 'node:zlib';
import fastifyCompress from '@fastify/compress';
import { fastify, type FastifyInstance } from 'fastify';
import Koa, { type Middleware } from 'koa';
import koaCompress from 'koa-compress';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { downloadView, localFile, type FileSource } from 'filefield';
import { toFastify } from 'filefield/fastify';
import { toKoa } from 'filefield/koa';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { askServer, head, serve, talk, until, type RunningServer } from './server.js';

// A small file of a view without hooks is given to the framework as its bytes.
const folder = mkdtempSync(path.join(tmpdir(), 'framework-bytes-'));
const text = 'a small text\n'.repeat(5_000);
writeFileSync(path.join(folder, 'small.txt'), text);
const sha256 = createHash('sha256').update(text).digest('hex');
const file = localFile(path.join(folder, 'small.txt'));
const described: FileSource = { ...file, load: async () => ({ ...(await file.load!()), etag: '"s1"', sha256 }) };
const view = downloadView(async () => ({ subject: 0, file: () => described }));

const onFastify = (around: (app: FastifyInstance) => void, idleTimeout?: number): RequestListener => {
  const app = fastify();
  around(app);
  app.register(async (scope) => void scope.all('/*', toFastify(view, { idleTimeout })));
  return (request, response) => void app.ready(() => app.routing(request, response));
};
const onKoa = (around: readonly Middleware[], idleTimeout?: number): RequestListener => {
  const app = new Koa();
  app.silent = true;
  for (const one of around) app.use(one);
  return app.use(toKoa(view, { idleTimeout })).callback();
};
/** What each framework may do with the bytes that a view gave to it. */
const changing = (change: (body: Buffer) => unknown): readonly [string, RequestListener][] => [
  ['Fastify', onFastify((app) => void app.addHook('onSend', async (_request, _reply, body) => change(body as Buffer)))],
  [
    'Koa',
    onKoa([
      async (context, next) => {
        await next();
        const body = change(context.body as Buffer);
        if (body !== undefined && body !== context.body) context.body = body;
      },
    ]),
  ],
];

let running: RunningServer;
const start = async (listener: RequestListener) => (running = await serve(listener)).port;
afterEach(async () => {
  await running.close();
  await until(() => descriptorsBelow(folder) === 0, 'all files were closed');
});
afterAll(() => rmSync(folder, { recursive: true }));

const seen: unknown[] = [];
it.each(changing((body) => void seen.push([Buffer.isBuffer(body), descriptorsBelow(folder)])))(
  'hooks on %s see the bytes of a file that is closed already, and leave its headers alone',
  async (_framework, listener) => {
    seen.length = 0;
    const port = await start(listener);
    const { headers, body } = await askServer(port);
    expect(body.toString() === text).toBe(true);
    expect(headers).toMatchObject({
      etag: '"s1"',
      'accept-ranges': 'bytes',
      'content-length': String(text.length),
      'content-type': 'text/plain; charset=utf-8',
    });
    expect(headers['repr-digest']).toBeDefined();
    expect(seen).toEqual([[true, 0]]);
  },
);

it.each(changing((body) => Buffer.from(String(body).toUpperCase())))(
  'bytes of the same length from a hook on %s have neither digest, ranges nor a strong tag',
  async (_framework, listener) => {
    const { headers, body } = await askServer(await start(listener));
    expect(body.toString() === text.toUpperCase()).toBe(true);
    expect(headers.etag).toBe('W/"s1"');
    expect(headers).not.toHaveProperty('repr-digest');
    expect(headers).not.toHaveProperty('accept-ranges');
  },
);

const upper = () => new Transform({ transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()) });
it.each([
  ['a stream', changing((body) => Readable.from([body]).pipe(upper())), { etag: 'W/"s1"' }, 200, text.toUpperCase()],
  ['a text', changing(() => 'replaced'), { etag: 'W/"s1"', 'content-length': '8' }, 200, 'replaced'],
] as const)('%s may take the place of the bytes', async (_what, listeners, headers, status, whole) => {
  for (const [, listener] of listeners) {
    const server = await serve(listener);
    const reply = await askServer(server.port);
    expect([reply.status, reply.body.toString() === whole]).toEqual([status, true]);
    expect(reply.headers).toMatchObject(headers);
    expect(reply.headers).not.toHaveProperty('repr-digest');
    await server.close();
  }
  await start(() => undefined);
});

it.each([
  ['Fastify', onFastify((app) => void app.register(fastifyCompress, { threshold: 0, encodings: ['gzip'] }))],
  ['Fastify by a stream', onFastify((app) => void app.register(fastifyCompress, { syncThreshold: 0, encodings: ['gzip'] }))], // prettier-ignore
  ['Koa', onKoa([koaCompress({ threshold: 0 })])],
])('a small file that is compressed on %s has neither digest, ranges nor a strong tag', async (_name, listener) => {
  const { headers, body } = await askServer(await start(listener), { headers: { 'accept-encoding': 'gzip' } });
  expect(headers).toMatchObject({ 'content-encoding': 'gzip', etag: 'W/"s1"' });
  expect(gunzipSync(body).toString() === text).toBe(true);
  expect(headers).not.toHaveProperty('repr-digest');
  expect(headers).not.toHaveProperty('accept-ranges');
});

it('a hook of Fastify that fails gets an error response, and the next request the file', async () => {
  const app = fastify();
  app.addHook('onSend', async (request, reply) => {
    if (request.headers['x-fail'] && reply.statusCode === 200) throw new Error('the hook failed');
  });
  app.get('/', toFastify(view));
  const port = await start((request, response) => void app.ready(() => app.routing(request, response)));
  const failed = await askServer(port, { headers: { 'x-fail': '1' } });
  expect([failed.status, JSON.parse(failed.body.toString())]).toMatchObject([500, { message: 'the hook failed' }]);
  expect((await askServer(port)).body.toString() === text).toBe(true);
});

it('trailers of Fastify follow the bytes', async () => {
  const app = fastify();
  app.addHook('onRequest', async (_request, reply) => void reply.trailer('x-sum', async () => '7'));
  app.get('/', toFastify(view));
  const port = await start((request, response) => void app.ready(() => app.routing(request, response)));
  const client = await talk(port, head('GET', '/', { connection: 'close' }));
  await client.closed;
  const received = client.received().toString();
  expect(received.includes(text.slice(0, 1_000))).toBe(true);
  expect(received.endsWith('0\r\nx-sum: 7\r\n\r\n')).toBe(true);
});

it.each(['GET', 'HEAD'])(
  'the head of an answer to %s with trailers of Fastify has no Content-Length',
  async (method) => {
    writeFileSync(path.join(folder, 'large.txt'), text.repeat(10));
    const large = downloadView(async () => ({ subject: 0, file: () => localFile(path.join(folder, 'large.txt')) }));
    const app = fastify();
    app.addHook('onRequest', async (_request, reply) => void reply.trailer('x-sum', async () => '7'));
    for (const [url, handler] of Object.entries({ '/': view, '/large': large })) app.all(url, toFastify(handler));
    const port = await start((request, response) => void app.ready(() => app.routing(request, response)));
    for (const url of ['/', '/large']) {
      const { headers } = await askServer(port, { method, path: url });
      expect([headers['transfer-encoding'], headers['content-length'], headers.trailer]).toEqual([
        'chunked',
        undefined,
        'x-sum',
      ]);
    }
  },
);

it('a file that the client has is 304 also where Fastify would send trailers', async () => {
  const app = fastify();
  app.addHook('onRequest', async (_request, reply) => void reply.trailer('x-sum', async () => '7'));
  app.get('/', toFastify(view));
  const port = await start((request, response) => void app.ready(() => app.routing(request, response)));
  const { status, headers } = await askServer(port, { headers: { 'if-none-match': '"s1"' } });
  expect([status, headers.etag, headers.trailer, headers['transfer-encoding']]).toEqual([
    304,
    '"s1"',
    undefined,
    undefined,
  ]);
  expect((await askServer(port)).body.toString() === text).toBe(true);
});

it('middleware of Koa that fails after the view gets an error response', async () => {
  const failing: Middleware = async (_context, next) => {
    await next();
    throw new Error('the middleware failed');
  };
  const reply = await askServer(await start(onKoa([failing])));
  expect([reply.status, reply.body.toString(), reply.headers.etag]).toEqual([500, 'Internal Server Error', undefined]);
});

const flushing: Middleware = async (context, next) => {
  await next();
  context.flushHeaders();
};

it('middleware of Koa may send the head before the bytes', async () => {
  const { headers, body } = await askServer(await start(onKoa([flushing])));
  expect([headers.etag, headers['content-length'], body.toString() === text]).toEqual(['"s1"', `${text.length}`, true]);
});

it.each([
  ['Fastify', onFastify(() => undefined, 200)],
  ['Koa', onKoa([], 200)],
  ['Koa that sends the head first', onKoa([flushing], 200)],
  ['Fastify with compression', onFastify((app) => void app.register(fastifyCompress, { threshold: 0, encodings: ['identity'] }), 200)], // prettier-ignore
])(
  'a client on %s that reads nothing of its small files is disconnected after idleTimeout',
  async (_name, listener) => {
    const port = await start(listener);
    let closed = false;
    running.server.once('connection', (socket) => socket.once('close', () => (closed = true)));
    const client = await talk(port, head('GET').repeat(300), { paused: true });
    await until(() => closed, 'the connection was closed');
    client.socket.destroy();
  },
);
