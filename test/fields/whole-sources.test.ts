import { execFileSync } from 'node:child_process';
import { createReadStream, promises as fsp } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isFileFieldError, type FileSource, type UploadSource } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { filesFor, Letter } from '../support/fields.js';

let folder: string;
beforeEach(async () => void (folder = await fsp.mkdtemp(path.join(tmpdir(), 'filefield-'))));
afterEach(() => fsp.rm(folder, { recursive: true }));

const { files } = filesFor();
const stage = (source: unknown, options = {}) => files.stage(Letter, 'file', source as UploadSource, options);

async function failureOf(work: Promise<unknown>): Promise<{ code: unknown; message: string }> {
  const error = await work.then(
    () => new Error('resolved'),
    (failure: unknown) => failure as Error,
  );
  return { code: isFileFieldError(error) ? error.code : error.name, message: error.message };
}

const refusal = async (source: unknown) => (await failureOf(stage(source))).code;

async function local(bytes: string | Uint8Array, name = 'local.bin'): Promise<string> {
  const file = path.join(folder, name);
  await fsp.writeFile(file, bytes);
  return file;
}

describe('an async iterable that fills one buffer again and again', () => {
  it.each([1, 512, 4096, 4100, 8192])('is stored as it was given, with chunks of %i bytes', async (size) => {
    const given: Buffer[] = [];
    const reusing = (async function* () {
      const buffer = Buffer.alloc(size);
      for (let value = 0; value < 20; value += 1) {
        buffer.fill(65 + value);
        given.push(Buffer.from(buffer));
        yield buffer;
      }
    })();
    const file = await stage(reusing);
    expect(await file.bytes()).toEqual(Buffer.concat(given));
  });
});

describe('a source that has other bytes than it promises is incomplete:', () => {
  const source = (size: number, bytes: number, opened?: number): FileSource => ({
    name: 'x',
    ...(size >= 0 && { size }),
    open: async () => ({
      ...(opened !== undefined && { size: opened }),
      async *stream() {
        yield Buffer.alloc(bytes);
      },
      close: () => undefined,
    }),
  });
  const lyingBlob = (size: number, bytes: number) => ({
    size,
    arrayBuffer: () => undefined,
    slice: () => undefined,
    stream: () => new Blob([Buffer.alloc(bytes)]).stream(),
  });

  it.each<[string, () => unknown]>([
    ['a file source that gives less', () => source(100, 5)],
    ['a file source that gives more', () => source(5, 100)],
    ['a file source whose body gives less', () => source(-1, 5, 100)],
    ['a file source whose body gives more', () => source(-1, 100, 5)],
    ['a Blob that gives less', () => lyingBlob(100, 5)],
    ['a Blob that gives more', () => lyingBlob(5, 100)],
    ['a file of multer in memory', () => ({ buffer: Buffer.alloc(5), originalname: 'x', size: 100 })],
    ['a response that gives less', () => new Response('hello', { headers: { 'content-length': '6' } })],
    ['a response to HEAD', () => new Response(null, { headers: { 'content-length': '6' } })],
  ])('%s', async (_what, make) => {
    expect(await refusal(make())).toBe('incomplete');
  });

  it('a file of multer on the disk', async () => {
    expect(await refusal({ path: await local('hello'), size: 6 })).toBe('incomplete');
  });

  it('a local file without a size of its own, as Linux makes them', async () => {
    expect(await refusal({ path: '/proc/self/status' })).toBe('incomplete');
  });

  /** A storage that changes the file after its first chunk. */
  class Changing extends MemoryStorage {
    constructor(private readonly change: () => Promise<void>) {
      super();
    }

    override async write(...[key, body, options]: Parameters<MemoryStorage['write']>) {
      const { change } = this;
      const changing = async function* () {
        let first = true;
        for await (const chunk of body) {
          yield chunk;
          if (first) await change();
          first = false;
        }
      };
      return super.write(key, changing(), options);
    }
  }

  it.each<[string, (file: string) => Promise<void>]>([
    ['is truncated', (file) => fsp.truncate(file, 100)],
    ['grows', (file) => fsp.appendFile(file, 'x')],
    [
      'is overwritten with as many bytes',
      (file) => delay(20).then(() => fsp.writeFile(file, Buffer.alloc(3_000_000, 2))),
    ],
  ])('a local file that %s while it is read', async (_how, change) => {
    const file = await local(Buffer.alloc(3_000_000, 1));
    const storage = new Changing(() => change(file));
    const error = await failureOf(filesFor({}, storage).files.stage(Letter, 'file', { path: file }));
    expect(error.code).toBe('incomplete');
    expect(storage.keys).toEqual([]);
  });
});

