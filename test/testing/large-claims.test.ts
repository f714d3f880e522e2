import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { Storage, UrlOptions, WriteOptions } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { storageContract, temporaryStorage, type StorageContractOptions } from 'filefield/testing';

const large = 300_000;
type Body = AsyncIterable<Uint8Array>;

/** A storage in memory with other members. */
function wrong(make: (memory: MemoryStorage) => Partial<Storage>): () => Storage {
  return () => {
    const memory = new MemoryStorage();
    const members: Partial<Storage> = {
      read: (...given) => memory.read(...given),
      stat: (key) => memory.stat(key),
      delete: (key) => memory.delete(key),
      write: (...given) => memory.write(...given),
      list: (options) => memory.list(options),
    };
    return { ...members, ...make(memory) } as Storage;
  };
}

async function titlesOfBroken(make: () => Storage | Promise<Storage>, options?: StorageContractOptions) {
  const broken: string[] = [];
  for (const { title, run } of storageContract(make, options)) await run().catch(() => broken.push(title));
  return broken;
}

async function collected(body: Body): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function* one(bytes: Uint8Array) {
  yield bytes;
}

/** Writes whatever it has got of a large body that fails, and of a small one nothing. */
const keepsLargeRests = (memory: MemoryStorage, isKept: (error: unknown, options?: WriteOptions) => boolean) => ({
  write: async (key: string, body: Body, options?: WriteOptions) => {
    const got: Buffer[] = [];
    const seen = async function* () {
      for await (const chunk of body) {
        got.push(Buffer.from(chunk));
        yield chunk;
      }
    };
    return memory.write(key, seen(), options).catch(async (error: unknown) => {
      const bytes = Buffer.concat(got);
      if (bytes.byteLength > 250_000 && isKept(error, options)) await memory.write(key, one(bytes));
      throw error;
    });
  },
});

const abortedAt = 'rejects with aborted at every chunk of a large body, and keeps nothing';
const abortedLate = 'rejects with aborted while a large body waits for its last chunk, and keeps nothing';

/** Storages with one fault each, and all claims that fail. */
const faults: Readonly<Record<string, readonly [titles: readonly string[], make: () => Storage]>> = {
  'loses the rest of a chunk beyond a part': [
    ['keeps a large object in chunks of odd sizes, without the option size'],
    wrong((memory) => ({
      write: async (key, body, options) => {
        const parts = async function* () {
          for await (const chunk of body) yield chunk.byteLength === 134_468 ? chunk.subarray(0, -1) : chunk;
        };
        return memory.write(key, parts(), options);
      },
    })),
  ],
  'keeps the parts of a large body that fails': [
    ['keeps nothing of a large body that fails at its end, and leaves the key free'],
    wrong((memory) => keepsLargeRests(memory, (_error, options) => !options?.signal)),
  ],
  'keeps the parts of a large body that is aborted': [
    [abortedAt, abortedLate],
    wrong((memory) => keepsLargeRests(memory, (_error, options) => options?.signal?.aborted === true)),
  ],
  'does not look at the signal after the last chunk': [
    [abortedAt],
    wrong((memory) => ({
      write: async (key, body, options) => {
        const got: Buffer[] = [];
        let isComplete = false;
        const seen = async function* () {
          for await (const chunk of body) {
            got.push(Buffer.from(chunk));
            yield chunk;
          }
          isComplete = true;
        };
        return memory.write(key, seen(), options).catch(async (error: unknown) => {
          await setImmediate();
          if (isComplete && got.length > 1 && options?.signal) return memory.write(key, one(Buffer.concat(got)));
          throw error;
        });
      },
    })),
  ],
  'does not look at the signal while it waits, after a part was sent': [
    [abortedLate],
    wrong((memory) => ({
      write: async (key, body, options = {}) => {
        const ended = new AbortController();
        let got = 0;
        options.signal?.addEventListener('abort', () => got < 300_000 && ended.abort());
        if (options.signal?.aborted) ended.abort();
        const seen = async function* () {
          for await (const chunk of body) {
            got += chunk.byteLength;
            yield chunk;
          }
          if (options.signal?.aborted) ended.abort();
        };
        return memory.write(key, seen(), { signal: ended.signal });
      },
    })),
  ],
  'overwrites with large objects': [
    ['rejects a taken key with already_exists for a large body, and keeps the old bytes'],
    wrong((memory) => ({
      write: async (key, body, options) => {
        if (options?.signal) return memory.write(key, body, options);
        const bytes = await collected(body);
        if (bytes.byteLength === large + 1) await memory.delete(key);
        return memory.write(key, one(bytes));
      },
    })),
  ],
  'lets several large writes win': [
    ['lets exactly one of several simultaneous writes of one large object succeed'],
    wrong((memory) => ({
      write: async (key, body, options) => {
        if (options || (await memory.stat(key))) return memory.write(key, body, options);
        const bytes = await collected(body);
        const write = () => memory.write(key, one(bytes));
        return write().catch(async (error: unknown) => {
          if (bytes.byteLength !== large) throw error;
          await memory.delete(key);
          return write();
        });
      },
    })),
  ],
  'takes characters for others': [
    ['keeps objects apart whose keys differ in one character, whatever it is'],
    wrong((memory) => ({
      write: async (key, body, options) => memory.write(key.normalize('NFC'), body, options),
      read: async (key, range) => memory.read(key.normalize('NFC'), range),
      stat: async (key) => memory.stat(key.normalize('NFC')),
      delete: async (key) => memory.delete(key.normalize('NFC')),
    })),
  ],
  'cuts long keys': [
    ['keeps an object under a key of 512 bytes, or refuses it with invalid_key'],
    wrong((memory) => ({
      write: async (key, body, options) => {
        if (key.length > 400) throw new Error('ENAMETOOLONG');
        return memory.write(key, body, options);
      },
    })),
  ],
  'lists one page': [
    ['keeps 64 objects that are written at once, and lists each of them once'],
    wrong((memory) => ({
      list: async function* (options) {
        let count = 0;
        for await (const object of memory.list(options)) if ((count += 1) <= 40) yield object;
      },
    })),
  ],
  'loses an object of many': [
    ['keeps 64 objects that are written at once, and lists each of them once'],
    wrong((memory) => {
      let running = 0;
      return {
        write: async (key, body, options) => {
          running += 1;
          const crowded = running > 32;
          const info = await memory.write(key, body, options).finally(() => (running -= 1));
          if (crowded) await memory.delete(key);
          return info;
        },
      };
    }),
  ],
};

