import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  caddyFileServer,
  pathView,
  storageView,
  virtualView,
  xAccelRedirect,
  xSendfile,
  type PathMapping,
} from 'filefield';
import * as onExpress from 'filefield/express';
import * as onFastify from 'filefield/fastify';
import * as onFetch from 'filefield/fetch';
import * as onKoa from 'filefield/koa';
import * as onNode from 'filefield/node';
import { toNode } from 'filefield/node';
import { expectDownload, runView, temporaryStorage, type ExpectedDownload } from 'filefield/testing';
import { serve } from '../adapters/server.js';

const view = virtualView(() => ({ name: 'Bericht „März“ 10%.txt', content: 'Grüße\n' }));
const right: Required<Omit<ExpectedDownload, 'range' | 'status'>> = {
  handedOver: false,
  name: 'Bericht „März“ 10%.txt',
  type: 'text/plain',
  disposition: 'attachment',
  text: 'Grüße\n',
  bytes: Buffer.from('Grüße\n'),
  headers: { 'Cache-Control': 'private, no-cache', 'content-length': /^8$/, 'content-range': null },
};
const wrong: readonly ExpectedDownload[] = [
  { status: 206 },
  { name: 'Bericht' },
  { type: 'text/html' },
  { type: 'text/plain; charset=ascii' },
  { disposition: 'inline' },
  { text: 'Grüße' },
  { bytes: Buffer.from('x') },
  { range: '0-3/8' },
  { headers: { 'cache-control': 'public' } },
  { headers: { 'content-length': null } },
  { headers: { etag: /./ } },
  { handedOver: { nginx: '/a' } },
];

describe('expectDownload', () => {
  it('accepts a result of runView, and rejects each wrong expectation', async () => {
    await expectDownload(await runView(view), right);
    await expectDownload(await runView(view), { type: 'text/plain; charset=utf-8' });
    for (const one of wrong) {
      await expect(expectDownload(await runView(view), one)).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
    }
  });

  it('accepts a response of fetch, and rejects each wrong expectation', async () => {
    const server = await serve((request, response) => void toNode(view)(request, response));
    const get = (range?: string) => fetch(`http://127.0.0.1:${server.port}/`, { headers: range ? { range } : {} });
    await expectDownload(await get(), right);
    await expectDownload(await get('bytes=0-1'), { text: 'Gr', range: '0-1/8' });
    for (const one of wrong) await expect(expectDownload(await get(), one)).rejects.toThrow();
    await server.close();
  });

  it.each([
    ['attachment', undefined],
    ['attachment; filename=plans.txt', 'plans.txt'],
    ['attachment; filename="a \\"b\\" \\\\c.txt"', 'a "b" \\c.txt'],
    ["inline; filename=x.txt; filename*=UTF-8''%E2%82%AC.txt", '€.txt'],
  ])('reads the name in %j', async (disposition, name) => {
    const headers = { 'content-disposition': disposition, 'x-content-type-options': 'nosniff' };
    const result = { status: 200, headers, body: Buffer.alloc(0) };
    await expectDownload(result, { ...(name !== undefined && { name }) });
    await expect(expectDownload(result, { name: 'other' })).rejects.toThrow('the name is');
  });
});