describe('a source of which bytes may be missing is an invalid value that says why:', () => {
  const consumed = async <Source extends AsyncIterable<unknown>>(source: Source) => {
    for await (const chunk of source) void chunk;
    return source;
  };
  const locked = () => {
    const stream = new Blob(['x']).stream();
    stream.getReader();
    return stream;
  };
  const partly = async () => {
    const stream = new PassThrough();
    stream.write('a');
    await stream.iterator({ destroyOnReturn: false }).next();
    stream.end('b');
    return stream;
  };
  const failed = async () => {
    const stream = Readable.from(['x']);
    stream.on('error', () => undefined).destroy(new Error('broken'));
    await delay(1);
    return stream;
  };

  it.each<[string, () => unknown, RegExp]>([
    ['a Node stream that was read', () => consumed(Readable.from(['x'])), /was read to its end/],
    ['a Node stream that was read in part', partly, /was read before/],
    ['a Node stream that was destroyed', () => Readable.from(['x']).destroy(), /was destroyed/],
    ['a Node stream that has failed', failed, /failed/],
    [
      'a Node stream that decodes',
      () => Readable.from([Buffer.from('é')], { objectMode: false, encoding: 'latin1' }),
      /encoding/,
    ],
    ['a Web stream that was read', () => consumed(new Blob(['x']).stream() as never), /was read/],
    ['a Web stream with a reader', locked, /locked/],
    [
      'a response that was read',
      async () => {
        const response = new Response('x');
        await response.text();
        return response;
      },
      /was read/,
    ],
    [
      'a file of a form whose stream was read',
      async () => ({ file: await consumed(Readable.from(['x'])), filename: 'x' }),
      /was read/,
    ],
    ['a stream of objects', () => Readable.from([{ not: 'bytes' }]), /neither bytes .* nor text/],
    ['an object in the middle', () => Readable.from([Buffer.alloc(9000), 7]), /neither bytes .* nor text/],
    [
      'a Web stream with a number in the middle',
      () => ReadableStream.from([Buffer.alloc(9000), 7]),
      /neither bytes .* nor text/,
    ],
    ['half a surrogate pair', () => 'a\ud83d', /surrogate/],
    ['half a surrogate pair at the end', () => Readable.from(['a\ud83d']), /surrogate/],
    ['half a surrogate pair before bytes', () => Readable.from(['a\ud83d', Buffer.from('x')]), /surrogate/],
    ['half a surrogate pair before text', () => Readable.from(['a\ud83d', 'x']), /surrogate/],
    [
      'bytes whose memory was transferred',
      () => {
        const bytes = new Uint8Array(10);
        structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
        return bytes;
      },
      /transferred/,
    ],
    ['a promise', () => ({ then: undefined, catch: 1 }), /promise/],
    ['a URL', () => new URL('https://files.example/a'), /remoteFile/],
  ])('%s', async (_what, make, sentence) => {
    const { memory, files: own } = filesFor();
    const error = await failureOf(own.stage(Letter, 'file', (await make()) as UploadSource));
    expect(error).toEqual({ code: 'invalid_value', message: expect.stringMatching(sentence) as string });
    expect(memory.keys).toEqual([]);
  });

  it('the same stream given twice', async () => {
    const stream = createReadStream(await local(Buffer.alloc(100_000)));
    expect((await failureOf(files.stageAll(Letter, 'file', [stream, stream], { concurrency: 1 }))).code).toBe(
      'invalid_value',
    );
  });
});

describe('text in chunks', () => {
  it('may be cut inside a pair of surrogates', async () => {
    expect(await (await stage(Readable.from(['a\ud83d', '', '\ude00b']))).text()).toBe('a😀b');
  });

  it('may be mixed with bytes', async () => {
    expect(await (await stage(Readable.from(['ü', Buffer.from('ß')]))).text()).toBe('üß');
  });
});

describe('the error of a source', () => {
  it('is what stage rejects with, whatever the storage makes of it', async () => {
    const storage = Object.assign(new DiskStorage({ root: folder, sync: false }), { volatile: true });
    const broken = (async function* () {
      yield Buffer.alloc(10_000);
      throw new RangeError('the cable was pulled');
    })();
    const error = await failureOf(filesFor({}, storage).files.stage(Letter, 'file', broken));
    expect(error).toEqual({ code: 'RangeError', message: 'the cable was pulled' });
  });

  it('is that of a request whose client goes away', async () => {
    const server: Server = createServer((request) => void staged.push(failureOf(stage(request))));
    const staged: ReturnType<typeof failureOf>[] = [];
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const port = (server.address() as AddressInfo).port;
    execFileSync('bash', [
      '-c',
      `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 9\\r\\n\\r\\nhalf' >&3; sleep 0.2`,
    ]);
    await delay(200);
    expect(staged).toHaveLength(1);
    expect((await staged[0])!.code).toBe('aborted');
    server.close();
  });
});

describe('a storage that does not keep all bytes', () => {
  it.each<[string, (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>]>([
    [
      'leaves the body early',
      async function* (body) {
        for await (const chunk of body) return yield chunk;
      },
    ],
    [
      'drops a chunk',
      async function* (body) {
        let count = 0;
        for await (const chunk of body) if (count++ > 0) yield chunk;
      },
    ],
  ])('fails the upload when it %s', async (_how, spoil) => {
    class Careless extends MemoryStorage {
      override write(...[key, body, options]: Parameters<MemoryStorage['write']>) {
        return super.write(key, spoil(body), options);
      }
    }
    const { files: careless, ledger } = filesFor({}, new Careless());
    const chunks = Readable.from([Buffer.alloc(5000), Buffer.alloc(5000)]);
    expect((await failureOf(careless.stage(Letter, 'file', chunks))).code).toBe('storage_failed');
    expect(ledger.statements.at(-1)).toMatch(/SET lease_until = 0/);
  });
});
