import { S3Client } from '@aws-sdk/client-s3';
import { isFileFieldError, type FileBody, type FileFieldError } from 'filefield';
import { S3Storage, type S3StorageOptions } from 'filefield/storages/s3';
import { errorXml, etagOf, FaultyS3, type Fault } from '../support/faulty-s3.js';

const server = new FaultyS3();
let client: S3Client;
let endpoint: string;
beforeAll(async () => {
  endpoint = await server.start();
  client = make();
});
afterAll(async () => {
  client.destroy();
  await server.stop();
});
beforeEach(() => {
  server.objects.clear();
  server.requests.length = 0;
  server.fault = () => undefined;
});

const credentials = { accessKeyId: 'k', secretAccessKey: 's' };
const make = (options = {}) =>
  new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials, ...options });
const storageWith = (options: Partial<S3StorageOptions> = {}) =>
  new S3Storage({ client, bucket: 'bucket', ...options });

async function* bytes(size: number, fill = 7) {
  yield Buffer.alloc(size, fill);
}
const pattern = Buffer.from(
  Uint8Array.from({ length: 1_000_000 }, (_byte, index) => (index * 31 + (index >> 8)) % 251),
);

async function collected(body: FileBody): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.stream()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Answers with an error as S3 does. */
const refuse =
  (status: number, code: string, times = Infinity): Fault =>
  (_request, response) => {
    times -= 1;
    if (times < 0) return undefined;
    response.writeHead(status, { 'content-type': 'application/xml' }).end(errorXml(code));
    return 'done';
  };

async function failureOf(work: Promise<unknown>): Promise<FileFieldError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!isFileFieldError(error)) throw new Error(`not a FileFieldError: ${String(error)}`);
  return error;
}

describe('an error of S3', () => {
  it.each([
    [400, 'ExpiredToken', 'storage_failed', 'have expired'],
    [403, 'RequestTimeTooSkewed', 'storage_failed', 'clock'],
    [403, 'AccessDenied', 'storage_failed', 's3:GetObject'],
    [403, 'InvalidAccessKeyId', 'storage_failed', 'access key'],
    [301, 'PermanentRedirect', 'storage_failed', 'another region'],
    [400, 'AuthorizationHeaderMalformed', 'storage_failed', 'another region'],
    [404, 'NoSuchBucket', 'storage_failed', 'no such bucket'],
    [404, 'NoSuchKey', 'not_found', 'no such object'],
    [416, 'InvalidRange', 'incomplete', 'ends before'],
    [403, 'QuotaExceeded', 'no_space', 'quota'],
    [507, 'InsufficientStorage', 'no_space', 'free space'],
    [400, 'EntityTooLarge', 'storage_failed', '5 TiB'],
    [400, 'KeyTooLongError', 'invalid_key', 'too long'],
    [400, 'BadDigest', 'storage_failed', 'other bytes'],
    [403, 'InvalidObjectState', 'storage_failed', 'restore'],
    [400, 'KMS.DisabledException', 'storage_failed', 'encryption key'],
    [418, 'NewError', 'storage_failed', '(NewError, 418)'],
  ])(
    '%d %s is %s and says what to do, without key or address',
    async (status, code, category, text) => {
      server.fault = refuse(status, code);
      const storage = storageWith();
      const read = await failureOf(storage.read('secret-key', { start: 0, end: 9 }));
      expect(read).toMatchObject({ code: category, context: { key: 'secret-key' } });
      expect(read.message).toContain(text);
      const write = await failureOf(storage.write('secret-key', bytes(10)));
      if (category !== 'not_found') expect(write.code).toBe(category);
      for (const { message } of [read, write]) expect(message).not.toMatch(/secret-key|bucket\/|127|http/);
    },
    20_000,
  );

  it.each([
    [503, 'SlowDown'],
    [500, 'InternalError'],
  ])('%d %s is tried again by the client, and then reported', async (status, code) => {
    const storage = storageWith();
    server.fault = refuse(status, code, 2);
    expect(await storage.write('busy', bytes(10))).toMatchObject({ size: 10 });
    expect(server.methods).toEqual(['PUT', 'PUT', 'PUT']);
    server.fault = refuse(status, code);
    const error = await failureOf(storage.read('busy'));
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(error.message).toContain('3 attempts');
    expect(error.message).toContain('try again later');
  });

  it('is one of the storage, not of the object, for a HEAD too', async () => {
    server.fault = refuse(403, 'AccessDenied');
    await expect(storageWith().stat('a')).rejects.toMatchObject({ code: 'storage_failed' });
    server.fault = refuse(503, 'SlowDown');
    await expect(storageWith({ client: make({ maxAttempts: 1 }) }).stat('a')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('try again later') as string,
    });
  });

  it('does not come from a size over 5 TiB: nothing is sent', async () => {
    const write = storageWith().write('large', bytes(1), { size: 2 ** 43 });
    await expect(write).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('5 TiB') as string,
    });
    expect(server.requests).toEqual([]);
  });
});

