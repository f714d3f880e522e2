import { jest } from '@jest/globals';
import Koa, { type Context } from 'koa';
import { createSigner, downloadView, virtualFile, type DownloadHandler } from 'filefield';
import { toKoa } from 'filefield/koa';
import { adapterContract } from '../contracts/adapter-contract.js';
import { askServer, serve } from './server.js';

function application(handler: DownloadHandler<Context>): Koa {
  const app = new Koa();
  app.use(async (context, next) => {
    context.set({ 'X-Before': 'kept', 'Cache-Control': 'no-store' });
    await next();
  });
  return app.use(toKoa(handler));
}

adapterContract('Koa', {
  mount: (handler, onError) => {
    const app = application(handler as unknown as DownloadHandler<Context>);
    return app.on('error', onError).callback();
  },
});

describe('the adapter of Koa', () => {
  it('gives the view the parameters of a router, the context and the URL as it was sent', async () => {
    const signer = createSigner({ keys: [{ id: '1', secret: 'x'.repeat(32) }] });
    const view = downloadView<Context, unknown>(
      async ({ params, raw }) => ({
        subject: 0,
        file: () => virtualFile({ name: 'x', content: `${String(params.id)} ${String(raw.state.user)}` }),
      }),
      { signature: { signer } },
    );
    const app = new Koa();
    app.use(async (context, next) => {
      Object.assign(context, { params: { id: '7' } });
      context.state.user = 'ann';
      context.url = '/rewritten';
      await next();
    });
    const server = await serve(app.use(toKoa(view)).callback());
    const reply = await askServer(server.port, { path: signer.sign('/a', { expiresIn: '1m' }) });
    expect([reply.status, reply.body.toString()]).toEqual([200, '7 ann']);
    await server.close();
  });

  it('reports each failure once: 5xx to the console where nobody listens', async () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const mine = new Error('mine');
    const failing = await serve(application(() => Promise.reject(mine)).callback());
    expect((await askServer(failing.port)).status).toBe(500);
    const empty = await serve(application(downloadView(async () => null)).callback());
    expect((await askServer(empty.port)).status).toBe(404);
    expect(printed.mock.calls).toEqual([[mine]]);
    printed.mockRestore();
    await failing.close();
    await empty.close();
  });
});
