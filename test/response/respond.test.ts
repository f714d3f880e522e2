import type { FileSource } from '../../src/file/file.js';
import { parseTag } from '../../src/http/etag.js';
import { respond } from '../../src/response/respond.js';

const modified = new Date('2024-05-06T07:08:09.987Z');
const lastModified = 'Mon, 06 May 2024 07:08:09 GMT';
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-disposition': 'attachment',
  'cache-control': 'private, no-cache',
  'content-security-policy': 'sandbox',
  'x-content-type-options': 'nosniff',
};

function source(properties: Partial<FileSource> = {}) {
  const seen: string[] = [];
  const file: FileSource = {
    name: 'x',
    size: 11,
    modified,
    etag: '"v1"',
    open: async (range) => {
      seen.push(`open ${range ? `${range.start}-${range.end}` : 'all'}`);
      return { stream: async function* () {}, close: () => undefined };
    },
    close: () => seen.push('close'),
    ...properties,
  };
  return { file, seen };
}

const ask = (file: FileSource | null, requestHeaders: Record<string, string> = {}, method = 'GET', status = 200) =>
  respond({ method, headers: requestHeaders, params: {}, raw: null }, { status, headers, file });

describe('respond', () => {
  it('returns the head of the whole file and opens the file only on demand', async () => {
    const { file, seen } = source();
    const answer = await ask(file);
    expect(answer.status).toBe(200);
    expect(answer.headers).toEqual({
      ...headers,
      etag: '"v1"',
      'last-modified': lastModified,
      'accept-ranges': 'bytes',
      'content-length': '11',
    });
    expect(seen).toEqual([]);
    await answer.open?.();
    expect(seen).toEqual(['open all']);
  });

  it('opens only the range, with all headers of the whole file', async () => {
    const { file, seen } = source();
    const whole = (await ask(file)).headers;
    const answer = await ask(file, { range: 'bytes=2-4' });
    expect(answer.status).toBe(206);
    expect(answer.headers).toEqual({ ...whole, 'content-length': '3', 'content-range': 'bytes 2-4/11' });
    await answer.open?.();
    expect(seen).toEqual(['open 2-4']);
  });

  it('answers HEAD like GET without a body, and ignores its range', async () => {
    const { file } = source();
    const get = await ask(file);
    const head = await ask(file, { range: 'bytes=2-4' }, 'HEAD');
    expect({ status: head.status, headers: head.headers, open: head.open }).toEqual({
      status: 200,
      headers: get.headers,
      open: null,
    });
  });

  it('keeps caching and security headers on 304, and drops those of the body', async () => {
    const answer = await ask(source().file, { 'if-none-match': '"v1"', range: 'bytes=0-1' });
    expect({ status: answer.status, open: answer.open }).toEqual({ status: 304, open: null });
    expect(answer.headers).toEqual({
      'cache-control': 'private, no-cache',
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'nosniff',
      etag: '"v1"',
      'last-modified': lastModified,
    });
  });

  it.each([
    [412, { 'if-match': '"x"' }, {}],
    [416, { range: 'bytes=11-' }, { 'content-range': 'bytes */11' }],
  ])('answers %d without validators, caching or other headers of the file', async (status, requestHeaders, more) => {
    const answer = await ask(source().file, requestHeaders as Record<string, string>);
    expect({ status: answer.status, open: answer.open }).toEqual({ status, open: null });
    expect(answer.headers).toEqual({ 'x-content-type-options': 'nosniff', 'content-length': '0', ...more });
  });

  it('opens no body for an empty file', async () => {
    const answer = await ask(source({ size: 0 }).file, { range: 'bytes=0-' });
    expect({ status: answer.status, 'content-length': answer.headers['content-length'], open: answer.open }).toEqual({
      status: 200,
      'content-length': '0',
      open: null,
    });
  });

  it('sends neither Content-Length nor ranges for a file of unknown size', async () => {
    const answer = await ask(source({ size: undefined }).file, { range: 'bytes=0-1' });
    expect({
      status: answer.status,
      'accept-ranges': answer.headers['accept-ranges'],
      'content-length': answer.headers['content-length'],
    }).toEqual({ status: 200, 'accept-ranges': 'none', 'content-length': undefined });
    expect(answer.open).not.toBeNull();
  });

  it('limits Last-Modified to the present, and omits an invalid date', async () => {
    const future = await ask(source({ modified: new Date('2099-01-01') }).file);
    expect(Date.parse(future.headers['last-modified']!)).toBeLessThanOrEqual(Date.now());
    expect((await ask(source({ modified: new Date(NaN) }).file)).headers['last-modified']).toBeUndefined();
    expect((await ask(source({ modified: undefined }).file)).headers['last-modified']).toBeUndefined();
  });

  it('makes a weak tag of size and time for a file without a tag, and none without a time', async () => {
    expect((await ask(source({ etag: undefined }).file)).headers.etag).toMatch(/^W\/"b-[0-9a-f]+"$/);
    expect((await ask(source({ etag: undefined, modified: undefined }).file)).headers.etag).toBeUndefined();
  });

  it.each(['abc', 'w/"x"', '"x\r\ny"', '"日"', ''])('omits the invalid tag %j', async (etag) => {
    expect((await ask(source({ etag }).file)).headers.etag).toMatch(/^W\/"b-/);
  });

  it('answers with the loaded file, and closes it', async () => {
    const loaded = source();
    const lazy: FileSource = { ...source({ size: undefined }).file, load: async () => loaded.file };
    const answer = await ask(lazy, { 'if-none-match': '"v1"' });
    expect(answer.status).toBe(304);
    answer.close();
    expect(loaded.seen).toEqual(['close']);
  });

  it('rejects with the error of load', async () => {
    const lazy: FileSource = { ...source().file, load: () => Promise.reject(new Error('gone')) };
    await expect(ask(lazy)).rejects.toThrow('gone');
  });

  it('passes on a download without a file, or with another status than 200', async () => {
    const handedOff = await ask(null, { 'if-none-match': '*', range: 'bytes=0-1' });
    expect({ status: handedOff.status, headers: handedOff.headers, open: handedOff.open }).toEqual({
      status: 200,
      headers,
      open: null,
    });
    const { file, seen } = source();
    expect((await ask(file, {}, 'GET', 404)).open).toBeNull();
    expect(seen).toEqual(['close']);
  });

  it('answers OPTIONS with Allow and opens nothing', async () => {
    const { file, seen } = source();
    const answer = await ask(file, {}, 'OPTIONS');
    expect({ status: answer.status, headers: answer.headers, open: answer.open }).toEqual({
      status: 204,
      headers: { allow: 'GET, HEAD, OPTIONS' },
      open: null,
    });
    expect(seen).toEqual(['close']);
  });

  it('answers 304 to a request with no-cache, which is for caches only', async () => {
    const answer = await ask(source().file, {
      'if-none-match': '"v1"',
      'cache-control': 'no-cache',
      pragma: 'no-cache',
    });
    expect(answer.status).toBe(304);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'get'])('rejects the method %s', async (method) => {
    await expect(ask(source().file, {}, method)).rejects.toMatchObject({ code: 'method_not_allowed' });
  });

  it.each([
    ['1970-01-01T00:00:00.000Z', 'Thu, 01 Jan 1970 00:00:00 GMT'],
    ['1969-12-31T23:59:58.500Z', 'Wed, 31 Dec 1969 23:59:58 GMT'],
    ['0001-01-01T00:00:00.000Z', 'Mon, 01 Jan 0001 00:00:00 GMT'],
  ])('sends the time %s, and answers 304 for it', async (time, sent) => {
    const { file } = source({ modified: new Date(time), etag: undefined });
    const { headers } = await ask(file);
    expect(headers['last-modified']).toBe(sent);
    expect(parseTag(headers.etag!)?.weak).toBe(true);
    const requestHeaders: [string, string, number][] = [
      ['if-modified-since', sent, 304],
      ['if-unmodified-since', sent, 200],
      ['if-none-match', headers.etag!, 304],
    ];
    for (const [name, value, status] of requestHeaders)
      expect((await ask(file, { [name]: value })).status).toBe(status);
    expect((await ask(file, { range: 'bytes=0-0', 'if-range': sent })).status).toBe(206);
  });

  it.each([new Date(NaN), new Date(-62_135_596_800_001), new Date(-8.64e15)])(
    'counts the time %p, which no header can carry, as unknown',
    async (modified) => {
      const { headers } = await ask(source({ modified, etag: undefined }).file, { 'if-modified-since': lastModified });
      expect(headers).not.toHaveProperty('last-modified');
      expect(headers).not.toHaveProperty('etag');
    },
  );

  it.each([new Date(253_402_300_800_000), new Date(8.64e15)])(
    'sends the time now for %p, which is to come',
    async (modified) => {
      const { headers } = await ask(source({ modified }).file);
      expect(Math.abs(Date.parse(headers['last-modified']!) - Date.now())).toBeLessThan(5_000);
    },
  );

  it.each([NaN, -1, 1.5, Infinity, 2 ** 53])('treats the impossible size %p as unknown', async (size) => {
    const answer = await ask(source({ size, etag: undefined }).file, { range: 'bytes=0-1' });
    expect({
      status: answer.status,
      'content-length': answer.headers['content-length'],
      etag: answer.headers.etag,
    }).toEqual({ status: 200, 'content-length': undefined, etag: undefined });
    expect(answer.headers['accept-ranges']).toBe('none');
  });

  it('sends the largest safe integer as Content-Length', async () => {
    const size = Number.MAX_SAFE_INTEGER;
    const { file } = source({ size });
    expect((await ask(file)).headers['content-length']).toBe('9007199254740991');
    const end = await ask(file, { range: 'bytes=-1' });
    expect(end.headers['content-range']).toBe('bytes 9007199254740990-9007199254740990/9007199254740991');
  });
});
