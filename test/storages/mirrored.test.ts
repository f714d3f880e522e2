import { FileFieldError, type ByteRange, type Storage } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { MirroredStorage, type MirrorFault } from 'filefield/storages/mirrored';
import { FailingStorage, storageContract, temporaryStorage, type TemporaryStorage } from 'filefield/testing';
import { descriptorsBelow } from '../support/descriptors-below.js';

async function* body(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(storage: Storage, key: string, range?: ByteRange): Promise<string> {
  const opened = await storage.read(key, range);
  const chunks: Buffer[] = [];
  for await (const chunk of opened.stream()) chunks.push(Buffer.from(chunk));
  opened.close();
  return Buffer.concat(chunks).toString();
}

/** Two storages in memory that can fail, and their mirror. */
function mirror() {
  const [first, second] = [new MemoryStorage(), new MemoryStorage()];
  const [failing, other] = [new FailingStorage(first), new FailingStorage(second)];
  const faults: MirrorFault[] = [];
  const storage = new MirroredStorage([failing, other], { onFault: (fault) => faults.push(fault) });
  return { first, second, failing, other, faults, storage };
}

const unavailable = () => new FileFieldError('unavailable', 'The storage is down.');

describe('MirroredStorage', () => {
  let disk: TemporaryStorage;
  let second: TemporaryStorage;
  beforeAll(async () => void ([disk, second] = [await temporaryStorage(), await temporaryStorage()]));
  afterAll(() => Promise.all([disk.remove(), second.remove()]));

  describe('of three storages in memory', () => {
    const storages = [new MemoryStorage(), new MemoryStorage(), new MemoryStorage()];
    for (const claim of storageContract(() => new MirroredStorage(storages))) it(claim.title, claim.run);
  });

  describe('of two disks', () => {
    const held = () => descriptorsBelow(disk.root) + descriptorsBelow(second.root);
    const make = () => new MirroredStorage([disk, second]);
    for (const claim of storageContract(make, { held, large: '2 MiB' })) it(claim.title, claim.run);
  });

  describe('of memory and a disk', () => {
    const memory = new MemoryStorage();
    for (const claim of storageContract(() => new MirroredStorage([memory, disk]))) it(claim.title, claim.run);
  });

  describe('with a first storage that lost everything', () => {
    /** Forgets what it keeps when the write is over. */
    const forgets = (memory: MemoryStorage): Storage => ({
      ...{ read: memory.read.bind(memory), stat: memory.stat.bind(memory), delete: memory.delete.bind(memory) },
      list: memory.list.bind(memory),
      write: async (key, bytes, options) => {
        const info = await memory.write(key, bytes, options);
        setImmediate(() => void memory.delete(key));
        return info;
      },
    });
    const kept = new MemoryStorage();
    const make = () => new MirroredStorage([forgets(new MemoryStorage()), kept]);
    const reading = storageContract(make).filter(({ title }) => /^(reads|returns|counts|closes|holds)/.test(title));
    for (const claim of reading) it(claim.title, claim.run);
  });

  it('is told from others by what all of its storages, or the first, can do', () => {
    const memory = new MemoryStorage();
    const plain = { ...new FailingStorage(memory), list: undefined } as unknown as Storage;
    const both = new MirroredStorage([disk, memory]);
    expect([both.root, both.localPath!('a'), both.volatile]).toEqual([disk.root, disk.localPath('a'), undefined]);
    const other = new MirroredStorage([memory, disk]);
    expect([other.root, other.localPath, other.url, other.signedUrl]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(new MirroredStorage([memory, plain]).list).toBeUndefined();
    expect(new MirroredStorage([memory, new MemoryStorage()]).volatile).toBe(true);
    expect('take' in both).toBe(false);
    for (const storages of [[], [memory], [memory, memory]])
      expect(() => new MirroredStorage(storages)).toThrow(expect.objectContaining({ code: 'invalid_option' }) as Error);
  });

  describe('write', () => {
    it.each([
      ['the first storage fails', 0],
      ['the second storage fails', 1],
    ])('keeps nothing when %s, at its start, in the middle, or at its end', async (_what, index) => {
      for (const after of [undefined, 3, 5, 100]) {
        const { first, second: last, failing, other, storage } = mirror();
        const error = unavailable();
        [failing, other][index]!.fail('write', { nth: 1, error, ...(after !== undefined && { after }) });
        await expect(storage.write('a', body('hello', 'world'))).rejects.toBe(error);
        expect([first.keys, last.keys]).toEqual([[], []]);
        await storage.write('a', body('again'));
        expect([await textOf(first, 'a'), await textOf(last, 'a')]).toEqual(['again', 'again']);
      }
    });

    it('leaves an object alone that only one storage has, and refuses its key', async () => {
      for (const index of [0, 1]) {
        const { first, second: last, storage } = mirror();
        await [first, last][index]!.write('a', body('old'));
        await expect(storage.write('a', body('new'))).rejects.toMatchObject({ code: 'already_exists' });
        expect([first.keys.length, last.keys.length]).toEqual(index === 0 ? [1, 0] : [0, 1]);
        expect(await textOf(storage, 'a')).toBe('old');
      }
    });

    it('reads the body once, at the pace of the slowest storage, and keeps at most one chunk', async () => {
      const taken = { fast: 0, slow: 0 };
      let made = 0;
      let ahead = 0;
      const taking = (name: 'fast' | 'slow'): Storage =>
        Object.assign(new MemoryStorage(), {
          write: async (key: string, bytes: AsyncIterable<Uint8Array>) => {
            for await (const chunk of bytes) {
              if (name === 'slow') await new Promise((resolve) => setTimeout(resolve, 2));
              taken[name] += chunk.byteLength;
            }
            return { size: taken[name] };
          },
        });
      const source = async function* () {
        for (let count = 0; count < 20; count += 1) {
          made += 1000;
          ahead = Math.max(ahead, made - taken.slow);
          yield Buffer.alloc(1000);
        }
      };
      await new MirroredStorage([taking('fast'), taking('slow')]).write('a', source());
      expect({ made, taken, ahead }).toEqual({ made: 20_000, taken: { fast: 20_000, slow: 20_000 }, ahead: 1000 });
    });

    it('closes the body when a storage stops to read it', async () => {
      const { other, storage } = mirror();
      other.fail('write', { error: unavailable(), after: 1500 });
      let closed = false;
      const source = async function* () {
        try {
          for (;;) yield Buffer.alloc(1000);
        } finally {
          closed = true;
        }
      };
      await expect(storage.write('a', source())).rejects.toMatchObject({ code: 'unavailable' });
      expect(closed).toBe(true);
    });

    it('reports a copy that it could not delete again', async () => {
      const { first, failing, other, faults, storage } = mirror();
      const error = unavailable();
      failing.fail('delete', { error: new Error('cannot') });
      other.fail('write', { error, after: 3 });
      await expect(storage.write('a', body('hello'))).rejects.toBe(error);
      // The first storage never had it: nothing had to be deleted.
      expect([faults, first.keys]).toEqual([[], []]);
      const late = Object.assign(new MemoryStorage(), {
        write: async (_key: string, bytes: AsyncIterable<Uint8Array>) => {
          for await (const chunk of bytes) expect(chunk.byteLength).toBe(5);
          throw error;
        },
      });
      const more = new MirroredStorage([failing, late], { onFault: (fault) => faults.push(fault) });
      await expect(more.write('b', body('hello'))).rejects.toBe(error);
      expect(faults).toMatchObject([{ operation: 'delete', key: 'b', storage: failing, error: { message: 'cannot' } }]);
    });

    it('lets one of many simultaneous writes of a key succeed, in every storage', async () => {
      const { first, second: last, storage } = mirror();
      const texts = Array.from({ length: 20 }, (_text, index) => `text ${index}`);
      const settled = await Promise.allSettled(texts.map((text) => storage.write('a', body(...text))));
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await textOf(first, 'a')).toBe(await textOf(last, 'a'));
    });
  });

  describe('read', () => {
    const filled = async () => {
      const all = mirror();
      await all.storage.write('a', body('hello'));
      return all;
    };

    it('goes to the next storage when the first lacks the object or fails, and reports it', async () => {
      const { first, failing, faults, storage } = await filled();
      for (const error of [unavailable(), new FileFieldError('storage_failed', 'x')]) {
        failing.fail('read', { nth: 1, error });
        expect(await textOf(storage, 'a', { start: 1, end: 3 })).toBe('ell');
        failing.fail('stat', { nth: 1, error });
        expect(await storage.stat('a')).toMatchObject({ size: 5 });
      }
      expect(faults.map(({ operation, error }) => [operation, (error as FileFieldError).code])).toEqual([
        ['read', 'unavailable'],
        ['stat', 'unavailable'],
        ['read', 'storage_failed'],
        ['stat', 'storage_failed'],
      ]);
      faults.length = 0;
      await first.delete('a');
      expect(await textOf(storage, 'a')).toBe('hello');
      expect(await storage.stat('a')).toMatchObject({ size: 5 });
      expect(faults).toMatchObject([{ operation: 'read', key: 'a', storage: failing, error: { code: 'not_found' } }]);
    });

    it('rejects with the first failure when no storage has the object, and with not_found when all can say', async () => {
      const { failing, other, faults, storage } = mirror();
      await expect(storage.read('a')).rejects.toMatchObject({ code: 'not_found' });
      expect(await storage.stat('a')).toBeNull();
      expect(faults).toEqual([]);
      const error = unavailable();
      other.fail('read', { error });
      await expect(storage.read('a')).rejects.toBe(error);
      other.fail('stat', { error });
      await expect(storage.stat('a')).rejects.toBe(error);
      failing.fail('stat', { error: new FileFieldError('storage_failed', 'mine') });
      await expect(storage.stat('a')).rejects.toMatchObject({ message: 'mine' });
      expect(faults).toHaveLength(2);
    });

    it('does not hide other errors', async () => {
      const { failing, storage } = await filled();
      for (const error of [new FileFieldError('invalid_key', 'x'), new TypeError('a fault of the program')]) {
        failing.fail('read', { nth: 1, error });
        await expect(storage.read('a')).rejects.toBe(error);
      }
    });

    /** A storage whose bodies fail after some bytes. */
    const breaking = (after: string, error: unknown, random: boolean): Storage & { closed: number } => {
      const storage = Object.assign(new MemoryStorage(), {
        closed: 0,
        read: async () => ({
          info: { size: 5 },
          stream: async function* () {
            if (after) yield Buffer.from(after);
            throw error;
          },
          ...(random && {
            read: async (buffer: Uint8Array, position: number) => {
              if (position >= after.length) throw error;
              return Buffer.from(after).copy(buffer, 0, position);
            },
          }),
          close: () => void (storage.closed += 1),
        }),
      });
      return storage;
    };

    it('goes to the next storage when a body fails before its first byte', async () => {
      for (const random of [false, true]) {
        const [bad, good] = [breaking('', unavailable(), random), new MemoryStorage()];
        await good.write('a', body('hello'));
        const faults: MirrorFault[] = [];
        const storage = new MirroredStorage([bad, good], { onFault: (fault) => faults.push(fault) });
        expect(await textOf(storage, 'a', { start: 0, end: 2 })).toBe('hel');
        expect(bad.closed).toBe(1);
        const opened = await storage.read('a');
        expect(opened.read === undefined).toBe(!random);
        if (random) {
          const buffer = Buffer.alloc(2);
          expect([await opened.read!(buffer, 3), buffer.toString()]).toEqual([2, 'lo']);
        }
        opened.close();
        expect(faults).toHaveLength(random ? 2 : 1);
      }
    });

    it('fails when a body fails after its first byte, or no storage has the same object', async () => {
      const error = unavailable();
      const good = new MemoryStorage();
      await good.write('a', body('hello'));
      await expect(textOf(new MirroredStorage([breaking('he', error, false), good]), 'a')).rejects.toBe(error);
      const random = await new MirroredStorage([breaking('he', error, true), good]).read('a');
      expect(await random.read!(Buffer.alloc(2), 0)).toBe(2);
      await expect(random.read!(Buffer.alloc(2), 2)).rejects.toBe(error);
      const longer = new MemoryStorage();
      await longer.write('a', body('hello, world'));
      await expect(textOf(new MirroredStorage([breaking('', error, false), longer]), 'a')).rejects.toBe(error);
      const bad = breaking('', new Error('the second error'), false);
      await expect(textOf(new MirroredStorage([breaking('', error, false), bad]), 'a')).rejects.toThrow(
        'the second error',
      );
      await expect(textOf(new MirroredStorage([breaking('', error, false), new MemoryStorage()]), 'a')).rejects.toBe(
        error,
      );
    });

    it('opens no other storage for a body that was closed', async () => {
      const good = new MemoryStorage();
      await good.write('a', body('hello'));
      const bad = breaking('', unavailable(), false);
      const opened = await new MirroredStorage([bad, good]).read('a');
      const chunks = opened.stream()[Symbol.asyncIterator]();
      opened.close();
      opened.close();
      await expect(chunks.next()).rejects.toMatchObject({ code: 'unavailable' });
    });
  });

  it('deletes from all storages although one fails, and then fails', async () => {
    const { first, second: last, failing, other, faults, storage } = mirror();
    await storage.write('a', body('hello'));
    const error = unavailable();
    const end = failing.fail('delete', { error });
    await expect(storage.delete('a')).rejects.toBe(error);
    expect([first.keys, last.keys]).toEqual([['a'], []]);
    other.fail('delete', { nth: 1, error: new Error('too') });
    await expect(storage.delete('a')).rejects.toBe(error);
    expect(faults).toMatchObject([{ operation: 'delete', error: { message: 'too' } }]);
    end();
    await storage.delete('a');
    expect(first.keys).toEqual([]);
  });

  it('lists each object of any storage once, and closes the listings of a reader that stops', async () => {
    const { first, second: last, storage } = mirror();
    for (const key of ['a', 'c', 'd']) await first.write(key, body('x'));
    for (const key of ['a', 'b', 'd', 'e']) await last.write(key, body('x'));
    const keysAfter = async (after: string) => {
      const keys = [];
      for await (const { key } of storage.list!({ after })) keys.push(key);
      return keys.join('');
    };
    expect([await keysAfter(''), await keysAfter('b'), await keysAfter('z')]).toEqual(['abcde', 'cde', '']);
    let closed = 0;
    const listing = () =>
      Object.assign(new MemoryStorage(), {
        list: async function* () {
          try {
            for (;;) yield { key: 'a' };
          } finally {
            closed += 1;
          }
        },
      });
    for await (const { key } of new MirroredStorage([listing(), listing()]).list!()) if (key) break;
    expect(closed).toBe(2);
  });
});