describe('storageContract', () => {
  it.each(Object.keys(faults))('fails in no other claim for a storage that %s', async (fault) => {
    const [titles, make] = faults[fault]!;
    expect(await titlesOfBroken(make)).toEqual(titles);
  });

  it.each([{ large: 9_999 }, { large: 'much' as never }])('refuses %j', (options) => {
    expect(() => storageContract(() => new MemoryStorage(), options)).toThrow(
      expect.objectContaining({ code: 'invalid_option' }) as Error,
    );
  });

  it('fails for a storage that holds what a reader leaves, or a write that fails', async () => {
    let held = 0;
    const reader = wrong((memory) => ({
      read: async (...given) => {
        const body = await memory.read(...given);
        const stream = async function* () {
          held += 1;
          yield* body.stream();
          held -= 1;
        };
        return { ...body, stream };
      },
    }));
    const stops = 'holds nothing for a reader that stops in the middle of a large object';
    expect(await titlesOfBroken(reader, { held: () => held })).toEqual([stops]);
    const writer = wrong((memory) => ({
      write: async (...given) => {
        held += 1;
        const info = await memory.write(...given);
        held -= 1;
        return info;
      },
    }));
    expect(await titlesOfBroken(writer, { held: () => held })).toEqual([
      'keeps nothing of a large body that fails at its end, and leaves the key free',
      abortedAt,
      abortedLate,
    ]);
  });

  it('fails for a storage that reads the whole object for a range', async () => {
    let bytesRead = 0;
    const make = wrong((memory) => ({
      read: async (key, range) => {
        bytesRead += (await memory.stat(key))?.size ?? 0;
        return memory.read(key, range);
      },
    }));
    expect(await titlesOfBroken(make, { bytesRead: () => bytesRead })).toEqual(['reads no byte outside a range']);
  });

  it('fails for a storage that counts positions in 32 bits', async () => {
    const disk = await temporaryStorage();
    const narrow = new (class extends DiskStorage {
      override read(...[key, range]: Parameters<Storage['read']>) {
        return super.read(key, range && { start: range.start % 2 ** 32, end: range.end % 2 ** 32 });
      }
    })({ root: disk.root, sync: false });
    expect(await titlesOfBroken(() => narrow)).toEqual(['reads and counts bytes beyond 4 GiB']);
    await disk.remove();
  });
});

describe('storageContract for signed URLs', () => {
  let server: Server;
  let serve: (url: URL, response: ServerResponse, range: string | undefined) => Promise<void>;
  beforeAll(async () => {
    server = createServer((request, response) => {
      void serve(new URL(request.url!, 'http://localhost'), response, request.headers.range);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  /** A storage whose URLs this server answers, and that does not check something. */
  function signing(unchecked: 'expiry' | 'key' | 'signature' | 'range' | 'nothing'): Storage {
    const memory = new MemoryStorage();
    const { port } = server.address() as AddressInfo;
    serve = async (url, response, range) => {
      const key = decodeURIComponent(url.pathname.slice(1));
      const [query, bytes] = [url.searchParams, await collected((await memory.read(key)).stream())];
      const refused =
        (unchecked !== 'signature' && !query.has('key')) ||
        (unchecked !== 'key' && query.has('key') && query.get('key') !== key) ||
        (unchecked !== 'expiry' && Number(query.get('until') ?? Infinity) < Date.now());
      if (refused) return void response.writeHead(403).end();
      const [, start = '', end = ''] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
      const part = start && unchecked !== 'range' ? bytes.subarray(Number(start), Number(end) + 1) : bytes;
      response
        .writeHead(part === bytes ? 200 : 206, {
          'content-type': query.get('type') ?? '',
          'content-disposition': query.get('disposition') ?? '',
          'content-length': part.byteLength,
        })
        .end(part);
    };
    const signedUrl = async (key: string, options: UrlOptions) => {
      const url = new URL(`http://127.0.0.1:${port}/`);
      url.pathname = encodeURIComponent(key);
      url.search = new URLSearchParams({
        key,
        until: String(Date.now() + options.expiresIn),
        type: options.contentType ?? '',
        disposition: options.contentDisposition ?? '',
      }).toString();
      return url.href;
    };
    return Object.assign(memory, { signedUrl });
  }

  it.each([
    ['expiry', ['returns a signedUrl that does not work for another object, nor after it has expired']],
    ['signature', ['returns a signedUrl that does not work for another object, nor after it has expired']],
    ['key', ['returns a signedUrl that does not work for another object, nor after it has expired']],
    ['range', ['returns a signedUrl at which the bytes are, with the type and disposition that were asked for']],
    ['nothing', []],
  ] as const)('fails for a storage that does not check the %s', async (unchecked, titles) => {
    const claims = storageContract(() => signing(unchecked)).filter(({ title }) => title.includes('signedUrl'));
    const broken: string[] = [];
    for (const { title, run } of claims) await run().catch(() => broken.push(title));
    expect(broken).toEqual(titles);
  });
});
