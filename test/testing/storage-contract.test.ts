import { readFile, unlink } from 'node:fs/promises';
import { FileFieldError, type Storage } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { storageContract } from 'filefield/testing';

/** The titles of the claims that a storage breaks. */
async function brokenClaims(make: () => Storage): Promise<string[]> {
  const titles: string[] = [];
  for (const { title, run } of storageContract(make)) await run().catch(() => titles.push(title));
  return titles;
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function* one(bytes: Uint8Array) {
  yield bytes;
}

const listing = 'lists exactly the objects whose keys come after the given one, in the order of UTF-16 code units';

const taking = 'takes a local file by moving it, or returns undefined and leaves it unread at its path';

type Take = NonNullable<Storage['take']>;

/** A storage that takes local files in its own way. */
function taker(
  take: (memory: MemoryStorage, ...given: Parameters<Take>) => ReturnType<Take>,
): MemoryStorage & { readonly take: Take } {
  const memory = new MemoryStorage();
  return Object.assign(memory, { take: (...given: Parameters<Take>) => take(memory, ...given) });
}

async function taken(file: string): Promise<Buffer> {
  const bytes = await readFile(file);
  await unlink(file);
  return bytes;
}

/** Storages with one fault each, and the claim that must fail. */
const faults: Readonly<Record<string, readonly [claim: string, make: () => Storage]>> = {
  'overwrites an object': [
    'rejects a taken key with already_exists, and keeps the old bytes',
    () =>
      new (class extends MemoryStorage {
        override async write(...[key, body, options]: Parameters<MemoryStorage['write']>) {
          const bytes = await collect(body);
          await this.delete(key);
          return super.write(key, one(bytes), options);
        }
      })(),
  ],
  'ignores the range': [
    'reads exactly the requested range',
    () =>
      new (class extends MemoryStorage {
        override read(key: string) {
          return super.read(key);
        }
      })(),
  ],
  'treats the end of a range as exclusive': [
    'reads exactly the requested range',
    () =>
      new (class extends MemoryStorage {
        override read(...[key, range]: Parameters<MemoryStorage['read']>) {
          return super.read(key, range && { start: range.start, end: range.end - 1 });
        }
      })(),
  ],
  'counts positions from the start of the object': [
    'counts positions of FileBody.read from the start of the range, and stops at its end',
    () =>
      new (class extends MemoryStorage {
        override async read(...[key, range]: Parameters<MemoryStorage['read']>) {
          const [body, whole] = [await super.read(key, range), await super.read(key)];
          return { ...body, read: (buffer: Uint8Array, position: number) => whole.read!(buffer, position) };
        }
      })(),
  ],
  'reads past the end of the range': [
    'counts positions of FileBody.read from the start of the range, and stops at its end',
    () =>
      new (class extends MemoryStorage {
        override async read(...[key, range]: Parameters<MemoryStorage['read']>) {
          const [body, whole] = [await super.read(key, range), await super.read(key)];
          const read = (buffer: Uint8Array, position: number) => whole.read!(buffer, position + (range?.start ?? 0));
          return { ...body, read };
        }
      })(),
  ],
  'returns the size of the object as the size of a range': [
    'returns the length of the range as the size of the body, or none',
    () =>
      new (class extends MemoryStorage {
        override async read(...[key, range]: Parameters<MemoryStorage['read']>) {
          const body = await super.read(key, range);
          return { ...body, size: body.info.size };
        }
      })(),
  ],
  'returns the size of the range as that of the object': [
    'returns the size and etag of the whole object with every range',
    () =>
      new (class extends MemoryStorage {
        override async read(...[key, range]: Parameters<MemoryStorage['read']>) {
          const reader = await super.read(key, range);
          return range ? { ...reader, info: { ...reader.info, size: range.end - range.start + 1 } } : reader;
        }
      })(),
  ],
  'keeps a part of a body that fails': [
    'keeps nothing of a body that fails, and leaves the key free',
    () =>
      new (class extends MemoryStorage {
        override async write(...[key, body, options]: Parameters<MemoryStorage['write']>) {
          const kept: Uint8Array[] = [];
          const tap = async function* () {
            for await (const chunk of body) {
              kept.push(Buffer.from(chunk));
              yield chunk;
            }
          };
          try {
            return await super.write(key, tap(), options);
          } catch (error) {
            if (kept.length > 0) await super.write(key, one(Buffer.concat(kept))).catch(() => undefined);
            throw error;
          }
        }
      })(),
  ],
  'shows an object before it is complete': [
    'shows no object until all bytes are written',
    () =>
      new (class extends MemoryStorage {
        override async write(...[key, body]: Parameters<MemoryStorage['write']>) {
          await super.write(key, one(Buffer.alloc(0)));
          const bytes = await collect(body);
          await this.delete(key);
          return super.write(key, one(bytes));
        }
      })(),
  ],
  'ignores the signal': [
    'rejects with aborted when the signal aborts during the write, and keeps nothing',
    () =>
      new (class extends MemoryStorage {
        override write(...[key, body]: Parameters<MemoryStorage['write']>) {
          return super.write(key, body);
        }
      })(),
  ],
  'keeps the chunks without copying them': [
    'keeps the bytes of each chunk although the body reuses its memory',
    () =>
      new (class extends MemoryStorage {
        override async write(...[key, body, options]: Parameters<MemoryStorage['write']>) {
          const chunks: Uint8Array[] = [];
          for await (const chunk of body) chunks.push(chunk);
          return super.write(key, one(Buffer.concat(chunks)), options);
        }
      })(),
  ],
  'throws errors of its own': [
    'returns null from stat and rejects read with not_found, for a key without an object',
    () =>
      new (class extends MemoryStorage {
        override async read(...[key, range]: Parameters<MemoryStorage['read']>) {
          if (!this.keys.includes(key)) throw Object.assign(new Error('NoSuchKey'), { code: 'not_found' });
          return super.read(key, range);
        }
      })(),
  ],
  'cannot delete a key without an object': [
    'deletes only the object of the key, and succeeds if there is none',
    () =>
      new (class extends MemoryStorage {
        override async delete(key: string) {
          if (!this.keys.includes(key)) throw new FileFieldError('not_found', 'nothing there');
          await super.delete(key);
        }
      })(),
  ],
  'deletes all keys that start with the key': [
    'deletes only the object of the key, and succeeds if there is none',
    () =>
      new (class extends MemoryStorage {
        override async delete(key: string) {
          for (const other of this.keys) if (other.startsWith(key)) await super.delete(other);
        }
      })(),
  ],
  'decodes keys': [
    'keeps objects apart whose keys differ in one character, whatever it is',
    () =>
      new (class extends MemoryStorage {
        override write(...[key, body, options]: Parameters<MemoryStorage['write']>) {
          return super.write(decodeURI(key.replace(/%(?![0-9A-F]{2})/g, '%25')), body, options);
        }
      })(),
  ],
  'ignores the key after which it is to list': [
    listing,
    () =>
      new (class extends MemoryStorage {
        override list() {
          return super.list();
        }
      })(),
  ],
  'lists the given key too': [
    listing,
    () =>
      new (class extends MemoryStorage {
        override async *list({ after = '' }: { after?: string } = {}) {
          for await (const object of super.list()) if (object.key >= after) yield object;
        }
      })(),
  ],
  'lists in the order of UTF-8': [
    listing,
    () =>
      new (class extends MemoryStorage {
        override async *list(options?: { after?: string }) {
          const objects = [];
          for await (const object of super.list(options)) objects.push(object);
          yield* objects.sort((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));
        }
      })(),
  ],
  'cannot list while objects are deleted': [
    'goes on with a listing whose other objects are deleted meanwhile',
    () =>
      new (class extends MemoryStorage {
        override async *list(options?: { after?: string }) {
          for (const key of this.keys.filter((one) => one > (options?.after ?? ''))) {
            if (!(await this.stat(key))) throw new FileFieldError('not_found', 'gone');
            yield { key };
          }
        }
      })(),
  ],
  'returns a localPath without a file': [
    'returns a localPath at which the bytes are, below root',
    () => Object.assign(new MemoryStorage(), { localPath: (key: string) => `/nowhere/${key}` }),
  ],
  'leaves the file that it has taken': [
    taking,
    () =>
      taker(async (memory, key, file) => {
        await file.measure();
        return memory.write(key, one(await readFile(file.path)));
      }),
  ],
  'never measures the file that it takes': [
    taking,
    () => taker(async (memory, key, { path }) => memory.write(key, one(await taken(path)))),
  ],
  'deletes a file that it cannot take': [
    taking,
    () =>
      taker(async (_memory, _key, { path }) => {
        await unlink(path);
        return undefined;
      }),
  ],
  'reads a file that it cannot take': [
    taking,
    () =>
      taker(async (_memory, _key, file) => {
        await file.measure();
        return undefined;
      }),
  ],
  'measures a taken file when the object is there': [
    'shows no object of a taken file before it is measured, and keeps nothing if it is refused',
    () =>
      taker(async (memory, key, file) => {
        const info = await memory.write(key, one(await taken(file.path)));
        await file.measure();
        return info;
      }),
  ],
  'overwrites an object with a taken file': [
    'rejects a taken key with already_exists when it takes a file, and keeps the old bytes',
    () =>
      taker(async (memory, key, file) => {
        await file.measure();
        await memory.delete(key);
        return memory.write(key, one(await taken(file.path)));
      }),
  ],
};

describe('storageContract', () => {
  it.each(Object.keys(faults))(
    'fails for a storage that %s',
    async (fault) => {
      const [claim, make] = faults[fault]!;
      expect(await brokenClaims(make)).toContain(claim);
    },
    60_000,
  );

  it('passes for MemoryStorage', async () => {
    expect(await brokenClaims(() => new MemoryStorage())).toEqual([]);
  });

  it('passes for a storage that takes files as it should', async () => {
    const right = () =>
      taker(async (memory, key, file, { signal } = {}) => {
        await file.measure().catch((error: unknown) => signal?.aborted || Promise.reject(error));
        return memory.write(key, one(await taken(file.path)), { signal: signal! });
      });
    expect(await brokenClaims(right)).toEqual([]);
  });

  it('passes for a storage without read at a position, modified and etag', async () => {
    const plain = () => {
      const memory = new MemoryStorage();
      const bare: Storage = {
        write: async (...given) => ({ size: (await memory.write(...given)).size }),
        read: async (...given) => {
          const { info, stream, close } = await memory.read(...given);
          return { info: { size: info.size }, stream, close };
        },
        stat: async (key) => {
          const info = await memory.stat(key);
          return info && { size: info.size };
        },
        delete: (key) => memory.delete(key),
      };
      return bare;
    };
    expect(await brokenClaims(plain)).toEqual([]);
  });

  it('has a different title for every claim', () => {
    const titles = storageContract(() => new MemoryStorage()).map(({ title }) => title);
    expect(titles.length).toBeGreaterThan(20);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
