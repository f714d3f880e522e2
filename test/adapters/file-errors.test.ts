import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve as serveHono } from '@hono/node-server';
import express from 'express';
import { fastify } from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { downloadView, FileFieldError, type ErrorBody, type FileErrorsOptions } from 'filefield';
import * as expressAdapter from 'filefield/express';
import * as fastifyAdapter from 'filefield/fastify';
import { fileErrorResponse, toFetch } from 'filefield/fetch';
import * as koaAdapter from 'filefield/koa';
import { filesFor, Letter } from '../support/fields.js';
import { serve } from './server.js';

const view = downloadView(async (request) => {
  const code = request.params.code;
  if (code === 'own') throw new Error('secret of the application');
  throw new FileFieldError(code as 'missing', 'The sentence of /srv/secret.', { cause: new Error('secret') });
});
const { files } = filesFor({ maxSize: '1 KB', accept: ['text/plain'] });

interface Running {
  readonly url: string;
  readonly close: () => Promise<unknown>;
}

const local = (port: number) => `http://127.0.0.1:${port}`;

/** The same two routes on every framework: a view that fails as it is told, and an upload. */
const frameworks: Readonly<Record<string, (options?: FileErrorsOptions) => Promise<Running>>> = {
  async express(options) {
    const app = express();
    app.get('/:code', expressAdapter.toExpress(view));
    app.post('/', async (request, response) => void response.json(await files.receive(request, Letter, 'file')));
    app.use(expressAdapter.fileErrors(options));
    app.use(((_error, _request, response, _next) => void response.sendStatus(500)) as express.ErrorRequestHandler);
    const { port, close } = await serve(app as unknown as RequestListener);
    return { url: local(port), close };
  },
  async fastify(options) {
    const app = fastify();
    app.register(fastifyAdapter.multipartForms);
    app.setErrorHandler(fastifyAdapter.fileErrors(options));
    app.get('/:code', fastifyAdapter.toFastify(view));
    app.post('/', (request) => files.receive(request, Letter, 'file'));
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
  },
  async koa(options) {
    const app = new Koa();
    app.on('error', () => undefined);
    app.use(koaAdapter.fileErrors(options));
    app.use(async (context, next) => {
      const [code = ''] = context.path.split('/').slice(1);
      if (context.method === 'POST') context.body = await files.receive(context, Letter, 'file');
      else
        await koaAdapter.toKoa(downloadView((request) => view({ ...request, params: { code } }) as never))(
          context,
          next,
        );
    });
    const { port, close } = await serve(app.callback());
    return { url: local(port), close };
  },
  async hono(options) {
    const app = new Hono();
    app.onError((error, context) => fileErrorResponse(error, options) ?? context.text('Internal Server Error', 500));
    const run = toFetch(view);
    app.get('/:code', (context) => run(context.req.raw, context.req.param()));
    app.post('/', async (context) => context.json(await files.receive(context.req.raw, Letter, 'file')));
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
    return { url: local((server.address() as AddressInfo).port), close: async () => server.close() };
  },
};

describe.each(Object.keys(frameworks))('errors as JSON on %s', (name) => {
  let running: Running;
  beforeAll(async () => {
    running = await frameworks[name]!();
  });
  afterAll(() => running.close());

  const upload = async (text: string, field = 'file') => {
    const body = new FormData();
    body.append(field, new Blob([text]), 'a.txt');
    const response = await fetch(running.url, { method: 'POST', body });
    return { status: response.status, body: (await response.json()) as ErrorBody };
  };

  it('say what was expected and what came, for a refused upload', async () => {
    expect(await upload('x'.repeat(1001))).toEqual({
      status: 413,
      body: {
        statusCode: 413,
        error: 'Payload Too Large',
        code: 'too_large',
        message: 'The file is larger than 1 KB.',
        field: 'file',
        rule: 'maxSize',
        limit: 1000,
      },
    });
    expect(await upload('%PDF-1.7')).toMatchObject({
      status: 415,
      body: { code: 'wrong_type', message: 'The bytes are application/pdf; accepted are text/plain.' },
    });
    expect(await upload('x', 'letter')).toMatchObject({
      status: 422,
      body: { code: 'unexpected_field', field: 'letter', message: expect.stringMatching(/letter.*file/) },
    });
  });
});

// On servers that use fetch, a view answers its failures itself: there is no error handling that it could use.
describe.each(['express', 'fastify', 'koa'])('errors of views as JSON on %s', (name) => {
  let running: Running;
  beforeAll(async () => {
    running = await frameworks[name]!();
  });
  afterAll(() => running.close());

  it.each(['not_found', 'missing', 'invalid_key'])('tell nothing but 404 of %s', async (code) => {
    const response = await fetch(`${running.url}/${code}`);
    expect([response.status, await response.json()]).toEqual([
      404,
      { statusCode: 404, error: 'Not Found', code: 'not_found', message: 'Not Found' },
    ]);
  });

  it('keep Allow for a method that views do not have', async () => {
    const response = await fetch(`${running.url}/method_not_allowed`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  it('leave failures of the server, and errors of others, to the framework, without a sentence', async () => {
    for (const code of ['storage_failed', 'own']) {
      const response = await fetch(`${running.url}/${code}`);
      expect(response.status).toBe(500);
      expect(await response.text()).not.toMatch(/secret|sentence/);
    }
  });
});

describe.each(Object.keys(frameworks))('problem details on %s', (name) => {
  it('have the members of RFC 9457 and its media type', async () => {
    const running = await frameworks[name]!({ problemDetails: true });
    try {
      const form = new FormData();
      form.append('file', new Blob(['x'.repeat(1001)]), 'a.txt');
      const response = await fetch(running.url, { method: 'POST', body: form });
      expect({ status: response.status, body: await response.json() }).toEqual({
        status: 413,
        body: {
          type: 'about:blank',
          title: 'Payload Too Large',
          status: 413,
          detail: 'The file is larger than 1 KB.',
          code: 'too_large',
          field: 'file',
          rule: 'maxSize',
          limit: 1000,
        },
      });
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
      if (name === 'hono') return;
      const refused = await fetch(`${running.url}/method_not_allowed`);
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
      expect(await (await fetch(`${running.url}/storage_failed`)).text()).not.toMatch(/secret|sentence|about:blank/);
    } finally {
      await running.close();
    }
  });
});
