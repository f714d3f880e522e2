import { Storage, type StorageOptions } from '@google-cloud/storage';
import { isFileFieldError, type FileBody, type FileFieldError } from 'filefield';
import { GoogleCloudStorage } from 'filefield/storages/google';
import { failure, GoogleModel, type GoogleFault, type GoogleRequest } from '../support/google-model.js';

const chunkSize = 256 * 1024;
const model = new GoogleModel('documents');
const pattern = Buffer.from(
  Uint8Array.from({ length: 1_000_000 }, (_byte, index) => (index * 31 + (index >> 8)) % 251),
);
let apiEndpoint: string;
let storage: GoogleCloudStorage;
const make = (options: StorageOptions = {}, size = chunkSize) => {
  const retryOptions = { maxRetries: 1, maxRetryDelay: 1, ...options.retryOptions };
  const client = new Storage({ apiEndpoint, projectId: 'p', credentials: model.account, ...options, retryOptions });
  return new GoogleCloudStorage({ bucket: client.bucket('documents'), chunkSize: size });
};
beforeAll(async () => {
  apiEndpoint = await model.start();
  storage = make();
});
afterAll(() => model.stop());
beforeEach(() => {
  model.fault = () => undefined;
  model.objects.clear();
  model.sessions.clear();
  model.requests.length = 0;
});

async function* bytes(size: number, fill = 7) {
  for (let left = size; left > 0; left -= 65_536) yield Buffer.alloc(Math.min(65_536, left), fill);
}
async function* bytesOf(buffer: Buffer) {
  yield buffer;
}
async function collected(body: FileBody): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.stream()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
async function failureOf(work: Promise<unknown>): Promise<FileFieldError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!isFileFieldError(error)) throw new Error(`not a FileFieldError: ${String(error)}`);
  return error;
}
const refuse =
  (status: number, reason: string, times = Infinity, method?: string): GoogleFault =>
  (request, response) => {
    if (method !== undefined && request.method !== method) return undefined;
    times -= 1;
    if (times < 0) return undefined;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(failure(status, reason)));
    return 'done';
  };
const until = async (holds: () => boolean) => {
  for (let wait = 0; wait < 500 && !holds(); wait += 1) await new Promise((done) => setTimeout(done, 20));
  expect(holds()).toBe(true);
};
/** Idle connections, which the SDK keeps for later requests, do not count. */
const noSockets = async () => {
  await until(() => {
    model.closeIdle();
    return model.sockets.size === 0;
  });
};
/** Lets requests wait for an answer until `go` is called. */
const stall = (stalled: (request: GoogleRequest) => boolean = () => true) => {
  let go: () => void = () => undefined;
  const gone = new Promise<undefined>((resolve) => (go = () => resolve(undefined)));
  let waiting = 0;
  model.fault = (request) => {
    if (!stalled(request)) return undefined;
    waiting += 1;
    return gone;
  };
  return { go, waiting: () => waiting };
};
/** Ends each of the next answers with bytes after so many of them. */
const cut = (after: number, times: number): GoogleFault => {
  return ({ query, headers }, response) => {
    if (query.get('alt') !== 'media' || times === 0) return undefined;
    times -= 1;
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range!)!;
    const part = pattern.subarray(Number(start), Number(end) + 1);
    const range = `bytes ${start}-${end}/${pattern.byteLength}`;
    response.writeHead(206, { 'content-length': String(part.byteLength), 'content-range': range });
    response.write(part.subarray(0, after));
    setTimeout(() => response.destroy(), 30);
    return 'done';
  };
};

