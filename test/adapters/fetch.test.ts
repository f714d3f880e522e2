import { getRequestListener } from '@hono/node-server';
import { jest } from '@jest/globals';
import { Hono } from 'hono';
import { createSigner, downloadView, HttpError, virtualFile, type DownloadHandler, type FileSource } from 'filefield';
import { toFetch } from 'filefield/fetch';
import { adapterContract } from '../contracts/adapter-contract.js';
import { until } from './server.js';

adapterContract('the adapter of fetch, with Hono', {
  mount: (handler, onError) => {
    const app = new Hono();
    app.use(async (context, next) => {
      context.header('X-Before', 'kept');
      context.header('Cache-Control', 'no-store');
      await next();
    });
    app.all('/', async (context) => {
      let answered = false;
      const report = (error: unknown) => (answered ? console.error(error) : onError(new HttpError(error)));
      const view = handler as unknown as DownloadHandler<Request>;
      const response = await toFetch(view, { onError: report })(context.req.raw, context.req.param());
      answered = true;
      return context.newResponse(response.body, response);
    });
    return getRequestListener(app.fetch);
  },
});

describe('the adapter of fetch', () => {
  const url = 'http://localhost/a?b=c';

  /** A view of a file that counts how often it is opened, read and closed. */
  function counted(size: number | undefined, chunks: number, bytes = 10) {
    const seen = { opened: 0, read: 0, closed: 0, hooks: [] as unknown[] };
    const file: FileSource = {
      name: 'x.bin',
      size,
      open: async () => {
        seen.opened += 1;
        return {
          async *stream() {
            for (; seen.read < chunks; seen.read += 1) yield new Uint8Array(bytes);
          },
          close: () => void (seen.closed += 1),
        };
      },
    };
    const note = (name: string) => (_request: unknown, _subject: unknown, progress: { bytes: number }) =>
      void seen.hooks.push([name, progress.bytes]);
    const hooks = { onStart: note('start'), onComplete: note('complete'), onAbort: note('abort') };
    return { seen, view: downloadView<Request, null>(async () => ({ subject: null, file: () => file }), hooks) };
  }

  it('reads only on demand, and closes the file when the client leaves', async () => {
    const { seen, view } = counted(1000, 100);
    const response = await toFetch(view)(new Request(url));
    expect(seen.read).toBe(0);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect({ read: seen.read, closed: seen.closed }).toEqual({ read: 1, closed: 0 });
    await reader.cancel();
    expect(seen.closed).toBe(1);
    expect(seen.hooks).toEqual([
      ['start', 0],
      ['abort', 20],
    ]);
  });

  it('closes the file when the request is aborted or not read, without a cancel', async () => {
    const left = counted(1000, 100);
    const aborted = new AbortController();
    const response = await toFetch(left.view)(new Request(url, { signal: aborted.signal }));
    aborted.abort();
    expect(left.seen.closed).toBe(1);
    await expect(response.text()).rejects.toThrow('left');
    const stalled = counted(1000, 100);
    await toFetch(stalled.view, { idleTimeout: 20 })(new Request(url));
    await until(() => stalled.seen.closed === 1, 'the stalled one was closed');
    expect(stalled.seen.hooks.at(-1)).toEqual(['abort', 0]);
  });

  it('sends exactly the promised bytes: cuts a longer body, breaks a shorter one', async () => {
    const grown = counted(25, 100);
    expect((await (await toFetch(grown.view)(new Request(url))).arrayBuffer()).byteLength).toBe(25);
    expect({ closed: grown.seen.closed, lastHook: grown.seen.hooks.at(-1) }).toEqual({
      closed: 1,
      lastHook: ['complete', 25],
    });
    const onError = jest.fn();
    const short = counted(25, 2);
    await expect((await toFetch(short.view, { onError })(new Request(url))).arrayBuffer()).rejects.toThrow('early');
    expect({
      closed: short.seen.closed,
      lastHook: short.seen.hooks.at(-1),
      reports: onError.mock.calls.length,
    }).toEqual({ closed: 1, lastHook: ['abort', 20], reports: 1 });
    const endless = counted(undefined, 3);
    expect((await (await toFetch(endless.view)(new Request(url))).arrayBuffer()).byteLength).toBe(30);
  });

  it('opens nothing for HEAD', async () => {
    const { seen, view } = counted(1000, 100);
    const response = await toFetch(view)(new Request(url, { method: 'HEAD' }));
    expect({
      status: response.status,
      'content-length': response.headers.get('content-length'),
      body: response.body,
    }).toEqual({ status: 200, 'content-length': '1000', body: null });
    expect({ opened: seen.opened, hooks: seen.hooks }).toEqual({ opened: 0, hooks: [] });
  });

  it('answers failures with a text and reports them once', async () => {
    const onError = jest.fn();
    const serve = toFetch(
      downloadView(async () => null),
      { onError },
    );
    const response = await serve(new Request(url));
    expect({ status: response.status, text: await response.text() }).toEqual({ status: 404, text: 'Not Found\n' });
    expect((await serve(new Request(url, { method: 'PUT' }))).headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    expect(onError).toHaveBeenCalledTimes(2);
  });

  it('passes parameters and URL to the view', async () => {
    const signer = createSigner({ keys: [{ id: '1', secret: 'x'.repeat(32) }] });
    const view = downloadView<Request, unknown>(
      async ({ params }) => ({ subject: 0, file: () => virtualFile({ name: 'x', content: String(params.id) }) }),
      { signature: { signer } },
    );
    const signed = new URL(signer.sign('/é?b=c', { expiresIn: '1m' }), url);
    expect(await (await toFetch(view)(new Request(signed), { id: '7' })).text()).toBe('7');
    expect((await toFetch(view, { onError: () => undefined })(new Request(url))).status).toBe(403);
  });
});
