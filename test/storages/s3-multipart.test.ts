import { createHash } from 'node:crypto';
import { FileFieldError } from 'filefield';
import { S3Storage, type S3StorageOptions } from 'filefield/storages/s3';
import { s3Client, TestBucket } from '../support/s3-bucket.js';
import { haveS3 } from '../support/signing-storage.js';

const reachable = await haveS3();
const part = 5 * 1024 * 1024;

(reachable ? describe : describe.skip)('S3Storage with objects in parts', () => {
  const { client, sockets } = s3Client();
  const bucket = new TestBucket(client);
  const make = (options: Partial<S3StorageOptions> = {}) =>
    new S3Storage({ client, bucket: bucket.name, prefix: 'parts', ...options });
  const storage = make();
  /** The commands that were sent since the test began, and what to do when one is sent or answered. */
  let sent: string[];
  let before: (command: string, count: number) => void;
  let after: (command: string, count: number) => void;
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        sent.push(commandName);
        const count = sent.filter((name) => name === commandName).length;
        before(commandName, count);
        const answer = await next(args);
        after(commandName, count);
        return answer;
      },
    { step: 'initialize' },
  );

  beforeAll(() => {
    reset();
    return bucket.create();
  });
  afterAll(() => {
    reset();
    return bucket.remove();
  });
  const reset = () => {
    sent = [];
    before = after = () => undefined;
  };
  beforeEach(reset);

  /** Bytes whose every mebibyte differs, in chunks that do not divide a part. */
  async function* body(size: number, failAt = Infinity) {
    const chunk = Buffer.alloc(999_983);
    for (let position = 0; position < size; position += chunk.byteLength) {
      if (position >= failAt) throw new RangeError('the source failed');
      yield chunk.fill(position % 251).subarray(0, Math.min(chunk.byteLength, size - position));
    }
  }
  async function digest(chunks: AsyncIterable<Uint8Array>): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of chunks) hash.update(chunk);
    return hash.digest('hex');
  }
  const expectNothing = async (key: string) => {
    reset();
    expect({ object: await storage.stat(key), unfinished: await bucket.unfinished() }).toEqual({
      object: null,
      unfinished: [],
    });
    expect(sockets()).toBe(0);
  };

  it('keeps more than three parts of a body of unknown length, and its type', async () => {
    const size = 3 * part + 1_234_567;
    const info = await storage.write('large', body(size), { type: 'video/mp4' });
    expect(sent.filter((name) => name === 'UploadPartCommand')).toHaveLength(4);
    expect(info).toEqual(await storage.stat('large'));
    expect(info.size).toBe(size);
    const whole = await storage.read('large');
    expect(await digest(whole.stream())).toBe(await digest(body(size)));
    const across = await storage.read('large', { start: part - 2, end: part + 1 });
    const chunks: Uint8Array[] = [];
    for await (const chunk of across.stream()) chunks.push(Buffer.from(chunk));
    // The sixth chunk has the bytes on both sides of the boundary.
    expect(Buffer.concat(chunks)).toEqual(Buffer.alloc(4, (5 * 999_983) % 251));
    expect(await bucket.unfinished()).toEqual([]);
    await storage.delete('large');
  });

  it.each([
    [part, ['PutObjectCommand']],
    [part + 1, ['UploadPartCommand', 'UploadPartCommand']],
  ])('sends %d bytes by %j', async (size, commands) => {
    await storage.write('boundary', body(size));
    expect(sent.filter((name) => /Put|Part/.test(name))).toEqual(commands);
    expect((await storage.stat('boundary'))?.size).toBe(size);
    await storage.delete('boundary');
  });

  const phases: [string, number][] = [
    ['HeadObjectCommand', 1],
    ['CreateMultipartUploadCommand', 1],
    ['UploadPartCommand', 1],
    ['UploadPartCommand', 2],
    ['HeadObjectCommand', 2],
    ['CompleteMultipartUploadCommand', 1],
  ];

  it.each(phases)('leaves neither object nor parts when it is aborted at %s %d', async (command, count) => {
    for (const delay of [undefined, 1]) {
      reset();
      const controller = new AbortController();
      before = (name, times) => {
        if (name !== command || times !== count) return;
        if (delay === undefined) controller.abort();
        else setTimeout(() => controller.abort(), delay);
      };
      const write = storage.write('aborted', body(part + 1), { signal: controller.signal });
      await expect(write).rejects.toMatchObject({ code: 'aborted' });
      await expectNothing('aborted');
    }
  });

  it('leaves neither object nor parts when the source fails in the last part, and rejects with its error', async () => {
    const failing = storage.write('failing', body(2 * part, part + 100_000));
    await expect(failing).rejects.toMatchObject({ code: 'storage_failed', cause: new RangeError('the source failed') });
    await expectNothing('failing');
    async function* refused() {
      yield* body(part + 1);
      throw new FileFieldError('too_large', 'The file is too large.');
    }
    await expect(storage.write('failing', refused())).rejects.toMatchObject({ code: 'too_large' });
    await expectNothing('failing');
  });

  it('rejects with the first error when a part fails, although the body stalls and the upload cannot be discarded', async () => {
    let attempts = 0;
    before = (name, count) => {
      if (name === 'UploadPartCommand') throw Object.assign(new Error('first'), { name: 'AccessDenied' });
      if (name === 'AbortMultipartUploadCommand' && count === 1) attempts += 1;
      if (attempts > 0) throw new Error('second');
    };
    async function* stalling() {
      yield* body(part + 1);
      await new Promise(() => undefined);
    }
    const write = storage.write('refused', stalling());
    await expect(write).rejects.toMatchObject({ code: 'storage_failed', cause: { message: 'first' } });
    expect(attempts).toBe(1);
    reset();
    expect(await bucket.unfinished()).toEqual(['parts/refused']);
  });

  it('refuses a key that is taken before it sends a part, and one that is taken meanwhile before it completes', async () => {
    await storage.write('taken', body(10));
    reset();
    const late = storage.write('taken', body(part + 1));
    await expect(late).rejects.toMatchObject({ code: 'already_exists' });
    expect(sent).toEqual(['HeadObjectCommand']);
    async function* racing() {
      yield* body(part + 1);
      await storage.write('raced', body(3));
    }
    await expect(storage.write('raced', racing())).rejects.toMatchObject({ code: 'already_exists' });
    expect((await storage.stat('raced'))?.size).toBe(3);
    expect((await bucket.unfinished()).filter((key) => key !== 'parts/refused')).toEqual([]);
  });

  it('recognises its own object when the answer to the last request is lost', async () => {
    after = (name) => {
      if (name === 'CompleteMultipartUploadCommand') throw Object.assign(new Error('lost'), { code: 'ECONNRESET' });
    };
    expect(await storage.write('lost', body(part + 1))).toMatchObject({ size: part + 1 });
    after = (name) => {
      if (name === 'PutObjectCommand') throw Object.assign(new Error('lost'), { code: 'ECONNRESET' });
    };
    expect(await storage.write('lost-small', body(7))).toMatchObject({ size: 7 });
  });

  it('sends no more parts at once than its option concurrency allows', async () => {
    let [running, most] = [0, 0];
    before = (name) => {
      if (name === 'UploadPartCommand') most = Math.max(most, (running += 1));
    };
    after = (name) => {
      if (name === 'UploadPartCommand') running -= 1;
    };
    await make({ concurrency: 1 }).write('one', body(2 * part + 1));
    expect(most).toBe(1);
  });

  it('refuses SHA-256 where the server does not confirm it, and leaves nothing', async () => {
    const failed = { code: 'storage_failed', message: expect.stringContaining('"md5"') as string };
    await expect(make({ checksum: 'sha256' }).write('sum', body(10))).rejects.toMatchObject(failed);
    await expect(make({ checksum: 'sha256' }).write('sum', body(part + 1))).rejects.toMatchObject(failed);
    reset();
    expect(await storage.stat('sum')).toBeNull();
    expect(await bucket.unfinished()).toEqual(['parts/refused']);
  });
});