describe('GoogleCloudStorage on a faulty model of the JSON API, which is not Google', () => {
  it.each([
    [401, 'authError', 'storage_failed', 'credentials'],
    [403, 'forbidden', 'storage_failed', 'Storage Object User'],
    [403, 'retentionPolicyNotMet', 'storage_failed', 'retention'],
    [403, 'quotaExceeded', 'no_space', 'quota'],
    [404, 'notFound', 'not_found', 'no such object'],
    [416, 'requestedRangeNotSatisfiable', 'incomplete', 'ends before'],
    [418, 'newReason', 'storage_failed', '(newReason, 418)'],
  ])('%d %s is %s and says what to do, without key or address', async (status, reason, category, text) => {
    await storage.write('secret-key', bytes(10));
    model.fault = (request, response, pass) =>
      request.query.has('maxResults') ? undefined : refuse(status, reason)(request, response, pass);
    const read = await failureOf(storage.read('secret-key', { start: 0, end: 9 }));
    expect(read).toMatchObject({ code: category, context: { key: 'secret-key' } });
    expect(read.message).toContain(text);
    const write = await failureOf(storage.write('secret-key', bytes(10)));
    const chunks = await failureOf(storage.write('secret-key', bytes(2 * chunkSize)));
    for (const { message } of [read, write, chunks]) expect(message).not.toMatch(/secret-key|127|http/);
    if (category !== 'not_found') expect([write.code, chunks.code]).toEqual([category, category]);
  });

  it.each([
    [429, 'rateLimitExceeded'],
    [503, 'backendError'],
  ])('%d %s is tried again by the client, and then unavailable', async (status, reason) => {
    model.fault = refuse(status, reason, 1);
    expect(await storage.write('busy', bytes(10))).toMatchObject({ size: 10 });
    model.fault = refuse(status, reason, 1, 'PUT');
    expect(await storage.write('busy-chunks', bytes(3 * chunkSize))).toMatchObject({ size: 3 * chunkSize });
    model.fault = refuse(status, reason);
    for (const call of [() => storage.stat('busy'), () => storage.write('x', bytes(1)), () => storage.list().next()]) {
      expect(await failureOf(call())).toMatchObject({ code: 'unavailable' });
    }
  });

  it('is unavailable where nothing answers, and not after a wrong key', async () => {
    const nowhere = make({ apiEndpoint: 'http://127.0.0.1:1' });
    expect(await failureOf(nowhere.stat('a'))).toMatchObject({ code: 'unavailable' });
    expect(await failureOf(nowhere.write('a', bytes(1)))).toMatchObject({ code: 'unavailable' });
    expect(await failureOf(nowhere.write('a', bytes(2 * chunkSize)))).toMatchObject({ code: 'unavailable' });
    const wrong = make({ credentials: { client_email: 'a', private_key: 'no key' } });
    const signed = await failureOf(wrong.signedUrl('a', { method: 'GET', expiresIn: 1000 }));
    expect(signed).toMatchObject({ code: 'unsupported', message: expect.stringContaining('private key') as string });
  });

  it.each([
    ['POST', 10],
    ['PUT', 2 * chunkSize],
  ])('recognises its own object when the answer to the %s of %d bytes is lost', async (method, size) => {
    let lost = 0;
    model.fault = (request, response, pass) => {
      const last = method === 'POST' || /\/\d+$/.test(request.headers['content-range'] ?? '');
      if (request.method !== method || !last || (lost += 1) > 1) return undefined;
      pass();
      response.socket!.destroy();
      return 'done';
    };
    const info = await storage.write('again', bytes(size));
    expect(lost).toBeGreaterThan(0);
    expect(info).toEqual(await storage.stat('again'));
    expect(await failureOf(storage.write('again', bytes(size)))).toMatchObject({ code: 'already_exists' });
  });

  it('sends again what the service did not keep of a chunk, and gives up when it keeps nothing', async () => {
    let times = 2;
    model.fault = ({ method }, response) => {
      if (method !== 'PUT' || times === 0) return undefined;
      times -= 1;
      response.writeHead(308).end();
      return 'done';
    };
    await storage.write('kept', bytesOf(pattern));
    expect((await collected(await storage.read('kept'))).equals(pattern)).toBe(true);
    times = Infinity;
    expect(await failureOf(storage.write('lost', bytesOf(pattern)))).toMatchObject({ code: 'unavailable' });
    expect([model.objects.has('lost'), model.sessions.size]).toEqual([false, 1]);
  });

  it('goes on after the bytes that the service kept of each request', async () => {
    model.fault = (request) => {
      if (request.method === 'PUT') Object.assign(request, { body: request.body.subarray(0, chunkSize) });
      return undefined;
    };
    await make({}, 2 * chunkSize).write('halves', bytesOf(pattern));
    const sent = model.requests.map(({ headers }) => headers['content-range']).filter(Boolean);
    expect(sent).toEqual([
      'bytes 0-524287/*',
      'bytes 262144-524287/*',
      'bytes 524288-999999/1000000',
      'bytes 786432-999999/1000000',
    ]);
    expect(model.objects.get('halves')!.bytes.equals(pattern)).toBe(true);
  });

  it.each([10, 2 * chunkSize])('keeps nothing of %d bytes that arrive damaged', async (size) => {
    model.fault = (request) => {
      if (request.method !== 'GET') request.body[request.body.byteLength - 100] = 1;
      return undefined;
    };
    if (size === 10) {
      // The media of the small request is before its last boundary.
      model.fault = ({ body }) => {
        const at = body.indexOf(Buffer.alloc(10, 7));
        if (at >= 0) body[at] = 8;
        return undefined;
      };
    }
    expect(await failureOf(storage.write('damaged', bytes(size)))).toMatchObject({ code: 'storage_failed' });
    model.fault = () => undefined;
    expect(await storage.stat('damaged')).toBeNull();
  });

  it('fails at the end of a whole object whose bytes are not those of its checksum', async () => {
    await storage.write('object', bytesOf(pattern));
    const found = model.objects.get('object')!;
    model.objects.set('object', { ...found, bytes: Buffer.alloc(pattern.byteLength) });
    const error = await failureOf(storage.read('object').then(collected));
    expect(error).toMatchObject({ code: 'storage_failed', message: expect.stringContaining('checksum') as string });
  });

  it.each([undefined, { start: 100, end: 899_999 }])(
    'goes on at the missing byte when the connection breaks, in the range %j',
    async (range) => {
      await storage.write('pattern', bytesOf(pattern));
      model.fault = cut(200_000, 4);
      model.requests.length = 0;
      const body = await make({ timeout: 300 }).read('pattern', range);
      const expected = range ? pattern.subarray(range.start, range.end + 1) : pattern;
      expect((await collected(body)).equals(expected)).toBe(true);
      const media = model.requests.filter(({ query }) => query.get('alt') === 'media');
      expect(media).toHaveLength(5);
      expect(media.every(({ query }) => query.get('generation'))).toBe(true);
    },
  );

  it('never ends early: it fails when the connection breaks again and again without a byte', async () => {
    await storage.write('pattern', bytesOf(pattern));
    model.fault = cut(0, Infinity);
    const broken = make({ timeout: 300 }).read('pattern');
    expect(await failureOf(broken.then(collected))).toMatchObject({ code: 'unavailable' });
    await noSockets();
  });

  it('frees the socket of a reader that stops, is closed, or waits for a stalled answer', async () => {
    await storage.write('pattern', bytesOf(Buffer.alloc(8_000_000)));
    for (let time = 0; time < 12; time += 1) {
      const left = await storage.read('pattern');
      if (time % 3 === 0) for await (const chunk of left.stream()) if (chunk.byteLength > 0) break;
      if (time % 3 !== 0) left.close();
    }
    const half = await storage.read('pattern');
    const chunks = half.stream()[Symbol.asyncIterator]();
    await chunks.next();
    half.close();
    const rest = (async () => {
      while (!(await chunks.next()).done);
    })();
    expect(await failureOf(rest)).toMatchObject({ code: 'aborted' });
    await noSockets();
  });

  it('ends a write soon when it is aborted while the service does not answer, and removes what arrives late', async () => {
    for (const size of [10, 3 * chunkSize]) {
      const controller = new AbortController();
      const { go, waiting } = stall();
      model.requests.length = 0;
      const write = failureOf(storage.write('stalled', bytes(size), { signal: controller.signal }));
      await until(() => waiting() > 0);
      controller.abort();
      expect(await write).toMatchObject({ code: 'aborted' });
      expect(model.operations).toHaveLength(1);
      go();
      await until(() => model.operations.some((operation) => operation.startsWith('DELETE')));
      // Not the object of somebody else, who may have been faster.
      const undo = model.requests.find(({ method }) => method === 'DELETE')!;
      expect(undo.query.has(size === 10 ? 'ifGenerationMatch' : 'upload_id')).toBe(true);
      await noSockets();
      expect([model.objects.size, model.sessions.size]).toEqual([0, 0]);
    }
  });

  it('gives up a request without an answer after the option timeout of the client', async () => {
    const patient = make({ timeout: 300, retryOptions: { autoRetry: false } });
    stall();
    expect(await failureOf(patient.stat('a'))).toMatchObject({ code: 'unavailable' });
    expect(await failureOf(patient.write('a', bytes(10)))).toMatchObject({ code: 'unavailable' });
  });

  it('asks for no more bytes of a body than one chunk that is sent and one that is filled', async () => {
    const { go, waiting } = stall(({ method }) => method === 'PUT');
    let taken = 0;
    async function* counted() {
      for await (const chunk of bytes(16 * chunkSize)) {
        yield chunk;
        taken += chunk.byteLength;
      }
    }
    const controller = new AbortController();
    const write = failureOf(storage.write('endless', counted(), { signal: controller.signal }));
    await until(() => waiting() > 0 && taken >= 2 * chunkSize);
    // Nothing shows that no more bytes will be asked for.
    await new Promise((done) => setTimeout(done, 200));
    expect([waiting(), taken]).toEqual([1, 2 * chunkSize]);
    controller.abort();
    expect(await write).toMatchObject({ code: 'aborted' });
    go();
    await noSockets();
  });
});
