import { jest } from '@jest/globals';
import { downloadView, FileFieldError, virtualView, xAccelRedirect, localFile, type DownloadHandler } from 'filefield';
import { viewCheck } from 'filefield/health';
import path from 'node:path';
import { brokenLink } from './broken-link.js';

const content = Buffer.from(Uint8Array.from({ length: 200_000 }, (_byte, index) => index % 251));
const modified = new Date('2026-11-22T10:00:00Z');
const file = { name: 'a.bin', content, size: content.byteLength, modified };
const view = virtualView(() => file);
const linksOf = async (handler: DownloadHandler) =>
  (await viewCheck(handler).run()).links.map(({ link, ok }) => [link, ok]);

/** A check of a view that answers some requests with another handler. */
function spoilt(
  when: (method: string, headers: Readonly<Record<string, unknown>>) => boolean,
  instead: DownloadHandler,
) {
  const handler: DownloadHandler = (request) => (when(request.method, request.headers) ? instead : view)(request);
  return viewCheck(handler);
}

describe('viewCheck', () => {
  it('passes all four links of a view that works', async () => {
    expect(await linksOf(view)).toEqual(['get', 'head', 'range', 'conditional'].map((link) => [link, true]));
  });

  it('skips range and conditional for a view without Accept-Ranges and validators', async () => {
    async function* stream() {
      yield 'made while it is sent';
    }
    expect(await linksOf(virtualView(() => ({ name: 'a.txt', content: stream })))).toEqual([
      ['get', true],
      ['head', true],
    ]);
    expect(await linksOf(virtualView(() => ({ name: 'empty', content: '' })))).toEqual([
      ['get', true],
      ['head', true],
    ]);
  });

  it('skips range and conditional when the view hands over or redirects', async () => {
    const delivery = xAccelRedirect({ [path.resolve('src')]: '/_src' });
    const handed = downloadView(async () => ({ subject: 0, file: () => localFile('src/index.ts') }), { delivery });
    expect(await linksOf(handed)).toEqual([
      ['get', true],
      ['head', true],
    ]);
    const redirected: DownloadHandler = async () => ({ status: 302, headers: { location: '/x' }, file: null });
    expect(await linksOf(redirected)).toEqual([
      ['get', true],
      ['head', true],
    ]);
  });

  it('passes parameters, headers, URL and request to the view', async () => {
    const seen: unknown[] = [];
    const watched: DownloadHandler<{ user: number }> = async (request) => {
      seen.push([request.method, request.params, request.headers.authorization, request.url, request.raw]);
      return view(request);
    };
    const options = { params: { slug: 'handbook' }, headers: { Authorization: 'me' }, url: '/a?b', raw: { user: 7 } };
    expect((await viewCheck(watched, options).run()).ok).toBe(true);
    expect(seen).toEqual(
      ['GET', 'HEAD', 'GET', 'GET'].map((method) => [method, { slug: 'handbook' }, 'me', '/a?b', { user: 7 }]),
    );
  });

  it('calls no hook but onMissing', async () => {
    const hook = jest.fn();
    const hooks = { onStart: hook, onComplete: hook, onAbort: hook };
    expect((await viewCheck(virtualView(() => file, hooks)).run()).ok).toBe(true);
    expect(hook).not.toHaveBeenCalled();
    const onMissing = jest.fn();
    const gone = downloadView(async () => ({ subject: 0, file: () => localFile('/gone') }), { onMissing });
    expect((await brokenLink(viewCheck(gone))).link).toBe('get');
    expect(onMissing).toHaveBeenCalledTimes(1);
  });

  it('reads the beginning of a large file only, and closes it', async () => {
    let read = 0;
    let closed = 0;
    async function* huge() {
      try {
        for (; read < 1e9; read += 64 * 1024) yield Buffer.alloc(64 * 1024);
      } finally {
        closed += 1;
      }
    }
    const large = virtualView(() => ({ name: 'large', content: huge, size: 1e9 }));
    const { links } = await viewCheck(large).run();
    expect(links[0]).toMatchObject({ link: 'get', ok: true });
    expect(read).toBeLessThan(1e6);
    expect(closed).toBeGreaterThan(0);
  });

  it('fails at get with the status in its sentence and the error as its cause', async () => {
    const nothing = await brokenLink(viewCheck(downloadView(async () => null)));
    expect(nothing).toMatchObject({ link: 'get', error: { message: expect.stringMatching(/answers 404/) } });
    expect(nothing.error?.cause).toMatchObject({ code: 'not_found' });
    const cause = new Error('SELECT secret');
    const failing = await brokenLink(viewCheck(() => Promise.reject(cause)));
    expect(failing.error).toMatchObject({ cause, message: expect.not.stringMatching(/secret/) });
  });

  it('fails at get when the file is shorter than its length', async () => {
    async function* stream() {
      yield content.subarray(0, 100);
    }
    const short: DownloadHandler = async () => ({
      status: 200,
      headers: {},
      file: { name: 'a', size: 101, open: async () => ({ stream, close() {} }) },
    });
    expect(await brokenLink(viewCheck(short))).toMatchObject({ link: 'get' });
  });

  it('fails at head when HEAD differs from GET, or fails', async () => {
    const other = virtualView(() => ({ ...file, content: content.subarray(1), size: content.byteLength - 1 }));
    const check = spoilt((method) => method === 'HEAD', other);
    expect((await brokenLink(check)).error?.message).toBe('HEAD and GET differ in content-length, etag.');
    const refusing = spoilt(
      (method) => method === 'HEAD',
      downloadView(async () => null),
    );
    expect(await brokenLink(refusing)).toMatchObject({ link: 'head' });
  });

  it('fails at range when the part is wrong, or the request fails', async () => {
    const ranged = (_method: string, headers: Readonly<Record<string, unknown>>) => headers.range !== undefined;
    const shifted = virtualView(() => ({ ...file, content: Buffer.from(content).reverse() }));
    expect(await brokenLink(spoilt(ranged, shifted))).toMatchObject({ link: 'range' });
    const failing = spoilt(ranged, () => Promise.reject(new FileFieldError('storage_failed', 'no')));
    expect((await brokenLink(failing)).error?.message).toMatch(/answers 500 to a range/);
  });

  it('fails at conditional when the ETag changes with every response', async () => {
    let version = 0;
    const changing = virtualView(() => file, { etag: () => `"${version++ < 2 ? 0 : version}"` });
    expect(await brokenLink(viewCheck(changing))).toMatchObject({ link: 'conditional' });
  });
});
