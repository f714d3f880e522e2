import { jest } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathView as pathDownloadView, type DownloadHandler } from 'filefield';
import { checkCase } from '../cases/check-case.js';
import { fileCases } from '../cases/file-cases.js';
import { pathCases, secretText, servedText } from '../cases/paths.js';
import { sourceKinds } from '../response/http-case-sources.js';
import { everyAdapter } from './every-adapter.js';
import { askServer, head, serve, talk, type RunningServer } from './server.js';

// Every adapter runs one kind of source, which can have all the times, tags and sizes of the cases; every kind of source
// runs on Node's own server.
const { view } = sourceKinds.disk!;
const base = mkdtempSync(path.join(tmpdir(), 'path-cases-'));
const root = path.join(base, 'public');
const names = Object.keys(everyAdapter);

beforeAll(() => {
  mkdirSync(path.join(root, 'sub'), { recursive: true });
  writeFileSync(path.join(base, 'secret.txt'), secretText);
  writeFileSync(path.join(root, 'file.bin'), servedText);
});
afterAll(() => rmSync(base, { recursive: true }));

describe.each(names)('the cases of HTTP, through %s', (name) => {
  let server: RunningServer;
  let current: DownloadHandler<unknown>;

  beforeAll(async () => {
    jest.spyOn(console, 'error').mockImplementation(() => undefined);
    server = await serve(everyAdapter[name]!.mount((request) => current(request)));
  });
  afterAll(() => server.close());

  it.each(fileCases)('$group: $title', async (one) => {
    current = await view(one.file);
    expect(await checkCase(one, (asked) => askServer(server.port, asked))).toEqual([]);
  });
});

describe.each(names)('the cases of paths, through %s', (name) => {
  const { param, mount } = everyAdapter[name]!;
  let server: RunningServer;

  beforeAll(async () => {
    server = await serve(mount(pathDownloadView({ root, path: (_request, params) => params[param] })));
  });
  afterAll(() => server.close());

  /** As it is written: a client would take `..` out of the path itself. */
  const get = async (raw: string) => {
    const client = await talk(server.port, head('GET', raw, { connection: 'close' }));
    await client.closed;
    const text = client.received().toString();
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text };
  };

  it.each(pathCases)('$title', async ({ path: target, status }) => {
    const reply = await get(target);
    expect(status).toContain(reply.status);
    expect(reply.text).not.toContain(secretText);
  });

  it('returns the file for its own name', async () => {
    expect((await get('/file.bin')).text.split('\r\n\r\n')[1]).toBe(servedText);
  });
});