describe('a write to S3', () => {
  it('succeeds once if its answer is lost and the client sends it again', async () => {
    let lost = 0;
    server.fault = ({ method }, response, pass) => {
      if (method !== 'PUT' || lost > 0) return undefined;
      lost += 1;
      pass();
      response.socket!.destroy();
      return 'done';
    };
    expect(await storageWith().write('again', bytes(10))).toMatchObject({ size: 10 });
    expect(server.methods).toEqual(['PUT', 'PUT', 'HEAD']);
  });

  it('rejects with already_exists if the object of the retry is of another write', async () => {
    const storage = storageWith();
    await storage.write('other', bytes(3));
    server.fault = refuse(503, 'SlowDown', 1);
    await expect(storage.write('other', bytes(3))).rejects.toMatchObject({ code: 'already_exists' });
    server.fault = ({ method }, response) => {
      if (method !== 'PUT') return undefined;
      response.writeHead(409).end(errorXml('ConditionalRequestConflict'));
      return 'done';
    };
    await expect(storage.write('other', bytes(3))).rejects.toMatchObject({ code: 'already_exists' });
    await expect(storage.write('free', bytes(3))).rejects.toMatchObject({ code: 'storage_failed' });
  });

  it('looks before it writes once the server has said that it knows no conditions', async () => {
    const storage = storageWith();
    server.fault = ({ method, headers }, response) => {
      if (method !== 'PUT' || !headers['if-none-match']) return undefined;
      response.writeHead(501).end(errorXml('NotImplemented'));
      return 'done';
    };
    await storage.write('first', bytes(3));
    await expect(storage.write('first', bytes(4))).rejects.toMatchObject({ code: 'already_exists' });
    // The second HEAD asks once whether there is such a bucket.
    expect(server.methods).toEqual(['PUT', 'HEAD', 'HEAD', 'PUT', 'HEAD']);
    expect(server.objects.get('/bucket/first')?.bytes.byteLength).toBe(3);
  }, 20_000);

  it('sends no condition with conditionalWrites: false', async () => {
    const storage = storageWith({ conditionalWrites: false });
    await storage.write('plain', bytes(3));
    await expect(storage.write('plain', bytes(4))).rejects.toMatchObject({ code: 'already_exists' });
    expect(server.methods).toEqual(['HEAD', 'HEAD', 'PUT', 'HEAD']);
    expect(server.requests.some(({ headers }) => headers['if-none-match'])).toBe(false);
  });

  it('is undone if the server stored other bytes', async () => {
    server.fault = ({ method }, response) => {
      if (method !== 'PUT') return undefined;
      response.writeHead(200, { etag: `"${'0'.repeat(32)}"` }).end();
      return 'done';
    };
    await expect(storageWith().write('broken', bytes(3))).rejects.toMatchObject({ code: 'storage_failed' });
    expect(server.methods).toEqual(['PUT', 'DELETE']);
  });

  it('believes the entity-tag of an object that a key service encrypts', async () => {
    server.fault = (_request, response) => {
      const headers = { etag: `"${'0'.repeat(32)}"`, 'x-amz-server-side-encryption': 'aws:kms' };
      response.writeHead(200, headers).end();
      return 'done';
    };
    const encryption = { algorithm: 'aws:kms', key: 'key-1' } as const;
    await storageWith({ encryption, storageClass: 'STANDARD_IA' }).write('encrypted', bytes(3), { type: 'text/plain' });
    expect(server.requests[0]!.headers).toMatchObject({
      'content-md5': expect.stringMatching(/==$/) as string,
      'content-type': 'text/plain',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
      'x-amz-storage-class': 'STANDARD_IA',
    });
  });

  it('is verified by SHA-256 where the server confirms it, part by part', async () => {
    const storage = storageWith({ checksum: 'sha256' });
    await storage.write('small', bytes(3));
    await storage.write('large', bytes(5_300_000));
    const complete = server.requests.find(({ method, query }) => method === 'POST' && query.has('uploadId'))!;
    expect(complete.body.toString().match(/<ChecksumSHA256>[^<]{44}</g)).toHaveLength(2);
    expect(complete.headers['if-none-match']).toBe('*');
    expect(server.objects.get('/bucket/large')?.bytes.byteLength).toBe(5_300_000);
  });

  it('that is aborted does not wait for a server that hangs', async () => {
    const controller = new AbortController();
    server.fault = () => {
      setTimeout(() => controller.abort(), 10);
      return new Promise(() => undefined);
    };
    const start = Date.now();
    const write = storageWith().write('hanging', bytes(3), { signal: controller.signal });
    await expect(write).rejects.toMatchObject({ code: 'aborted' });
    expect(Date.now() - start).toBeLessThan(7_000);
  });
});

