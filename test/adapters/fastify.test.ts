import type { RequestListener } from 'node:http';
import { fastify, type FastifyRequest } from 'fastify';
import { jest } from '@jest/globals';
import { createSigner, downloadView, virtualFile, type DownloadHandler } from 'filefield';
import { toFastify } from 'filefield/fastify';
import { adapterContract } from '../contracts/adapter-contract.js';
import { askServer, serve } from './server.js';

function application(handler: DownloadHandler<FastifyRequest>, onError?: (error: unknown) => void) {
  const app = fastify({ rewriteUrl: (request) => request.url!.replace('/before', '') });
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'X-Before': 'kept', 'Cache-Control': 'no-store', 'Set-Cookie': ['a=1', 'b=2'] });
  });
  if (onError) app.addHook('onError', async (_request, _reply, error) => onError(error));
  // Request bodies are not read.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.all('/', toFastify(handler));
  app.get('/named/:id', toFastify(handler));
  const listener: RequestListener = (request, response) => void app.ready(() => app.routing(request, response));
  return { app, listener };
}

adapterContract('Fastify', {
  mount: (handler, onError) => application(handler as unknown as DownloadHandler<FastifyRequest>, onError).listener,
});

describe('the adapter of Fastify', () => {
  it('passes the parameters, the request and the original URL to the view', async () => {
    const signer = createSigner({ keys: [{ id: '1', secret: 'x'.repeat(32) }] });
    const view = downloadView<FastifyRequest, unknown>(
      async ({ params, raw }) => ({
        subject: 0,
        file: () => virtualFile({ name: 'x', content: `${String(params.id)} ${String(raw.headers['x-user'])}` }),
      }),
      { signature: { signer } },
    );
    const server = await serve(application(view).listener);
    const path = signer.sign('/before/named/a%2Fb', { expiresIn: '1m' });
    const reply = await askServer(server.port, { path, headers: { 'x-user': 'ann' } });
    expect({ status: reply.status, body: reply.body.toString() }).toEqual({ status: 200, body: 'a/b ann' });
    expect(reply.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect((await askServer(server.port, { path: '/before/named/1' })).status).toBe(403);
    await server.close();
  });

  it('calls onError once per failure, and the onResponse hook once per response', async () => {
    const onError = jest.fn();
    const app = fastify();
    const seen: unknown[] = [];
    app.addHook('onResponse', async (_request, reply) => void seen.push(reply.raw.statusCode));
    const found = downloadView(async () => ({ subject: 0, file: () => virtualFile({ name: 'x', content: 'x' }) }));
    app.get('/found', toFastify(found, { onError }));
    app.get(
      '/empty',
      toFastify(
        downloadView(async () => null),
        { onError },
      ),
    );
    await app.ready();
    const server = await serve((request, response) => app.routing(request, response));
    const empty = await askServer(server.port, { path: '/empty' });
    expect(JSON.parse(empty.body.toString())).toEqual({ statusCode: 404, error: 'Not Found', message: 'Not Found' });
    expect((await askServer(server.port, { path: '/found' })).body.toString()).toBe('x');
    expect(onError.mock.calls).toEqual([[expect.objectContaining({ code: 'not_found' }), expect.anything()]]);
    expect(seen).toEqual([404, 200]);
    await server.close();
  });
});
