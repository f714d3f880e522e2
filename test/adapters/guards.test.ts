import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathView, storageView, type DownloadHandler } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { everyAdapter } from './every-adapter.js';
import { askServer, serve, talk, type RunningServer } from './server.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'filefield-guards-'));
  await mkdir(path.join(root, 'private/deep'), { recursive: true });
  await writeFile(path.join(root, 'private/secret.txt'), 'secret');
  await writeFile(path.join(root, 'private/deep/secret.txt'), 'secret');
  await writeFile(path.join(root, 'grüße ~1.txt'), 'public');
});
afterAll(() => rm(root, { recursive: true }));

type Make = (
  path: (request: unknown, params: Readonly<Record<string, unknown>>) => string,
  any?: boolean,
) => DownloadHandler;
const views: Readonly<Record<string, Make>> = {
  pathView: (find, anyEncoding = false) => pathView({ root, path: find, anyEncoding }),
  storageView: (find, anyEncoding = false) => storageView(new DiskStorage({ root }), { name: find, anyEncoding }),
};

/** What a guard of `/private`, which compares the path as the client sent it, does not recognise. */
const detours = [
  '/private%2Fsecret.txt',
  '/private%2fsecret.txt',
  '/private%5Csecret.txt',
  '/private\\secret.txt',
  '/%70rivate/secret.txt',
  '/privat%65/secret.txt',
  '/%50rivate/secret.txt',
  '/public/../private/secret.txt',
  '/public/%2e%2e/private/secret.txt',
  '/./private/secret.txt',
  '/%2E/private/secret.txt',
  '//private/secret.txt',
  '/%2Fprivate/secret.txt',
  '/private%252Fsecret.txt',
  '/PRIVATE/secret.txt',
  '/private;a=b/secret.txt',
  '/private%00/secret.txt',
  '/private%20/secret.txt',
];

const dotSegment = /\/(\.|%2e){1,2}\//i;

describe.each(Object.entries(everyAdapter))('a guard of a path on %s', (name, { param, mount }) => {
  describe.each(Object.entries(views))('before a %s', (_view, make) => {
    const find = (_request: unknown, params: Readonly<Record<string, unknown>>) => {
      const value = params[param];
      return Array.isArray(value) ? (value as string[]).join('/') : (value as string);
    };

    let running: RunningServer;
    beforeAll(async () => void (running = await serve(mount(make(find) as never))));
    afterAll(() => running.close());

    // The URL of a fetch Request has no dot segments any more: its guards see the path behind them.
    const seen = name.startsWith('fetch') ? detours.filter((target) => !dotSegment.test(target)) : detours;

    it.each(seen)('is not passed by %s', async (target) => {
      // Sent as it is: a client would normalise it.
      const { closed, received } = await talk(
        running.port,
        `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      await closed;
      const reply = String(received());
      expect(reply).toMatch(/^HTTP\/1\.1 (400|404) /);
      expect(reply).not.toContain('secret');
    });

    it('lets pass what needs encoding, and with anyEncoding a slash too', async () => {
      for (const target of ['/gr%C3%BC%C3%9Fe%20~1.txt', '/gr%c3%bc%c3%9fe%20%7E1.txt?a=%2F']) {
        expect((await askServer(running.port, { path: target })).body.toString()).toBe('public');
      }
      const loose = await serve(mount(make(find, true) as never));
      expect((await askServer(loose.port, { path: '/private%2Fsecret.txt' })).body.toString()).toBe('secret');
      await loose.close();
    });
  });
});
