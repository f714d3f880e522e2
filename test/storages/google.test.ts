import { Storage, type StorageOptions } from '@google-cloud/storage';
import { FileFieldError, type FileBody, type UrlOptions } from 'filefield';
import { GoogleCloudStorage, type GoogleCloudStorageOptions } from 'filefield/storages/google';
import { storageContract } from 'filefield/testing';
import { GoogleModel } from '../support/google-model.js';

const model = new GoogleModel('documents');
let apiEndpoint: string;
beforeAll(async () => {
  apiEndpoint = await model.start();
});
afterAll(() => model.stop());
beforeEach(() => {
  model.objects.clear();
  model.sessions.clear();
  model.requests.length = 0;
  model.fault = () => undefined;
});

const bucketWith = (options: StorageOptions = {}, name = 'documents') =>
  new Storage({
    apiEndpoint,
    projectId: 'project',
    credentials: model.account,
    retryOptions: { maxRetryDelay: 1 },
    ...options,
  }).bucket(name);
const make = (options: Partial<GoogleCloudStorageOptions> = {}) =>
  new GoogleCloudStorage({ bucket: bucketWith(), prefix: 'a/b', ...options });

describe('GoogleCloudStorage on a model of the JSON API, which is not Google', () => {
  describe('keeps the contract', () => {
    for (const claim of storageContract(() => make())) it(claim.title, claim.run);
  });

  describe('keeps the contract with objects in chunks', () => {
    for (const claim of storageContract(() => make({ chunkSize: '256 KiB' }), { large: '1 MiB' }))
      it(claim.title, claim.run);
  });

  const KiB256 = 256 * 1024;
  /** Bytes whose chunks differ, and do not divide a chunk of the upload. */
  async function* body(size: number, failAt = Infinity) {
    const chunk = Buffer.alloc(99_991);
    for (let position = 0; position < size; position += chunk.byteLength) {
      if (position >= failAt) throw new RangeError('the source failed');
      yield chunk.fill(position % 251).subarray(0, Math.min(chunk.byteLength, size - position));
    }
  }
  async function textOf(one: FileBody): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of one.stream()) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('latin1');
  }
  const small = (options: Partial<GoogleCloudStorageOptions> = {}) => make({ chunkSize: KiB256, ...options });
  const nothingLeft = () => expect([[...model.objects.keys()], model.sessions.size]).toEqual([[], 0]);

  it.each([
    [0, ['POST multipart']],
    [KiB256, ['POST multipart']],
    [KiB256 + 1, ['POST resumable', 'PUT session', 'PUT session']],
    [3 * KiB256 + 5, ['POST resumable', 'PUT session', 'PUT session', 'PUT session', 'PUT session']],
  ])('sends %d bytes by %j', async (size, operations) => {
    const info = await small().write('key', body(size));
    expect(model.operations).toEqual(operations);
    expect(model.requests[0]!.query.get('ifGenerationMatch')).toBe('0');
    expect(await small().stat('key')).toEqual(info);
  });

  it('keeps type, disposition, cache control, storage class and key of encryption', async () => {
    const kmsKeyName = 'projects/p/locations/l/keyRings/r/cryptoKeys/k';
    const storage = small({ cacheControl: 'private', storageClass: 'NEARLINE', kmsKeyName });
    for (const size of [10, KiB256 + 1]) {
      await storage.write(`k${size}.html`, body(size), { type: 'text/x', disposition: 'attachment' });
      expect(model.objects.get(`a/b/k${size}.html`)!.resource).toMatchObject({
        contentType: 'text/x',
        contentDisposition: 'attachment',
        cacheControl: 'private',
        storageClass: 'NEARLINE',
        kmsKeyName,
      });
    }
    await storage.write('guess.html', body(1));
    expect(model.objects.get('a/b/guess.html')!.resource['contentType']).toBe('application/octet-stream');
  });

  it('leaves neither object nor upload when it is aborted at any chunk or any request', async () => {
    const size = 2 * KiB256 + 9;
    for (let at = 0; at < 9; at += 1) {
      const controller = new AbortController();
      async function* aborting() {
        let index = 0;
        for await (const chunk of body(size)) {
          if (index === at) controller.abort();
          index += 1;
          yield chunk;
        }
        if (at >= index) controller.abort();
      }
      const write = small().write('aborted', aborting(), { signal: controller.signal });
      await expect(write).rejects.toMatchObject({ code: 'aborted' });
      nothingLeft();
    }
    for (const [bytes, most] of [
      [size, 4],
      [10, 1],
    ] as const) {
      for (let at = 1; at <= most; at += 1) {
        for (const late of [false, true]) {
          const controller = new AbortController();
          model.requests.length = 0;
          model.fault = async () => {
            if (model.requests.length !== at) return undefined;
            if (!late) controller.abort();
            await new Promise((done) => setTimeout(done, 5));
            controller.abort();
            return undefined;
          };
          const write = small().write('aborted', body(bytes), { signal: controller.signal });
          await expect(write).rejects.toMatchObject({ code: 'aborted' });
          nothingLeft();
        }
      }
    }
  });

  it('rejects with the error of a source that fails in the last chunk, and leaves nothing', async () => {
    const failing = small().write('failing', body(3 * KiB256, 2.5 * KiB256));
    await expect(failing).rejects.toMatchObject({ code: 'storage_failed', cause: new RangeError('the source failed') });
    nothingLeft();
    async function* refused() {
      yield* body(KiB256 + 1);
      throw new FileFieldError('too_large', 'The file is too large.');
    }
    await expect(small().write('failing', refused())).rejects.toMatchObject({ code: 'too_large' });
    nothingLeft();
  });

  it('lets one of many writes in chunks of one key succeed', async () => {
    const sizes = Array.from({ length: 8 }, (_size, index) => KiB256 + 1 + index);
    const settled = await Promise.allSettled(sizes.map((size) => small().write('contended', body(size))));
    const won = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.size] : []));
    expect(won).toEqual([(await small().stat('contended'))?.size]);
    for (const one of settled)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'already_exists' });
    expect(model.sessions.size).toBeLessThanOrEqual(1);
  });

  it('lists over many pages in the order of UTF-16, from any key', async () => {
    const folder = make({ prefix: 'list' });
    const names = ['a', 'a-b', 'a/b', 'b', 'é', '\uFF5E', '😀'].sort();
    for (const name of names) await folder.write(name, body(1));
    await make({ prefix: 'list-not' }).write('c', body(1));
    model.fault = ({ query }) => {
      if (query.has('maxResults')) query.set('maxResults', '2');
      return undefined;
    };
    for (const after of ['', ...names, 'a.', '\uFF5E!']) {
      const listed = [];
      for await (const { key, modified } of folder.list({ after })) {
        listed.push(key);
        expect(Math.abs(modified!.getTime() - Date.now())).toBeLessThan(600_000);
      }
      expect({ after, listed }).toEqual({ after, listed: names.filter((key) => key > after) });
    }
  });

  it('reads one body twice, of one generation: a replaced object fails instead', async () => {
    const text = async function* (value: string) {
      yield Buffer.from(value);
    };
    await make().write('version', text('ABCDE'));
    const one = await make().read('version', { start: 1, end: 3 });
    expect([await textOf(one), await textOf(one)]).toEqual(['BCD', 'BCD']);
    await make().delete('version');
    await make().write('version', text('VWXYZ'));
    await expect(textOf(one)).rejects.toMatchObject({ message: expect.stringContaining('replaced') as string });
    one.close();
    await expect(make().read('version', { start: 3, end: 9 })).rejects.toMatchObject({ code: 'incomplete' });
  });

  it('signs for the one method only, until it expires, for this object only, at most for seven days', async () => {
    await make().write('once', body(10));
    const options: UrlOptions = { method: 'GET', expiresIn: 60_000 };
    const url = await make().signedUrl('once', options);
    const short = await make().signedUrl('once', { ...options, expiresIn: 1_999 });
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(403);
    expect((await fetch(await make().signedUrl('once', { ...options, method: 'HEAD' }))).status).toBe(403);
    expect((await fetch(url.replace('once', 'other'))).status).toBe(403);
    const long = new URL(await make().signedUrl('once', { method: 'GET', expiresIn: 1e12 }));
    expect(Number(long.searchParams.get('X-Goog-Expires'))).toBeLessThanOrEqual(604_800);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect((await fetch(short)).status).toBe(403);
    expect((await fetch(url)).status).toBe(200);
  });

  it('has public URLs only with the option publicUrl, of the encoded key below the prefix', () => {
    expect(make().url).toBeUndefined();
    const { url } = make({ prefix: 'a b', publicUrl: 'https://files.example/x/' });
    expect(url!('c d/é#?%')).toBe('https://files.example/x/a%20b/c%20d/%C3%A9%23%3F%25');
  });

  it.each([
    ['no bucket', { bucket: undefined as never }],
    ['a prefix with an empty part', { prefix: 'a//b' }],
    ['a small chunk', { chunkSize: '1 KiB' as const }],
    ['a public URL without a protocol', { publicUrl: 'files.example' }],
  ])('refuses %s', (_what, options) => {
    expect(() => make(options)).toThrow(expect.objectContaining({ code: 'invalid_option' }) as Error);
  });

  it.each(['../outside', 'a//b', '', '.', 'a\0b'])('refuses the key %j in every method', async (key) => {
    const invalid = { code: 'invalid_key' };
    await expect(make().write(key, body(1))).rejects.toMatchObject(invalid);
    await expect(make().read(key)).rejects.toMatchObject(invalid);
    await expect(make().stat(key)).rejects.toMatchObject(invalid);
    await expect(make().delete(key)).rejects.toMatchObject(invalid);
    const url = (async () => make().signedUrl(key, { method: 'GET', expiresIn: 1 }))();
    await expect(url).rejects.toMatchObject(invalid);
  });

  it('tells a bucket that is missing from an object that is missing, in every method', async () => {
    const other = () => make({ bucket: bucketWith({}, 'no-such-bucket') });
    const missing = { code: 'storage_failed', message: expect.stringContaining('no such bucket') as string };
    await expect(other().write('a', body(1))).rejects.toMatchObject(missing);
    await expect(other().write('a', body(9_000_000))).rejects.toMatchObject(missing);
    await expect(other().read('a')).rejects.toMatchObject(missing);
    await expect(other().stat('a')).rejects.toMatchObject(missing);
    await expect(other().delete('a')).rejects.toMatchObject(missing);
    await expect(other().list().next()).rejects.toMatchObject(missing);
  });
});
