import path from 'node:path';
import {
  FileFieldError,
  virtualFile,
  xAccelRedirect,
  type ByteSize,
  type FileSource,
  type XAccelRedirectOptions,
} from 'filefield';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { ask, fileIn, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const delivery = xAccelRedirect({ [path.join(folder, 'files')]: '/_files' });
const inside = (name = 'a.html') => fileIn(path.join(folder, 'files'), name);

describe('xAccelRedirect', () => {
  it.each([
    ['a b.txt', 'a%20b.txt'],
    ['a%41.txt', 'a%2541.txt'],
    ['what?.txt', 'what%3F.txt'],
    ['a#b', 'a%23b'],
    ['a+b', 'a%2Bb'],
    ['a;b', 'a%3Bb'],
    ['é.txt', '%C3%A9.txt'],
    ['日本.txt', '%E6%97%A5%E6%9C%AC.txt'],
    ['🎉', '%F0%9F%8E%89'],
    [`"it's"`, "%22it's%22"],
    ['pct%2Fx', 'pct%252Fx'],
    ['deep/er/a', 'deep/er/a'],
    ['line\nbreak', 'line%0Abreak'],
    ['lone\ud800', 'lone%EF%BF%BD'],
  ])('encodes the name %j as %s', async (name, encoded) => {
    const answer = await ask(delivery, inside(name));
    expect(answer.headers['x-accel-redirect']).toBe(`/_files/${encoded}`);
  });

  it('sends no body, length or range, and the validators of the view, whatever the request', async () => {
    const headers = { range: 'bytes=0-1', 'if-none-match': '"other"', 'if-range': '"other"' };
    const answer = await ask(delivery, inside(), { headers });
    expect(answer).toMatchObject({ status: 200, open: null });
    expect(answer.headers).toEqual({
      'content-type': 'text/html; charset=utf-8',
      'content-disposition': 'attachment; filename=a.html',
      'cache-control': 'private, no-cache',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'x-accel-redirect': '/_files/a.html',
      etag: expect.stringMatching(/^W\/"/) as string,
      'last-modified': expect.stringMatching(/ GMT$/) as string,
    });
  });

  it.each<[string, Record<string, string>, number]>([
    ['If-None-Match has the tag', { 'if-none-match': '*' }, 304],
    ['If-Modified-Since is later', { 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' }, 304],
    ['If-Match has another tag', { 'if-match': '"other"' }, 412],
    ['If-Unmodified-Since is earlier', { 'if-unmodified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 412],
    ['If-Match is met, which nginx would refuse', { 'if-match': '*' }, 200],
  ])('leaves the answer to the view when %s', async (_what, headers, status) => {
    const answer = await ask(delivery, inside(), { headers });
    expect(answer.status).toBe(status);
    expect(answer.headers).not.toHaveProperty('x-accel-redirect');
    answer.close();
  });

  it('hands over HEAD, with Repr-Digest if the SHA-256 is known', async () => {
    const file: FileSource = { ...inside(), sha256: 'ab'.repeat(32) };
    const answer = await ask(delivery, file, { method: 'HEAD' });
    expect(answer.headers).toMatchObject({
      'x-accel-redirect': '/_files/a.html',
      'repr-digest': expect.stringMatching(/^sha-256=:/),
    });
  });

  // Open files are listed in /proc, which only Linux has.
  (process.platform === 'linux' ? it : it.skip)('opens no file (Linux only)', async () => {
    const before = descriptorsBelow(folder);
    const answer = await ask(delivery, inside());
    answer.close();
    expect(descriptorsBelow(folder)).toBe(before);
    expect(answer.headers).toHaveProperty('x-accel-redirect');
  });

  it.each<[string, FileSource, string]>([
    ['a file in another folder', fileIn(folder, 'other/a'), 'no_place'],
    ['a file in a folder whose name starts alike', fileIn(folder, 'files-evil/a'), 'no_place'],
    ['a file that is not on this machine', virtualFile({ name: 'x', content: 'x' }), 'no_path'],
    ['a file that is shorter than its source says', { ...inside(), size: 11 }, 'not_there'],
    ['a file that cannot be located', { ...inside(), locate: () => Promise.reject(new Error('EIO')) }, 'not_there'],
  ])('streams %s', async (_what, file, reason) => {
    const explaining = xAccelRedirect({ [path.join(folder, 'files')]: '/_files' }, { explain: true });
    const answer = await ask(explaining, file);
    expect(answer.open).not.toBeNull();
    expect(answer.headers).not.toHaveProperty('x-accel-redirect');
    expect(answer.headers['x-filefield-delivery']).toBe(`streamed; reason=${reason}`);
    answer.close();
  });

  it('streams a response with a Content-Encoding', async () => {
    const compressed = { status: 200, headers: { 'content-encoding': 'br' }, file: inside() };
    const explaining = xAccelRedirect({ [folder]: '/_files' }, { explain: true });
    const request = { method: 'GET', headers: {}, params: {}, raw: null };
    const { file, headers } = await explaining(async () => compressed)(request);
    expect(file).toBe(compressed.file);
    expect(headers).not.toHaveProperty('x-accel-redirect');
    expect(headers['x-filefield-delivery']).toBe('streamed; reason=encoded');
  });

  it('streams a file that is smaller than minSize', async () => {
    const from = (minSize: ByteSize) => xAccelRedirect({ [folder]: '/_files' }, { minSize, explain: true });
    const streamed = await ask(from('11 B'), inside());
    streamed.close();
    expect(streamed.headers['x-filefield-delivery']).toBe('streamed; reason=small');
    expect((await ask(from(10), inside())).headers['x-filefield-delivery']).toBe('nginx');
  });

  it('rejects with not_found when the file is missing', async () => {
    const gone = { ...inside(), locate: () => Promise.reject(new FileFieldError('not_found', 'gone')) };
    const missing = { ...gone, load: () => Promise.reject(new FileFieldError('not_found', 'gone')) };
    await expect(ask(delivery, missing)).rejects.toMatchObject({ code: 'not_found' });
  });

  it.each<[XAccelRedirectOptions, Record<string, string>]>([
    [{}, {}],
    [{ buffering: undefined, limitRate: undefined, charset: undefined, expires: undefined }, {}],
    [{ buffering: true }, { 'x-accel-buffering': 'yes' }],
    [{ buffering: false }, { 'x-accel-buffering': 'no' }],
    [{ limitRate: 1024 }, { 'x-accel-limit-rate': '1024' }],
    [{ limitRate: '500 KB' }, { 'x-accel-limit-rate': '500000' }],
    [{ limitRate: () => '1 KiB' }, { 'x-accel-limit-rate': '1024' }],
    [{ limitRate: false }, { 'x-accel-limit-rate': 'off' }],
    [{ limitRate: () => 5 }, { 'x-accel-limit-rate': '5' }],
    [{ limitRate: () => false }, { 'x-accel-limit-rate': 'off' }],
    [{ limitRate: () => undefined, buffering: true }, { 'x-accel-buffering': 'yes' }],
    [{ charset: 'utf-8' }, { 'x-accel-charset': 'utf-8' }],
    [{ charset: false }, {}],
    [{ expires: 90_000 }, { 'x-accel-expires': '90' }],
    [{ expires: '1h' }, { 'x-accel-expires': '3600' }],
    [{ expires: 0 }, { 'x-accel-expires': '0' }],
    [{ expires: false }, { 'x-accel-expires': 'off' }],
    [{ expires: new Date(1_700_000_000_999) }, { 'x-accel-expires': '@1700000000' }],
    [{ expires: new Date(-1) }, { 'x-accel-expires': '@0' }],
  ])('sends %j as %j, with files that are handed over and streamed', async (options, expected) => {
    for (const file of [inside(), virtualFile({ name: 'streamed.txt', content: 'x' })]) {
      const { headers, close } = await ask(xAccelRedirect({ [folder]: '/_files' }, options), file);
      const written = Object.entries(headers).filter(([name]) => /^x-accel-(?!redirect)/.test(name));
      expect(Object.fromEntries(written)).toEqual(expected);
      close();
    }
  });

  it('sends a charset with text only', async () => {
    const charsetOf = async (name: string) => {
      const file = virtualFile({ name, content: 'x' });
      const delivery = xAccelRedirect({ [folder]: '/_files' }, { charset: 'utf-8' });
      return (await ask(delivery, file)).headers['x-accel-charset'];
    };
    for (const name of ['a.txt', 'a.html', 'a.json', 'a.js'])
      expect([name, await charsetOf(name)]).toEqual([name, 'utf-8']);
    for (const name of ['a.png', 'a.pdf', 'a', 'a.zip'])
      expect([name, await charsetOf(name)]).toEqual([name, undefined]);
  });

  it.each<[XAccelRedirectOptions, RegExp]>([
    [{ limitRate: 0 }, /"limitRate" must be a size.*at least 1/],
    [{ limitRate: 1.5 }, /"limitRate" must be a size/],
    [{ limitRate: NaN }, /"limitRate" must be a size/],
    [{ minSize: -1 }, /"minSize" must be a size/],
    [{ charset: 'utf-8\r\nX-Other: 1' }, /charset/],
    [{ charset: '' }, /charset/],
    [{ expires: new Date(NaN) }, /date/],
    [{ expires: -1 }, /duration/],
    [{ remotes: { 'ftp://x': '/_x' } }, /http/],
    [{ remotes: { 'https://x/?a=b': '/_x' } }, /nothing after/],
    [{ remotes: { 'https://x': '_x' } }, /mapped to a path/],
  ])('throws invalid_option for %j', (options, message) => {
    expect(() => xAccelRedirect({ [folder]: '/_files' }, options)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
    );
  });

  it('names the signed URL of a file below the prefix of its remote', async () => {
    const requests: unknown[] = [];
    const url = async (options: unknown) => {
      requests.push(options);
      return 'https://s3.example/bucket/a%20b/../c%2Fd?X-Sig=a%2Fb&n=1';
    };
    const file: FileSource = { name: 'plan.pdf', size: 10, url, open: () => Promise.reject(new Error('opened')) };
    const remotes = { 'https://s3.example/buck': '/_wrong', 'https://s3.example/bucket/': '/_photos/' };
    const answer = await ask(xAccelRedirect({ [folder]: '/_files' }, { remotes }), file, { method: 'HEAD' });
    expect(answer.headers['x-accel-redirect']).toBe('/_photos/a%20b/../c%2Fd?X-Sig=a%2Fb&n=1');
    expect(answer.headers).not.toHaveProperty('etag');
    expect(requests).toEqual([
      {
        method: 'GET',
        expiresIn: 300_000,
        contentType: 'application/pdf',
        contentDisposition: 'attachment; filename=plan.pdf',
      },
    ]);
    const elsewhere = await ask(xAccelRedirect({ [folder]: '/_files' }, { explain: true }), file, { method: 'HEAD' });
    expect(elsewhere.headers['x-filefield-delivery']).toBe('streamed; reason=no_path');
  });
});