describe('a reader of S3', () => {
  const key = 'pattern';
  beforeEach(() => server.objects.set(`/bucket/${key}`, { bytes: pattern, headers: {} }));

  /** Cuts the connection after some bytes of the body of the first GETs. */
  const cut = (bytesBefore: number, times: number): Fault => {
    return ({ method, headers }, response) => {
      if (method !== 'GET' || times <= 0) return undefined;
      times -= 1;
      const [start, end] = (/\d+-\d+/.exec(headers.range ?? '')?.[0] ?? `0-${pattern.byteLength - 1}`)
        .split('-')
        .map(Number);
      response.writeHead(headers.range ? 206 : 200, {
        etag: etagOf(pattern),
        'content-length': end! - start! + 1,
        ...(headers.range && { 'content-range': `bytes ${start}-${end}/${pattern.byteLength}` }),
      });
      response.write(pattern.subarray(start, start! + bytesBefore), () =>
        setTimeout(() => response.socket!.destroy(), 5),
      );
      return 'done';
    };
  };

  it.each([undefined, { start: 1000, end: 900_000 }])(
    'goes on at the missing byte when the connection breaks, in the range %j',
    async (range) => {
      server.fault = cut(100_000, 4);
      const body = await storageWith().read(key, range);
      const expected = range ? pattern.subarray(range.start, range.end + 1) : pattern;
      expect((await collected(body)).equals(expected)).toBe(true);
      const gets = server.requests.filter(({ method }) => method === 'GET');
      expect(gets).toHaveLength(5);
      expect(gets.slice(1).every(({ headers }) => headers['if-match'] && headers.range)).toBe(true);
      expect(gets[1]!.headers.range).toBe(`bytes=${(range?.start ?? 0) + 100_000}-${range?.end ?? 999_999}`);
    },
  );

  it('never ends early: it fails when the connection breaks again and again without a byte', async () => {
    server.fault = cut(0, 3);
    const body = await storageWith().read(key);
    await expect(collected(body)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('does not go on with an object that was replaced', async () => {
    server.fault = cut(100_000, 1);
    const body = await storageWith().read(key);
    server.objects.set(`/bucket/${key}`, { bytes: Buffer.from(pattern).reverse(), headers: {} });
    await expect(collected(body)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('replaced') as string,
    });
  });

  it('keeps the connection for the next request when it has read everything', async () => {
    const fresh = make();
    const storage = storageWith({ client: fresh });
    const ports = new Set<number | undefined>();
    server.fault = (_request, response) => void ports.add(response.socket?.remotePort);
    for (let time = 0; time < 10; time += 1) await collected(await storage.read(key));
    expect(ports.size).toBe(1);
    fresh.destroy();
  });

  it('refuses an answer that is not the range', async () => {
    server.fault = ({ method }, response) => {
      if (method !== 'GET') return undefined;
      response.writeHead(200, { etag: '"1"', 'content-length': pattern.byteLength }).end(pattern);
      return 'done';
    };
    await expect(storageWith().read(key, { start: 5, end: 9 })).rejects.toMatchObject({ code: 'storage_failed' });
  });

  it('frees its socket when it stops, although the SDK verifies a checksum of the bytes', async () => {
    const large = Buffer.alloc(20_000_000);
    server.objects.set('/bucket/large', { bytes: large, headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } });
    const checked = make();
    const storage = storageWith({ client: checked });
    for await (const chunk of (await storage.read('large')).stream()) if (chunk.byteLength > 0) break;
    (await storage.read('large')).close();
    const open = server.sockets.size;
    for (let wait = 0; wait < 50 && server.sockets.size > 1; wait += 1)
      await new Promise((done) => setTimeout(done, 20));
    expect({ open, left: server.sockets.size <= 1 }).toMatchObject({ left: true });
    checked.destroy();
  });
});
