import { jest } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import {
  downloadView,
  pathView,
  virtualFile,
  virtualView,
  xAccelRedirect,
  type DownloadEvent,
  type DownloadHandler,
} from 'filefield';
import { temporaryStorage } from 'filefield/testing';
import { everyAdapter } from './every-adapter.js';
import { askServer, serve, until, type RunningServer } from './server.js';

const folder = await temporaryStorage();

const file = pathView({ root: folder.root, path: () => 'secret-name.txt' });
const handed = pathView({
  root: folder.root,
  path: () => 'secret-name.txt',
  delivery: xAccelRedirect({ [folder.root]: '/_files' }),
});
const broken = downloadView(async () => ({
  subject: null,
  file: () =>
    virtualFile({
      name: 'a.txt',
      content: async function* () {
        yield 'begin';
        throw new Error('/srv/secret-name');
      },
    }),
}));
const endless = virtualView(() => ({
  name: 'a.bin',
  content: async function* () {
    for (;;) yield Buffer.alloc(65_536);
  },
}));
const views: Readonly<Record<string, DownloadHandler>> = { file, handed, broken, endless };

/** Every view by the route parameter; what is not a view of the package is `absent`. */
const handlerBy =
  (param: string): DownloadHandler =>
  (request) => {
    const view = views[String(request.params[param])];
    return (view ?? downloadView(async () => null))(request);
  };

describe.each(Object.entries(everyAdapter))('filefield:download on %s', (_name, { mount, param }) => {
  const events: DownloadEvent[] = [];
  const heard = (event: unknown) => void events.push(event as DownloadEvent);
  let server: RunningServer;

  beforeAll(async () => {
    await writeFile(path.join(folder.root, 'secret-name.txt'), '0123456789');
    server = await serve(mount(handlerBy(param), { onError: () => undefined }));
    subscribe('filefield:download', heard);
    // Hono's server prints the error of a body.
    jest.spyOn(console, 'error').mockImplementation(() => undefined);
  });
  afterAll(async () => {
    unsubscribe('filefield:download', heard);
    jest.restoreAllMocks();
    await server.close();
  });
  beforeEach(() => void events.splice(0));

  /** The one event of a request. */
  async function eventOf(at: string, headers: Record<string, string> = {}, method = 'GET'): Promise<DownloadEvent> {
    await askServer(server.port, { path: at, headers, method }).catch(() => undefined);
    await until(() => events.length > 0, 'the event');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(events).toHaveLength(1);
    const { milliseconds, ...event } = events[0]!;
    expect(milliseconds).toBeGreaterThanOrEqual(0);
    expect(JSON.stringify(event)).not.toMatch(/secret/);
    return event as DownloadEvent;
  }

  it('is published once per response, with what it was and how it ended', async () => {
    const event = { method: 'GET', view: 'path', status: 200, outcome: 'complete', bytes: 10 };
    expect(await eventOf('/file')).toEqual(event);
    events.splice(0);
    expect(await eventOf('/file', { range: 'bytes=2-4' })).toEqual({ ...event, status: 206, bytes: 3 });
    events.splice(0);
    expect(await eventOf('/file', {}, 'HEAD')).toEqual({ ...event, method: 'HEAD', bytes: 0 });
    events.splice(0);
    expect(await eventOf('/file', { 'if-none-match': '*' })).toEqual({ ...event, status: 304, bytes: 0 });
    events.splice(0);
    expect(await eventOf('/handed')).toEqual({ ...event, outcome: 'handed_over', bytes: 0 });
  });

  it('has the code of the error that ended it, before and after the first bytes', async () => {
    const failed = { method: 'GET', view: 'other', outcome: 'failed' };
    expect(await eventOf('/absent')).toEqual({ ...failed, status: 404, bytes: 0, code: 'not_found' });
    events.splice(0);
    expect(await eventOf('/broken')).toEqual({ ...failed, status: 200, bytes: 5, code: 'internal' });
  });

  it('is aborted when the client leaves', async () => {
    const request = http.get({ port: server.port, path: '/endless' }, (response) => {
      response.once('data', () => request.destroy());
      response.on('error', () => undefined);
    });
    request.on('error', () => undefined);
    await until(() => events.length > 0, 'the event');
    expect(events).toMatchObject([{ view: 'virtual', status: 200, outcome: 'aborted' }]);
  });
});

it('is not published without a subscriber, and a view needs no adapter', async () => {
  const server = await serve(everyAdapter['node:http']!.mount(handlerBy('path')));
  expect((await askServer(server.port, { path: '/file' })).status).toBe(200);
  await server.close();
});
afterAll(() => folder[Symbol.asyncDispose]());
