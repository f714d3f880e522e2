import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pathView, redirect, storageView, xAccelRedirect, type PathViewOptions } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { expectDownload, runView } from 'filefield/testing';

const base = mkdtempSync(path.join(tmpdir(), 'precompressed-'));
const root = path.join(base, 'public');
const page = '0123456789'.repeat(20);
const gzipped = page.replaceAll('0', 'z');

beforeAll(() => {
  mkdirSync(root);
  writeFileSync(path.join(root, 'page.html'), page);
  writeFileSync(path.join(root, 'page.html.gz'), gzipped);
  writeFileSync(path.join(root, 'page.html.br'), 'brotlied');
  mkdirSync(path.join(root, 'page.html.zst'));
  writeFileSync(path.join(root, 'gone.html.gz'), 'left');
  writeFileSync(path.join(root, 'linked.html'), 'plain');
  writeFileSync(path.join(base, 'secret.gz'), 'SECRET');
  symlinkSync(path.join(base, 'secret.gz'), path.join(root, 'linked.html.gz'));
});
afterAll(() => rmSync(base, { recursive: true }));

const get = (
  accept: string | undefined,
  headers: Record<string, string> = {},
  options: Partial<PathViewOptions<unknown>> = {},
) =>
  runView(pathView({ root, path: 'page.html', precompressed: ['br', 'gzip', 'zstd'], ...options }), {
    headers: { ...(accept !== undefined && { 'accept-encoding': accept }), ...headers },
  });
const own = { name: 'page.html', type: 'text/html; charset=utf-8' };

describe('precompressed copies', () => {
  it('are sent with the name and type of the original, and a length and tag of their own', async () => {
    const plain = await get(undefined);
    await expectDownload(plain, { ...own, text: page, headers: { vary: 'Accept-Encoding', 'content-encoding': null } });
    const brotli = await get('gzip, br');
    const encoded = { vary: 'Accept-Encoding', 'content-encoding': 'br', 'content-length': '8' };
    await expectDownload(brotli, { ...own, text: 'brotlied', headers: encoded });
    const gzip = await get('gzip');
    await expectDownload(gzip, { ...own, text: gzipped, headers: { 'content-encoding': 'gzip' } });
    const tags = [plain, brotli, gzip].map(({ headers }) => headers.etag);
    expect(new Set(tags).size).toBe(3);
  });

  it('have a tag of their own also with the option etag, and answer 304 and 412 by it', async () => {
    const etag = '"v1"';
    expect((await get('gzip', {}, { etag })).headers.etag).toBe('"v1-gzip"');
    expect((await get('br', {}, { etag: 'W/"v1"' })).headers.etag).toBe('W/"v1-br"');
    const fresh = await get('gzip', { 'if-none-match': '"v1-gzip"' }, { etag });
    expect({
      status: fresh.status,
      vary: fresh.headers.vary,
      'content-encoding': fresh.headers['content-encoding'],
    }).toEqual({ status: 304, vary: 'Accept-Encoding', 'content-encoding': undefined });
    expect((await get('br', { 'if-none-match': '"v1-gzip"' }, { etag })).status).toBe(200);
    expect((await get(undefined, { 'if-none-match': '"v1"' }, { etag })).headers.vary).toBe('Accept-Encoding');
    const failed = await get('gzip', { 'if-match': etag }, { etag });
    expect({ status: failed.status, 'content-encoding': failed.headers['content-encoding'] }).toEqual({
      status: 412,
      'content-encoding': undefined,
    });
  });

  it('support one range, and answer several with the whole copy', async () => {
    const part = await get('gzip', { range: 'bytes=0-1' });
    await expectDownload(part, { text: 'z1', range: '0-1/200', headers: { 'content-encoding': 'gzip' } });
    const beyond = await get('gzip', { range: 'bytes=200-' });
    expect({ status: beyond.status, 'content-encoding': beyond.headers['content-encoding'] }).toEqual({
      status: 416,
      'content-encoding': undefined,
    });
    await expectDownload(await get('gzip', { range: 'bytes=0-0,150-150' }), { text: gzipped });
    expect((await get(undefined, { range: 'bytes=0-0,150-150' })).status).toBe(206);
  });

  it('are skipped when missing, a folder, or a link out of the root', async () => {
    await expectDownload(await get('zstd'), { text: page });
    await expectDownload(await get('gzip', {}, { path: 'linked.html' }), {
      text: 'plain',
      headers: { vary: 'Accept-Encoding', 'content-encoding': null },
    });
    await expectDownload(await get('gzip', {}, { path: 'linked.html', symlinks: 'follow' }), { text: 'SECRET' });
  });

  it('are not served without their original, nor outside of the root', async () => {
    for (const below of ['gone.html', '../secret', 'page.html/', 'page.html/../page.html', '']) {
      expect((await get('gzip', {}, { path: below })).status).toBe(404);
    }
  });

  it('are used only with the option precompressed', async () => {
    const view = pathView({ root, path: 'page.html' });
    const reply = await runView(view, { headers: { 'accept-encoding': 'gzip' } });
    await expectDownload(reply, { text: page, headers: { vary: null } });
  });

  it('are never handed over by a delivery that hands over the original', async () => {
    for (const delivery of [xAccelRedirect({ [root]: '/_files' }), redirect()]) {
      await expectDownload(await get('gzip', {}, { delivery }), {
        text: gzipped,
        headers: { 'content-encoding': 'gzip', 'x-accel-redirect': null },
      });
    }
    const handed = await get(undefined, {}, { delivery: xAccelRedirect({ [root]: '/_files' }) });
    expect(handed.headers).toMatchObject({ 'x-accel-redirect': '/_files/page.html', vary: 'Accept-Encoding' });
  });

  it('are found in a storage', async () => {
    const storage = new MemoryStorage();
    const view = storageView(storage, { name: 'page.html', precompressed: ['gzip'] });
    const request = { headers: { 'accept-encoding': 'gzip' } };
    await storage.write('page.html.gz', Readable.from([Buffer.from(gzipped)]));
    expect((await runView(view, request)).status).toBe(404);
    await storage.write('page.html', Readable.from([Buffer.from('plain')]));
    await expectDownload(await runView(view, request), {
      ...own,
      text: gzipped,
      headers: { 'content-encoding': 'gzip' },
    });
    await expectDownload(await runView(view), { ...own, text: 'plain', headers: { vary: 'Accept-Encoding' } });
  });
});