describe('runView', () => {
  it('resolves to the status of an error response, with the error', async () => {
    const missing = await runView(virtualView(() => null));
    expect(missing).toMatchObject({ status: 404, body: { byteLength: 0 }, error: { code: 'not_found' } });
    expect(await runView(view, { method: 'DELETE' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, OPTIONS' },
    });
    expect(await runView(view, { method: 'OPTIONS' })).toMatchObject({ status: 204 });
    const failing = () => Promise.reject(new Error('mine'));
    expect(await runView(failing)).toMatchObject({ status: 500, error: { message: 'mine' } });
  });

  it('passes headers in any case, parameters and a request to the view', async () => {
    const seen: unknown[] = [];
    const asking = virtualView<{ user: string }>((request, params) => {
      seen.push(request.user, params.id);
      return { name: 'x', content: '0123', etag: '"v1"' };
    });
    const result = await runView(asking, {
      raw: { user: 'me' },
      params: { id: '7' },
      headers: { 'If-None-Match': '"v1"' },
    });
    expect(result.status).toBe(304);
    expect(seen).toEqual(['me', '7']);
  });

  it('rejects when the source fails after its first byte', async () => {
    const content = function* () {
      yield 'a';
      throw new Error('gone');
    };
    await expect(runView(virtualView(() => ({ name: 'x', content })))).rejects.toThrow('gone');
  });
});

describe('temporaryStorage', () => {
  it('returns a storage whose files a delivery can hand over', async () => {
    const storage = await temporaryStorage();
    await storage.write('a.txt', Readable.from([Buffer.from('hello')]));
    const delivery = xAccelRedirect({ [storage.root]: '/_files' });
    const handed = await runView(storageView(storage, { name: 'a.txt', delivery }));
    const headers = { 'x-accel-redirect': '/_files/a.txt', etag: /^W\/"/ };
    await expectDownload(handed, { name: 'a.txt', type: 'text/plain', bytes: Buffer.alloc(0), headers });
    await expect(expectDownload(handed, { headers: { 'x-accel-redirect': '/_files/b.txt' } })).rejects.toThrow('a.txt');
    await storage.remove();
  });

  it('returns a storage that keeps objects until remove is called', async () => {
    const storage = await temporaryStorage();
    await storage.write('a.txt', Readable.from([Buffer.from('hello')]));
    await expectDownload(await runView(storageView(storage, { name: 'a.txt' })), { text: 'hello' });
    await storage.remove();
    await storage.remove();
    expect(existsSync(storage.root)).toBe(false);
  });
});

describe('a file that a server in front sends', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'handed-'));
  const name = 'März 10% #1.txt';
  writeFileSync(path.join(folder, name), 'x');
  afterAll(() => rmSync(folder, { recursive: true }));
  const mapping: PathMapping = { [folder]: '/_public' };
  const adapters = { onExpress, onFastify, onFetch, onKoa, onNode } as const;

  it.each(Object.keys(adapters) as (keyof typeof adapters)[])(
    'is asserted for handlers of every adapter without a server: %s',
    async (adapter) => {
      const ready = adapters[adapter].pathDownloadView as typeof onNode.pathDownloadView;
      const streamed = ready({ root: folder, path: name });
      await expectDownload(await runView(streamed), { handedOver: false, text: 'x', name });
      const delivery = xAccelRedirect(mapping, { limitRate: 1000 });
      for (const result of [
        await runView(ready({ root: folder, path: name, delivery })),
        // As `deliverWith` of an application does.
        await runView(streamed, { delivery }),
      ]) {
        await expectDownload(result, {
          handedOver: { nginx: `/_public/${name}` },
          headers: { 'x-accel-limit-rate': '1000' },
          name,
        });
        await expectDownload(result, { handedOver: { nginx: /^\/_public\/M%C3%A4rz/ } });
        for (const handedOver of [false, { apache: folder }, { nginx: `/_public/x` }, { nginx: /x$/ }] as const)
          await expect(expectDownload(result, { handedOver })).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
      }
    },
  );

  it('is asserted for each server', async () => {
    const file = { root: folder, path: name };
    const disk = path.join(folder, name);
    for (const [handedOver, delivery] of [
      [{ apache: disk }, xSendfile({ [folder]: folder }, { server: 'apache' })],
      [{ lighttpd: disk }, xSendfile({ [folder]: folder }, { server: 'lighttpd' })],
      [{ caddy: `/_public/${name}` }, caddyFileServer(mapping)],
    ] as const) {
      await expectDownload(await runView(pathView({ ...file, delivery })), { handedOver });
    }
  });
});
