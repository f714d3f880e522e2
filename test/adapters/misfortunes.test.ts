import { jest } from '@jest/globals';
import type { RequestListener } from 'node:http';
import { downloadView, virtualFile, type DownloadHandler } from 'filefield';
import { toExpress } from 'filefield/express';
import { everyAdapter } from './every-adapter.js';
import { askServer, serve, talk, until, type RunningServer } from './server.js';

const missing = downloadView<unknown, string>(async () => null);
const failingHook = downloadView<unknown, string>(
  async () => ({ subject: 'a', file: () => virtualFile({ name: 'a.txt', content: 'a' }) }),
  {
    onStart: () => {
      throw new Error('the hook failed');
    },
  },
);
const reporters: Readonly<Record<string, (error: unknown) => unknown>> = {
  throws: () => {
    throw new Error('the logger failed');
  },
  rejects: () => Promise.reject(new Error('the logger failed')),
};

let logged: jest.SpiedFunction<typeof console.error>;
let running: RunningServer | undefined;
const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);

beforeAll(() => void process.on('unhandledRejection', note).on('warning', note));
afterAll(() => void process.off('unhandledRejection', note).off('warning', note));
beforeEach(() => {
  logged = jest.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  await new Promise((resolve) => setImmediate(resolve));
  jest.restoreAllMocks();
  expect(unhandled).toEqual([]);
});

describe.each(Object.entries(everyAdapter))('%s', (name, { mount }) => {
  const start = async (listener: RequestListener) => (running = await serve(listener)).port;

  it.each(Object.entries(reporters))('answers and goes on when its onError %s', async (_how, onError) => {
    for (const [view, status, error] of [
      [missing, 404, 'nothing to download'],
      [failingHook, 200, 'the hook failed'],
    ] as const) {
      logged.mockClear();
      const port = await start(mount(view as DownloadHandler, { onError: onError as () => void }));
      expect((await askServer(port)).status).toBe(status);
      await until(() => logged.mock.calls.length > 0, 'the failure was logged');
      const text = logged.mock.calls.flat().map(String).join(' ');
      expect(text).toContain('the logger failed');
      expect(text.toLowerCase()).toContain(error);
      await running?.close();
    }
  });

  it('breaks off a response that something else began, and tells it', async () => {
    // A fetch Request has no response that could be begun; Express is tested below, since it sets a header of its own.
    if (name.startsWith('fetch') || name.startsWith('Express')) return;
    const errors: unknown[] = [];
    const listener = mount(failingHook as DownloadHandler, { onError: (error) => errors.push(error) });
    const port = await start((request, response) => {
      response.write('half');
      setImmediate(() => listener(request, response));
    });
    const { closed, received } = await talk(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await closed;
    expect(String(received())).toContain('half');
    expect(errors).toMatchObject([{ code: 'invalid_option' }]);
  });

  it('answers 30 requests that arrive together on one connection, without a warning', async () => {
    const port = await start(mount(missing as DownloadHandler, { onError: () => undefined }));
    const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    const { closed, received } = await talk(
      port,
      request.repeat(29) + 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    await closed;
    expect(String(received()).match(/HTTP\/1\.1 404/g)).toHaveLength(30);
  });
});

it('toExpress works on a server that sets no app, such as connect', async () => {
  const errors: unknown[] = [];
  const view = toExpress(missing);
  running = await serve((request, response) =>
    view(request as never, response as never, (error?: unknown) => {
      errors.push(error);
      response.writeHead(404).end();
    }),
  );
  expect((await askServer(running.port)).status).toBe(404);
  expect(errors).toMatchObject([{ status: 404 }]);
});

it('toExpress tells the error handlers of a response that something else began', async () => {
  const errors: unknown[] = [];
  running = await serve((request, response) => {
    response.write('half');
    toExpress(failingHook)(request as never, response as never, (error?: unknown) => errors.push(error));
  });
  const { closed } = await talk(running.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await closed;
  expect(errors).toMatchObject([{ status: 500, cause: { code: 'invalid_option' } }]);
});
