import { jest } from '@jest/globals';
import Koa, { type Context } from 'koa';
import Koa2 from 'koa-2';
import { createSigner, downloadView, virtualFile, type DownloadHandler } from 'filefield';
import { toKoa } from 'filefield/koa';
import { adapterContract } from '../contracts/adapter-contract.js';
import { askServer, serve } from './server.js';

const versions: Readonly<Record<string, typeof Koa>> = { 'Koa 2': Koa2, 'Koa 3': Koa };

function application(version: string, handler: DownloadHandler<Context>): Koa {
  const app = new versions[version]!();
  app.use(async (context, next) => {
    context.set({ 'X-Before': 'kept', 'Cache-Control': 'no-store' });
    await next();
  });
  return app.use(toKoa(handler));
}

describe.each(Object.keys(versions))('the adapter of %s', (version) => {
  adapterContract(version, {
    mount: (handler, onError) => {
      const app = application(version, handler as unknown as DownloadHandler<Context>);
      return app.on('error', onError).callback();
    },
  });

  it('passes the parameters of a router, the context and the original URL to the view', async () => {
    const signer = createSigner({ keys: [{ id: '1', secret: 'x'.repeat(32) }] });
    const view = downloadView<Context, unknown>(
      async ({ params, raw }) => ({
        subject: 0,
        file: () => virtualFile({ name: 'x', content: `${String(params.id)} ${String(raw.state.user)}` }),
      }),
      { signature: { signer } },
    );
    const app = new versions[version]!();
    app.use(async (context, next) => {
      Object.assign(context, { params: { id: '7' } });
      context.state.user = 'ann';
      context.url = '/rewritten';
      await next();
    });
    const server = await serve(app.use(toKoa(view)).callback());
    const reply = await askServer(server.port, { path: signer.sign('/a', { expiresIn: '1m' }) });
    expect({ status: reply.status, body: reply.body.toString() }).toEqual({ status: 200, body: '7 ann' });
    await server.close();
  });

  it('reports each failure once, 5xx on the console without a listener', async () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const mine = new Error('mine');
    const failing = await serve(application(version, () => Promise.reject(mine)).callback());
    expect((await askServer(failing.port)).status).toBe(500);
    const empty = await serve(
      application(
        version,
        downloadView(async () => null),
      ).callback(),
    );
    expect((await askServer(empty.port)).status).toBe(404);
    expect(printed.mock.calls).toEqual([[mine]]);
    printed.mockRestore();
    await failing.close();
    await empty.close();
  });
});
