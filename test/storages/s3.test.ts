import type { FileBody, UrlOptions } from 'filefield';
import { S3Storage } from 'filefield/storages/s3';
import { storageContract } from 'filefield/testing';
import { s3Client, TestBucket } from '../support/s3-bucket.js';
import { haveS3, s3 } from '../support/signing-storage.js';

const reachable = await haveS3();

async function* bytes(size: number, fill = 7) {
  yield Buffer.alloc(size, fill);
}

async function textOf(body: FileBody): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.stream()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

(reachable ? describe : describe.skip)('S3Storage', () => {
  const { client, sockets } = s3Client();
  /** Bytes of objects that the server has sent. */
  let bytesRead = 0;
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const answer = await next(args);
        if (commandName === 'GetObjectCommand') bytesRead += (answer.output as { ContentLength: number }).ContentLength;
        return answer;
      },
    { step: 'initialize' },
  );
  const bucket = new TestBucket(client);
  const storage = new S3Storage({ client, bucket: bucket.name });
  beforeAll(() => bucket.create());
  afterAll(() => bucket.remove());

  /** A client that lists a few objects per request. */
  function paged(MaxKeys: number) {
    const { client } = s3Client();
    let pages = 0;
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName !== 'ListObjectsV2Command') return next(args);
          pages += 1;
          return next({ ...args, input: { ...args.input, MaxKeys } });
        },
      { step: 'initialize' },
    );
    return { client, pages: () => pages };
  }

  describe('in the whole bucket', () => {
    // Ceph ignores the condition by which S3 refuses to complete a second upload of one key.
    const race = 'lets exactly one of several simultaneous writes of one large object succeed';
    const claims = storageContract(() => storage, { large: '16 MiB', held: sockets, bytesRead: () => bytesRead });
    for (const claim of claims.filter(({ title }) => title !== race)) it(claim.title, claim.run);
  });

  describe('of one request per object', () => {
    const one = new S3Storage({ client: paged(10).client, bucket: bucket.name, prefix: 'one', partSize: '8 MiB' });
    for (const claim of storageContract(() => one, { large: '6 MiB' })) it(claim.title, claim.run);
  });

  describe('in a folder, with the checksums of the SDK', () => {
    const { client: other } = s3Client({
      requestChecksumCalculation: undefined,
      responseChecksumValidation: undefined,
    });
    const folder = new S3Storage({ client: other, bucket: bucket.name, prefix: 'é f/g+h' });
    afterAll(() => other.destroy());
    for (const claim of storageContract(() => folder)) it(claim.title, claim.run);
  });

  describe('list', () => {
    const names = ['a b', 'a%2Fb', 'a&b', 'a+b', 'a/b', 'é', '日本', '～', '😀', '😀/a', '～/b', 'z'];

    it('lists every object once across pages, whatever characters end a page, and none outside the folder', async () => {
      const { client: three, pages } = paged(3);
      const folder = new S3Storage({ client: three, bucket: bucket.name, prefix: 'list/x' });
      const neighbours = new S3Storage({ client, bucket: bucket.name, prefix: 'list' });
      for (const name of names) await folder.write(name, bytes(1));
      for (const name of ['x-y', 'x0', 'w']) await neighbours.write(name, bytes(1));
      const keys = [...names].sort();
      for (const after of ['', 'a+b', '～', '😀', 'zz']) {
        const listed = [];
        for await (const { key, modified } of folder.list({ after })) {
          listed.push(key);
          expect(Math.abs(modified!.getTime() - Date.now())).toBeLessThan(600_000);
        }
        expect({ after, listed }).toEqual({ after, listed: keys.filter((key) => key > after) });
      }
      expect(pages()).toBeGreaterThan(8);
    });

    it('asks for no page that is not read', async () => {
      const { client: three, pages } = paged(3);
      const folder = new S3Storage({ client: three, bucket: bucket.name, prefix: 'list/few' });
      for (const name of ['a', 'b', 'c', 'd']) await folder.write(name, bytes(1));
      for await (const { key } of folder.list()) if (key === 'b') break;
      expect(pages()).toBe(1);
    });
  });

  describe('signedUrl', () => {
    const base: UrlOptions = { method: 'GET', expiresIn: 60_000 };

    it.each(['plain.txt', 'a b', '100%', 'a%2Fb', 'what?', 'a#b', 'a+b&c=d;e', `"it's" (1)!*`, 'é 日本 🎉/deep/er'])(
      'returns a URL of %j with the type and disposition that were asked for',
      async (name) => {
        const key = `signed/${name}`;
        await storage.write(key, bytes(1000), { type: 'text/html' });
        const given = {
          contentType: 'text/plain; charset=utf-8',
          contentDisposition: `attachment; filename*=UTF-8''%C3%A9`,
        };
        const got = await fetch(await storage.signedUrl(key, { ...base, ...given }));
        expect([got.status, (await got.arrayBuffer()).byteLength]).toEqual([200, 1000]);
        expect(got.headers.get('content-type')).toBe(given.contentType);
        expect(got.headers.get('content-disposition')).toBe(given.contentDisposition);
        const head = await fetch(await storage.signedUrl(key, { ...base, ...given, method: 'HEAD' }), {
          method: 'HEAD',
        });
        expect([head.status, head.headers.get('content-length')]).toEqual([200, '1000']);
        expect(head.headers.get('content-disposition')).toBe(given.contentDisposition);
      },
    );

    it('allows the one method only, until it expires, for this object only', async () => {
      await storage.write('signed/once', bytes(10));
      const url = await storage.signedUrl('signed/once', { ...base, expiresIn: 1_999 });
      expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('1');
      expect((await fetch(url, { method: 'HEAD' })).status).toBe(403);
      expect((await fetch(url.replace('once', 'other'))).status).toBe(403);
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect((await fetch(url)).status).toBe(403);
    });

    it('never signs for more than seven days', async () => {
      const url = await storage.signedUrl('signed/long', { ...base, expiresIn: 1e10 });
      expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('604800');
    });
  });

  it('has public URLs only with the option publicUrl, of the encoded key below the prefix', () => {
    const options = { client, bucket: bucket.name, prefix: '/a b/'.slice(1), publicUrl: 'https://files.example/x/' };
    expect(storage.url).toBeUndefined();
    expect(new S3Storage(options).url!('c d/é#?%')).toBe('https://files.example/x/a%20b/c%20d/%C3%A9%23%3F%25');
    expect(() => new S3Storage(options).url!('../x')).toThrow(
      expect.objectContaining({ code: 'invalid_key' }) as Error,
    );
  });

  it.each([
    ['no client', { client: undefined as never }],
    ['no bucket', { bucket: '' }],
    ['a prefix with an empty part', { prefix: 'a//b' }],
    ['a prefix that leaves the bucket', { prefix: '../b' }],
    ['a long prefix', { prefix: Array(4).fill('x'.repeat(130)).join('/') }],
    ['a small part', { partSize: '4 MiB' as const }],
    ['no part at once', { concurrency: 0 }],
    ['another checksum', { checksum: 'crc' as never }],
    ['a public URL without a protocol', { publicUrl: 'files.example' }],
    ['a public URL with a query', { publicUrl: 'https://files.example/?a' }],
  ])('refuses %s', (_what, options) => {
    expect(() => new S3Storage({ client, bucket: 'b', ...options })).toThrow(
      expect.objectContaining({ code: 'invalid_option' }) as Error,
    );
  });

  it.each(['../outside', '/etc/passwd', 'a//b', '', '.', 'a\0b'])('refuses the key %j in every method', async (key) => {
    const invalid = { code: 'invalid_key' };
    await expect(storage.write(key, bytes(1))).rejects.toMatchObject(invalid);
    await expect(storage.read(key)).rejects.toMatchObject(invalid);
    await expect(storage.stat(key)).rejects.toMatchObject(invalid);
    await expect(storage.delete(key)).rejects.toMatchObject(invalid);
    await expect(storage.signedUrl(key, { method: 'GET', expiresIn: 1 })).rejects.toMatchObject(invalid);
  });

  it('frees the socket of a reader that stops, is closed, or is closed unread', async () => {
    await storage.write('sockets', bytes(4_000_000));
    for (let time = 0; time < 60; time += 1) {
      const left = await storage.read('sockets');
      if (time % 3 === 0) for await (const chunk of left.stream()) if (chunk.byteLength > 0) break;
      if (time % 3 !== 0) left.close();
    }
    const half = await storage.read('sockets');
    const chunks = half.stream()[Symbol.asyncIterator]();
    await chunks.next();
    half.close();
    const rest = (async () => {
      while (!(await chunks.next()).done);
    })();
    await expect(rest).rejects.toMatchObject({ code: 'aborted' });
    await expect(half.stream()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'aborted' });
    for (let wait = 0; wait < 50 && sockets() > 0; wait += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sockets()).toBe(0);
  });

  it('reads one body twice, of one version: a replaced object fails instead', async () => {
    await storage.write('version', bytes(5, 65));
    const body = await storage.read('version', { start: 1, end: 3 });
    expect([await textOf(body), await textOf(body)]).toEqual(['AAA', 'AAA']);
    await storage.delete('version');
    await storage.write('version', bytes(5, 66));
    await expect(textOf(body)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('replaced'),
    });
    body.close();
  });

  it('keeps all of twenty simultaneous writes of one key from each other, in one request or in parts', async () => {
    const sizes = Array.from({ length: 20 }, (_size, index) => 1000 + index);
    const settled = await Promise.allSettled(sizes.map((size) => storage.write('contended', bytes(size))));
    const won = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.size] : []));
    expect(won).toEqual([(await storage.stat('contended'))?.size]);
    const large = await storage.write('contended', bytes(6_000_000)).catch((error: unknown) => error);
    expect(large).toMatchObject({ code: 'already_exists' });
  });

  describe('a wrong configuration', () => {
    const failed = (text: string, code = 'storage_failed') => ({
      code,
      message: expect.stringContaining(text) as string,
    });
    const wrong = async (other: S3Storage, text: string, blind = text, code = 'storage_failed') => {
      await expect(other.write('a/secret', bytes(1))).rejects.toMatchObject(failed(text, code));
      await expect(other.read('a/secret')).rejects.toMatchObject(failed(text, code));
      await expect(other.list().next()).rejects.toMatchObject(failed(text, code));
      // A HEAD is answered without a reason.
      await expect(other.stat('a/secret')).rejects.toMatchObject(failed(blind, code));
    };

    it('of the bucket is told from a missing object', async () => {
      const other = new S3Storage({ client, bucket: 'no-such-bucket' });
      await wrong(other, 'no such bucket');
      await expect(other.delete('a')).rejects.toMatchObject(failed('no such bucket'));
    });

    it('of the secret and of the access key says what to check', async () => {
      for (const [accessKeyId, secretAccessKey] of [
        [s3.accessKey, 'wrong'],
        ['WRONG', 'wrong'],
      ] as const) {
        const { client: other } = s3Client({ credentials: { accessKeyId, secretAccessKey } });
        await wrong(new S3Storage({ client: other, bucket: bucket.name }), 'check the access key', 'credentials');
      }
    });

    it('of the clock says so', async () => {
      const { client: other } = s3Client({ systemClockOffset: 3_600_000, maxAttempts: 1 });
      const skewed = new S3Storage({ client: other, bucket: bucket.name });
      await expect(skewed.read('a')).rejects.toMatchObject(failed('clock'));
    });

    it('of the endpoint says that no answer came', async () => {
      const { client: other } = s3Client({ endpoint: 'http://127.0.0.1:1', maxAttempts: 1 });
      await wrong(new S3Storage({ client: other, bucket: bucket.name }), 'endpoint', 'endpoint', 'unavailable');
    });
  });
});
