import { createHash } from 'node:crypto';
import { virtualFile, type FileSource } from '../../src/index.js';
import { reprDigest } from '../../src/http/digest.js';
import { respond } from '../../src/response/respond.js';

const content = '0123456789A';
const hash = createHash('sha256').update(content);
const sha256 = hash.copy().digest('hex');
const expected = `sha-256=:${hash.digest('base64')}:`;

describe('reprDigest', () => {
  it.each([
    undefined,
    '',
    'sha-256=1',
    'sha-256=10, sha-512=3',
    'sha-512=3,\tsha-256=5',
    'sha-256=1;x=2',
    'nonsense!',
    'sha-256',
  ])('returns the digest when Want-Repr-Digest is %j', (wanted) => expect(reprDigest(sha256, wanted)).toBe(expected));

  it.each(['sha-256=0', 'sha-512=10', 'md5=1', 'sha-256=5, sha-256=0'])(
    'returns undefined when Want-Repr-Digest is %j',
    (wanted) => {
      expect(reprDigest(sha256, wanted)).toBeUndefined();
    },
  );

  it.each([undefined, '', 'abc', 'g'.repeat(64), `${sha256}00`])('returns undefined when the hash is %j', (value) => {
    expect(reprDigest(value, undefined)).toBeUndefined();
  });
});

describe('respond', () => {
  const file: FileSource = { ...virtualFile({ name: 'x', content, etag: '"v1"' }), sha256 };
  const ask = async (headers: Record<string, string>, method = 'GET', of: FileSource = file) =>
    (await respond({ method, headers, params: {}, raw: null }, { status: 200, headers: {}, file: of })).headers;

  it.each([
    ['200', {}],
    ['206', { range: 'bytes=2-4' }],
    ['304', { 'if-none-match': '"v1"' }],
  ])('sends the digest of the whole file with a %s response', async (_status, headers) => {
    expect((await ask(headers as Record<string, string>))['repr-digest']).toBe(expected);
  });

  it('sends the digest for HEAD, and none for errors or without a known hash', async () => {
    expect((await ask({}, 'HEAD'))['repr-digest']).toBe(expected);
    expect((await ask({ 'if-match': '"x"' }))['repr-digest']).toBeUndefined();
    expect((await ask({ range: 'bytes=11-' }))['repr-digest']).toBeUndefined();
    // A proxy that compresses would make it false.
    const proxied = { 'x-forwarded-for': '1.2.3.4', 'accept-encoding': 'gzip, br' };
    expect((await ask(proxied))['repr-digest']).toBeUndefined();
    expect((await ask({ ...proxied, 'accept-encoding': 'identity' }))['repr-digest']).toBe(expected);
    expect((await ask({ 'accept-encoding': 'gzip' }))['repr-digest']).toBe(expected);
    expect((await ask({}, 'GET', virtualFile({ name: 'x', content })))['repr-digest']).toBeUndefined();
  });
});
