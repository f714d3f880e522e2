import { FileFieldError, type Storage } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { storageContract } from 'filefield/testing';

/** The titles of the claims that a storage breaks. */
async function broken(make: () => Storage): Promise<string[]> {
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

/** Storages with one fault each, and the claim that must notice. */
const faults: Readonly<Record<string, readonly [claim: string, make: () => Storage]>> = {
  'overwrites what is there': [
    'refuses a key that is taken and keeps the old bytes',
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
    'reads the range that was asked for and nothing else',
    () =>
      new (class extends MemoryStorage {
        override read(key: string) {
          return super.read(key);
        }
      })(),
  ],
  'takes the end of a range for exclusive': [
    'reads the range that was asked for and nothing else',
    () =>
      new (class extends MemoryStorage {
        override read(...[key, range]: Parameters<MemoryStorage['read']>) {
          return super.read(key, range && { start: range.start, end: range.end - 1 });
        }
      })(),
  ],
  'counts positions from the start of the object': [
    'counts the positions of read from the start of the range, and reads nothing beyond its end',
    () =>
      new (class extends MemoryStorage {
        override async read(...[key, range]: Parameters<MemoryStorage['read']>) {
          const [body, whole] = [await super.read(key, range), await super.read(key)];
          return { ...body, read: (buffer: Uint8Array, position: number) => whole.read!(buffer, position) };
        }
      })(),
  ],
  'reads beyond the end of the range': [
    'counts the positions of read from the start of the range, and reads nothing beyond its end',
    () =>
      new (class extends MemoryStorage {
        override async read(...[key, range]: Parameters<MemoryStorage['read']>) {
          const [body, whole] = [await super.read(key, range), await super.read(key)];
          const read = (buffer: Uint8Array, position: number) => whole.read!(buffer, position + (range?.start ?? 0));
          return { ...body, read };
        }
      })(),
  ],
  'gives the size of the object as the size of a range': [
    'gives the length of the range as the size of the body, if it gives any',
    () =>
      new (class extends MemoryStorage {
        override async read(...[key, range]: Parameters<MemoryStorage['read']>) {
          const body = await super.read(key, range);
          return { ...body, size: body.info.size };
        }
      })(),
  ],
  'tells the size of the range': [
    'tells of the whole object with every range',
    () =>
      new (class extends MemoryStorage {
        override async read(...[key, range]: Parameters<MemoryStorage['read']>) {
          const reader = await super.read(key, range);
          return range ? { ...reader, info: { ...reader.info, size: range.end - range.start + 1 } } : reader;
        }
      })(),
  ],
  'keeps the part of a body that failed': [
    'keeps nothing of a body that fails, and the key stays free',
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
  'shows an object before it is whole': [
    'shows nothing to readers until all is written',
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
  'does not look at the signal': [
    'gives up when the signal is given, whatever its reason, and keeps nothing',
    () =>
      new (class extends MemoryStorage {
        override write(...[key, body]: Parameters<MemoryStorage['write']>) {
          return super.write(key, body);
        }
      })(),
  ],
  'keeps the chunks themselves instead of what they hold': [
    'keeps what a chunk held when it was given, though its memory is used again',
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
    'says that there is no such object',
    () =>
      new (class extends MemoryStorage {
        override async read(...[key, range]: Parameters<MemoryStorage['read']>) {
          if (!this.keys.includes(key)) throw Object.assign(new Error('NoSuchKey'), { code: 'not_found' });
          return super.read(key, range);
        }
      })(),
  ],
  'cannot delete what is not there': [
    'deletes, and is content when there is nothing to delete',
    () =>
      new (class extends MemoryStorage {
        override async delete(key: string) {
          if (!this.keys.includes(key)) throw new FileFieldError('not_found', 'nothing there');
          await super.delete(key);
        }
      })(),
  ],
  'deletes everything that begins alike': [
    'deletes, and is content when there is nothing to delete',
    () =>
      new (class extends MemoryStorage {
        override async delete(key: string) {
          for (const other of this.keys) if (other.startsWith(key)) await super.delete(other);
        }
      })(),
  ],
  'decodes keys': [
    'takes every key that checkKey lets through',
    () =>
      new (class extends MemoryStorage {
        override write(...[key, body, options]: Parameters<MemoryStorage['write']>) {
          return super.write(decodeURI(key.replace(/%(?![0-9A-F]{2})/g, '%25')), body, options);
        }
      })(),
  ],
  'names a path that is not there': [
    'names a local path that holds the bytes',
    () => Object.assign(new MemoryStorage(), { localPath: (key: string) => `/nowhere/${key}` }),
  ],
};

describe('storageContract', () => {
  it.each(Object.keys(faults))(
    'notices a storage that %s',
    async (fault) => {
      const [claim, make] = faults[fault]!;
      expect(await broken(make)).toContain(claim);
    },
    60_000,
  );

  it('has nothing against one that keeps it', async () => {
    expect(await broken(() => new MemoryStorage())).toEqual([]);
  });

  it('has nothing against one that only streams and knows neither time nor tag', async () => {
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
    expect(await broken(plain)).toEqual([]);
  });

  it('gives every claim a title of its own', () => {
    const titles = storageContract(() => new MemoryStorage()).map(({ title }) => title);
    expect(titles.length).toBeGreaterThan(20);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
