import express from 'express';
import express4 from 'express-4';
import { fastify } from 'fastify';
import Koa from 'koa';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import serverless from 'serverless-http';
import supertest from 'supertest';
import { downloadView, virtualFile, type DownloadHandler } from 'filefield';
import { toExpress } from 'filefield/express';
import { toFastify } from 'filefield/fastify';
import { toKoa } from 'filefield/koa';
import { toNode } from 'filefield/node';
import { until } from './server.js';
import { execFileSync } from 'node:child_process';

const ends: string[] = [];
const large = Buffer.alloc(700_000, 'a large file ');
const contents: Readonly<Record<string, Buffer>> = { small: Buffer.from('0123456789'), large };
const view: DownloadHandler<object> = downloadView<object, string>(
  async ({ url }) => {
    const content = contents[url!.slice(1)];
    return content ? { subject: url!, file: () => virtualFile({ name: 'a.bin', content, etag: '"v1"' }) } : null;
  },
  { onComplete: () => void ends.push('complete'), onAbort: () => void ends.push('abort') },
);

const applications: Readonly<Record<string, () => RequestListener | Promise<RequestListener>>> = {
  'node:http': () => (request, response) => void toNode(view)(request as never, response),
  'Express 4': () => express4().use(toExpress(view)) as unknown as RequestListener,
  'Express 5': () => express().use(toExpress(view)) as unknown as RequestListener,
  Koa: () => new Koa().use(toKoa(view)).callback(),
  Fastify: async () => {
    const app = fastify();
    app.get('/*', toFastify(view));
    await app.ready();
    return (request, response) => app.routing(request, response);
  },
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}
type Ask = (path: string, headers?: Record<string, string>, method?: 'GET' | 'HEAD') => Promise<Answer>;

/** Ways to run an application without a connection, or without a server of one's own. */
const runners: Readonly<Record<string, (listener: RequestListener) => Ask>> = {
  supertest:
    (listener) =>
    async (path, headers = {}, method = 'GET') => {
      const asked = supertest(listener)[method === 'GET' ? 'get' : 'head'](path).set(headers);
      const reply = await asked.buffer(true).parse((response, done) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => done(null, Buffer.concat(chunks)));
      });
      return {
        status: reply.status,
        headers: reply.headers,
        body: method === 'HEAD' ? Buffer.alloc(0) : (reply.body as Buffer),
      };
    },
  'serverless-http': (listener) => {
    const run = serverless(
      (request: IncomingMessage, response: ServerResponse) => listener(request, response as never),
      {
        binary: true,
      },
    );
    return async (path, headers = {}, httpMethod = 'GET') => {
      const event = { httpMethod, path, headers, queryStringParameters: {}, requestContext: {}, body: '' };
      const reply = (await run(event, {})) as { statusCode: number; headers: Record<string, unknown>; body: string };
      return { status: reply.statusCode, headers: reply.headers, body: Buffer.from(reply.body, 'base64') };
    };
  },
};

describe.each(Object.keys(runners))('%s', (runner) => {
  it.each(Object.keys(applications))('runs a view on %s', async (application) => {
    ends.length = 0;
    const ask = runners[runner]!(await applications[application]!());
    for (const [name, content] of Object.entries(contents)) {
      const whole = await ask(`/${name}`);
      expect(whole).toMatchObject({
        status: 200,
        headers: { etag: '"v1"', 'content-disposition': 'attachment; filename=a.bin' },
      });
      expect(String(whole.headers['content-length'])).toBe(String(content.byteLength));
      expect(whole.body.equals(content)).toBe(true);
      const range = await ask(`/${name}`, { range: 'bytes=2-5' });
      expect([range.status, range.body.toString()]).toEqual([206, content.subarray(2, 6).toString()]);
      const head = await ask(`/${name}`, {}, 'HEAD');
      expect([head.status, head.headers['content-length'], head.body.byteLength]).toEqual([
        200,
        String(content.byteLength),
        0,
      ]);
      const fresh = await ask(`/${name}`, { 'if-none-match': '"v1"' });
      expect([fresh.status, fresh.body.byteLength]).toEqual([304, 0]);
    }
    expect((await ask('/missing')).status).toBe(404);
    await until(() => ends.length === 4, 'all downloads have ended');
    expect(ends).toEqual(['complete', 'complete', 'complete', 'complete']);
  });
});

// In a process of its own: Jest cannot load a module that light-my-request requires.
it('app.inject of Fastify runs a view, hooks included', () => {
  const program = `
    import { fastify } from 'fastify';
    import { downloadView, virtualFile } from 'filefield';
    import { toFastify } from 'filefield/fastify';
    const content = Buffer.alloc(700_000, 'a large file ');
    const view = downloadView(async () => ({ subject: 0, file: () => virtualFile({ name: 'a.bin', content, etag: '"v1"' }) }));
    const app = fastify();
    app.addHook('onSend', async (_request, reply) => void reply.header('x-added', 'yes'));
    app.get('/', toFastify(view));
    const ask = async (options) => {
      const { statusCode, headers, rawPayload } = await app.inject({ url: '/', ...options });
      return [statusCode, headers['x-added'], headers['content-length'] ?? null, rawPayload.equals(content) || rawPayload.toString()];
    };
    console.log(JSON.stringify([
      await ask({}),
      await ask({ headers: { range: 'bytes=2-5' } }),
      await ask({ method: 'HEAD' }),
      await ask({ headers: { 'if-none-match': '"v1"' } }),
    ]));`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual([
    [200, 'yes', '700000', true],
    [206, 'yes', '4', 'larg'],
    [200, 'yes', '700000', ''],
    [304, 'yes', null, ''],
  ]);
});
