import { jest } from '@jest/globals';
import fs, { promises as fsp } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileFieldError, type ByteRange, type ObjectBody, type Storage } from 'filefield';
import { CachedStorage, type CachedStorageOptions } from 'filefield/storages/cached';
import { MemoryStorage } from 'filefield/storages/memory';
import { FailingStorage, storageContract, temporaryStorage } from 'filefield/testing';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { GatedStorage } from '../support/gated-storage.js';

const base = fs.mkdtempSync(path.join(tmpdir(), 'cached-storage-'));
afterAll(() => fsp.rm(base, { recursive: true }));

async function* bytes(size: number, fill = 7) {
  for (let rest = size; rest > 0; rest -= 10_000) yield Buffer.alloc(Math.min(rest, 10_000), fill);
}

async function collected(body: ObjectBody): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body.stream()) chunks.push(Buffer.from(chunk));
  } finally {
    body.close();
  }
  return Buffer.concat(chunks);
}

const readAll = async (storage: Storage, key: string, range?: ByteRange) => collected(await storage.read(key, range));

/** Waits until something is so. */
async function until(condition: () => boolean): Promise<void> {
  for (let wait = 0; wait < 500 && !condition(); wait += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

let count = 0;
function cache(options: Partial<CachedStorageOptions> = {}) {
  const root = path.join(base, String((count += 1)));
  const faults: FileFieldError[] = [];
  const origin = new GatedStorage();
  const onFault = (error: FileFieldError) => void faults.push(error);
  const make = () => new CachedStorage({ storage: origin, root, maxSize: '10 MB', onFault, ...options });
  return { root, faults, origin, make, storage: make() };
}

/** The files of a cache, unfinished ones too. */
function filesOf(root: string): string[] {
  if (!fs.existsSync(root)) return [];
  const entries = fs.readdirSync(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

const finished = (root: string) => filesOf(root).filter((file) => !file.includes('.filling'));

async function filled(all: ReturnType<typeof cache>, key: string, size = 1000): Promise<string> {
  const before = new Set(finished(all.root));
  await all.origin.write(key, bytes(size));
  await readAll(all.storage, key);
  await until(() => finished(all.root).length > before.size);
  return finished(all.root).find((file) => !before.has(file))!;
}

describe('CachedStorage', () => {
  describe('of a storage in memory', () => {
    const { make, root } = cache({ maxSize: '1 MB', maxObjectSize: '400 KB' });
    const held = () => descriptorsBelow(root);
    for (const claim of storageContract(make, { held })) it(claim.title, claim.run);
  });

  describe('of a disk, that caches nothing so large', () => {
    let remove: () => Promise<void>;
    const { root } = cache();
    const make = async () => {
      const storage = await temporaryStorage();
      remove = () => storage.remove();
      return new CachedStorage({ storage, root, maxSize: '10 MB', maxObjectSize: 1000 });
    };
    afterEach(() => remove());
    for (const claim of storageContract(make)) it(claim.title, claim.run);
  });

  describe('whose objects are all read twice', () => {
    const { make } = cache();
    const twice = () => {
      const storage = make();
      const read = storage.read.bind(storage);
      storage.read = async (key, range) => {
        await readAll({ ...storage, read } as never, key).catch(() => undefined);
        return read(key, range);
      };
      return storage;
    };
    for (const claim of storageContract(twice)) it(claim.title, claim.run);
  });

  it('has the optional members of its storage except localPath and root', async () => {
    const disk = await temporaryStorage();
    const storage = new CachedStorage({ storage: disk, root: path.join(base, 'members'), maxSize: 1 });
    const present = ['take', 'list', 'localPath', 'root', 'signedUrl', 'url', 'volatile'].filter(
      (name) => name in storage,
    );
    expect(present).toEqual(['take', 'list']);
  });

  it.each([{ storage: undefined as never }, { root: '' }, { maxSize: 0 }, { maxSize: 10, maxObjectSize: 11 }])(
    'refuses %j',
    (options) => {
      expect(() => cache(options)).toThrow(expect.objectContaining({ code: 'invalid_option' }) as Error);
    },
  );

  it('reads the storage once for a hundred readers, and never again, also after a restart', async () => {
    const all = cache();
    await all.origin.write('a', bytes(500_000));
    const read = await Promise.all(Array.from({ length: 100 }, () => readAll(all.storage, 'a')));
    for (const one of read) expect(one.equals(Buffer.alloc(500_000, 7))).toBe(true);
    await until(() => finished(all.root).length === 1);
    const info = await all.origin.stat('a');
    for (const storage of [all.storage, all.make()]) {
      const body = await storage.read('a');
      expect(body.info).toEqual(info);
      expect((await collected(body)).byteLength).toBe(500_000);
      expect((await readAll(storage, 'a', { start: 499_990, end: 499_999 })).byteLength).toBe(10);
    }
    expect(all.origin.ranges).toEqual([undefined]);
    expect(all.origin.closed).toBe(1);
    expect(all.faults).toEqual([]);
  });

  it('gives each reader the bytes as they come, and does not wait for a slow one', async () => {
    const all = cache();
    await all.origin.write('a', bytes(50_000));
    let release: () => void = () => undefined;
    all.origin.gate = () => new Promise((resolve) => (release = resolve));
    const [slow, quick] = [await all.storage.read('a'), await all.storage.read('a')];
    const chunks = quick.stream()[Symbol.asyncIterator]();
    let got = 0;
    for (let step = 1; step <= 5; step += 1) {
      release();
      while (got < step * 10_000) got += (await chunks.next()).value!.byteLength;
      expect(got).toBe(step * 10_000);
    }
    // The storage is free although one reader has read nothing.
    await until(() => all.origin.closed === 1);
    expect((await chunks.next()).done).toBe(true);
    quick.close();
    expect((await collected(slow)).byteLength).toBe(50_000);
  });

  it('asks for exactly the range of an object that is not cached, and caches nothing', async () => {
    const all = cache();
    await all.origin.write('a', bytes(1000));
    expect((await readAll(all.storage, 'a', { start: 5, end: 9 })).byteLength).toBe(5);
    expect(all.origin.ranges).toEqual([{ start: 5, end: 9 }]);
    expect(filesOf(all.root)).toEqual([]);
  });

  it('stops to fetch when nobody reads any more, and keeps nothing', async () => {
    const all = cache();
    await all.origin.write('a', bytes(100_000));
    let steps = 0;
    all.origin.gate = () => ((steps += 1) > 2 ? new Promise(() => undefined) : undefined);
    const readers = [await all.storage.read('a'), await all.storage.read('a')];
    const waiting = readers[0]!.stream()[Symbol.asyncIterator]();
    for (let got = 0; got < 20_000;) got += (await waiting.next()).value!.byteLength;
    readers[0]!.close();
    expect(all.origin.closed).toBe(0);
    readers[1]!.close();
    readers[1]!.close();
    expect(all.origin.closed).toBe(1);
    expect(finished(all.root)).toEqual([]);
  });

  it('fails with the error of the storage, in the middle too, and tries again at the next read', async () => {
    const all = cache();
    await all.origin.write('a', bytes(100_000));
    const error = new FileFieldError('unavailable', 'The storage is down.');
    let steps = 0;
    all.origin.gate = () => {
      if ((steps += 1) === 4) throw error;
    };
    const reads = [readAll(all.storage, 'a'), readAll(all.storage, 'a')];
    for (const read of reads) await expect(read).rejects.toBe(error);
    await until(() => descriptorsBelow(all.root) === 2 || filesOf(all.root).length === 0);
    expect(finished(all.root)).toEqual([]);
    expect((await readAll(all.storage, 'a')).byteLength).toBe(100_000);
    expect(all.origin.ranges).toHaveLength(2);
    const failing = new FailingStorage(all.origin);
    const other = new CachedStorage({ storage: failing, root: all.root, maxSize: '1 MB' });
    failing.outage();
    const calls = [
      () => other.read('b'),
      () => other.stat('b'),
      () => other.write('b', bytes(1)),
      () => other.delete('b'),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'storage_failed' });
  });

  it('fails with incomplete and keeps nothing when the storage returns too few or too many bytes', async () => {
    for (const size of [99_999, 100_001]) {
      const all = cache();
      await all.origin.write('a', bytes(100_000));
      const { read } = all.origin;
      all.origin.read = async function (...given) {
        const body = await read.apply(this, given);
        return { ...body, info: { size } };
      };
      await expect(readAll(all.storage, 'a')).rejects.toMatchObject({ code: 'incomplete' });
      await until(() => filesOf(all.root).length === 0);
    }
  });

  describe('when the disk of the cache fails', () => {
    afterEach(() => void jest.restoreAllMocks());

    it('goes on from the storage when it is full, and reports it', async () => {
      const all = cache();
      await all.origin.write('a', bytes(100_000));
      const handle = await fsp.open(path.join(base, 'any'), 'w');
      const prototype = Object.getPrototypeOf(handle) as fsp.FileHandle;
      await handle.close();
      let writes = 0;
      const { write } = prototype;
      jest.spyOn(prototype, 'write').mockImplementation(async function (this: fsp.FileHandle, ...given: unknown[]) {
        if ((writes += 1) > 3) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        return write.apply(this, given as never) as never;
      } as never);
      const read = await Promise.all([readAll(all.storage, 'a'), readAll(all.storage, 'a')]);
      for (const one of read) expect(one.equals(Buffer.alloc(100_000, 7))).toBe(true);
      expect(all.origin.ranges).toEqual([undefined, ...Array(2).fill({ start: 30_000, end: 99_999 })]);
      expect(all.faults).toMatchObject([{ code: 'no_space' }]);
      await until(() => filesOf(all.root).length === 0 && all.origin.closed === 3);
    });

    it('reads from the storage when the folder cannot be made', async () => {
      fs.writeFileSync(path.join(base, 'no-folder'), '');
      const all = cache({ root: path.join(base, 'no-folder') });
      await all.origin.write('a', bytes(1000));
      for (const reads of [1, 2]) {
        expect((await readAll(all.storage, 'a')).byteLength).toBe(1000);
        expect(all.origin.ranges).toHaveLength(reads);
      }
      expect(all.faults.length).toBeGreaterThan(0);
    });
  });

  it.each([
    ['shorter', (file: string) => fs.truncateSync(file, 500)],
    ['longer', (file: string) => fs.appendFileSync(file, 'x')],
    ['empty', (file: string) => fs.truncateSync(file, 0)],
    ['no file of a cache', (file: string) => fs.writeFileSync(file, 'x'.repeat(10_000))],
    ['of another key', (file: string) => fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"a"', '"b"'))],
    ['without a size', (file: string) => fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('size', 'sise'))],
    ['deleted', (file: string) => fs.unlinkSync(file)],
  ])('fetches an object again whose file is %s', async (_what, damage) => {
    const all = cache();
    damage(await filled(all, 'a'));
    // Another storage: the first may not have noticed yet that its file is finished.
    const again = all.make();
    expect((await readAll(again, 'a')).equals(Buffer.alloc(1000, 7))).toBe(true);
    expect(all.origin.ranges).toHaveLength(2);
    expect((await readAll(again, 'a')).byteLength).toBe(1000);
    await until(() => finished(all.root).length === 1);
    expect(all.faults).toEqual([]);
  });

  it('forgets an object that is deleted, also while it is being fetched', async () => {
    const all = cache();
    await filled(all, 'a');
    await all.storage.delete('a');
    await expect(all.storage.read('a')).rejects.toMatchObject({ code: 'not_found' });
    await all.origin.write('b', bytes(20_000));
    let release: () => void = () => undefined;
    all.origin.gate = () => new Promise((resolve) => (release = resolve));
    const body = await all.storage.read('b');
    await all.storage.delete('b');
    all.origin.gate = () => undefined;
    release();
    expect((await collected(body)).byteLength).toBe(20_000);
    await until(() => filesOf(all.root).length === 0);
    await expect(all.storage.read('b')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('keeps the object in its storage when its cached file cannot be deleted first', async () => {
    const failing = new FailingStorage(new MemoryStorage());
    const storage = new CachedStorage({ storage: failing, root: path.join(base, 'order'), maxSize: '1 MB' });
    await storage.write('a', bytes(100));
    await readAll(storage, 'a');
    failing.fail('delete', { nth: 1 });
    await expect(storage.delete('a')).rejects.toMatchObject({ code: 'storage_failed' });
    expect((await readAll(storage, 'a')).byteLength).toBe(100);
  });

  it('deletes what was not used for the longest time when it becomes too large, in any process', async () => {
    const all = cache({ maxSize: 100 * 4096, maxObjectSize: 4096 * 100 });
    const files: string[] = [];
    for (const key of ['a', 'b', 'c', 'd']) files.push(await filled(all, key, 20 * 4096));
    const hour = Date.now() / 1000 - 3600;
    for (const [index, file] of files.entries()) fs.utimesSync(file, hour + index, hour + index);
    // A use of the oldest is recorded.
    await readAll(all.storage, 'a');
    await until(() => fs.statSync(files[0]!).mtimeMs > Date.now() - 60_000);
    const foreign = path.join(all.root, 'ab', 'notes.txt');
    fs.mkdirSync(path.dirname(foreign), { recursive: true });
    fs.writeFileSync(foreign, 'x'.repeat(1_000_000));
    const other = all.make();
    await all.origin.write('e', bytes(20 * 4096));
    await readAll(other, 'e');
    await until(() => !fs.existsSync(files[1]!));
    await until(() => finished(all.root).length === 5);
    expect([0, 2, 3].map((index) => fs.existsSync(files[index]!))).toEqual([true, true, true]);
    expect(fs.existsSync(foreign)).toBe(true);
  });

  it('does not cache an object over maxObjectSize, nor one with a header that is too long', async () => {
    const all = cache({ maxObjectSize: 1000 });
    await all.origin.write('a', bytes(1001));
    await all.origin.write('b', bytes(1000));
    const { read } = all.origin;
    all.origin.read = async function (...given) {
      const body = await read.apply(this, given);
      return given[0] === 'b' ? { ...body, info: { ...body.info, etag: 'x'.repeat(5000) } } : body;
    };
    for (const key of ['a', 'b']) {
      await Promise.all([readAll(all.storage, key), readAll(all.storage, key)]);
      expect(filesOf(all.root)).toEqual([]);
    }
    expect(all.origin.ranges).toHaveLength(4);
    expect(all.origin.closed).toBe(4);
  });

  it('deletes what a killed process has left, but not what another one is filling', async () => {
    const all = cache();
    const folder = path.join(all.root, '.filling');
    fs.mkdirSync(folder, { recursive: true });
    const [left, running] = ['0', '1'].map((digit) => path.join(folder, crypto.randomUUID().replace(/^./, digit)));
    for (const file of [left!, running!]) fs.writeFileSync(file, 'x');
    fs.utimesSync(left!, 1, 1);
    await filled(all, 'a');
    await until(() => !fs.existsSync(left!));
    expect(fs.existsSync(running!)).toBe(true);
  });
});
