import { jest } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathView as pathDownloadView, type DownloadHandler } from 'filefield';
import { describeCases, fileCases, httpCases } from '../response/http-case.js';
import { httpCaseFaults } from '../response/http-case-faults.js';
import { sourceKinds } from '../response/http-case-sources.js';
import { everyAdapter } from './every-adapter.js';
import { askServer, head, serve, talk, type RunningServer } from './server.js';

// Every adapter runs one kind of source, which can have all the times, tags and sizes of the cases; every kind of source
// runs on Node's own server.
const { view } = sourceKinds.disk!;
const pathCases = httpCases((group) => group === 'path') ?? [];
const base = mkdtempSync(path.join(tmpdir(), 'path-cases-'));
const root = path.join(base, 'public');
const names = Object.keys(everyAdapter);

beforeAll(() => {
  mkdirSync(path.join(root, 'sub'), { recursive: true });
  writeFileSync(path.join(base, 'secret.txt'), 'SECRET');
  writeFileSync(path.join(root, 'file.bin'), pathCases[0]?.file.content ?? '');
});
afterAll(() => rmSync(base, { recursive: true }));

describeCases.each(names)('the shared cases of HTTP, through %s', (name) => {
  let server: RunningServer;
  let current: DownloadHandler<unknown>;
  let ran = 0;

  beforeAll(async () => {
    jest.spyOn(console, 'error').mockImplementation(() => undefined);
    server = await serve(everyAdapter[name]!.mount((request) => current(request)));
  });
  afterAll(() => server.close());

  it.each(fileCases ?? [])('$group $id: $name', async (one) => {
    current = await view(one.file);
    expect(await httpCaseFaults(one, (asked) => askServer(server.port, asked))).toEqual([]);
    ran += 1;
  });

  it(`ran all ${fileCases?.length} of them`, () => {
    expect(fileCases!.length).toBeGreaterThanOrEqual(147);
    expect(ran).toBe(fileCases!.length);
  });
});

describeCases.each(names)('the shared cases of paths, through %s', (name) => {
  const { param, mount } = everyAdapter[name]!;
  let server: RunningServer;
  let ran = 0;

  beforeAll(async () => {
    server = await serve(mount(pathDownloadView({ root, path: (_request, params) => params[param] })));
  });
  afterAll(() => server.close());

  /** As it is written: a client would take `..` out of the path itself. */
  const get = async (raw: string) => {
    const client = await talk(server.port, head('GET', raw, { connection: 'close' }));
    await client.closed;
    const reply = client.received().toString();
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(reply)?.[1]), reply };
  };

  it.each(pathCases)('$id: $name', async ({ request, expect: expected }) => {
    const { status, reply } = await get(request.path!);
    expect([expected.status].flat()).toContain(status);
    expect(reply).not.toContain(expected.notBody);
    ran += 1;
  });

  it(`ran all ${pathCases.length} of them, on a view that does serve`, async () => {
    expect((await get('/file.bin')).reply).toMatch(/\r\n\r\n0123456789A$/);
    expect(pathCases.length).toBeGreaterThanOrEqual(9);
    expect(ran).toBe(pathCases.length);
  });
});
