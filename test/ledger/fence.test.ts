import type { Storage } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { isFenceKey } from '../../src/file/key.js';
import { CopiedDatabases, Letter, type Application } from '../support/copied-databases.js';
import { reachableDatabases } from '../support/databases.js';

/** A bucket: it survives the process, and it has no folder. */
class Bucket extends MemoryStorage {
  override readonly volatile = false;
}

const databases = await reachableDatabases();

describe.each(databases)('the fence on %s', (database) => {
  const copies = new CopiedDatabases(database);
  let storage: Bucket;

  beforeEach(() => {
    storage = new Bucket();
  });
  afterAll(() => copies.close());

  const objects = (bucket: Bucket = storage) => bucket.keys.filter((key) => !isFenceKey(key)).length;

  /** A database with three letters, older than the fence, that has swept before; and a copy of it. */
  async function originalAndCopy(media: Storage = storage): Promise<{ original: Application; copy: Application }> {
    const name = await copies.create();
    const before = await copies.open(name, media);
    for (const title of ['one', 'two', 'three']) await before.add(title);
    await before.age();
    await before.files.sweep();
    await before.close();
    const copied = await copies.copy(name);
    return { original: await copies.open(name, media), copy: await copies.open(copied, media) };
  }

  describe('a single database', () => {
    it('deletes at once while its ledger is young', async () => {
      const { add, remove, files } = await copies.open(await copies.create(), storage);
      await add('one');
      await remove('one');
      expect(await files.sweep()).toMatchObject({ deleted: 1, waiting: 0 });
      expect(objects()).toBe(0);
    });

    it('deletes, once its ledger is older, what was retired before a token that has stood for the fence', async () => {
      const { add, remove, files, age } = await copies.open(await copies.create(), storage);
      await add('one');
      await age();
      await remove('one');
      // Retired after the token was recorded: the sweep replaces the token.
      expect(await files.sweep()).toMatchObject({ deleted: 0, waiting: 1 });
      expect(await files.sweep()).toMatchObject({ deleted: 0, waiting: 1 });
      await age();
      expect(await files.sweep()).toMatchObject({ deleted: 1, waiting: 0 });
      expect(objects()).toBe(0);
    });

    it('waits for twice the longest time between two sweeps', async () => {
      const { add, remove, files, age, dataSource } = await copies.open(await copies.create(), storage);
      await add('one');
      await files.sweep();
      await dataSource.query(`UPDATE file_fence SET swept_at = swept_at - 86400000`);
      await age();
      await remove('one');
      await files.sweep();
      expect((await files.ledger.fence!.state('media'))!.length).toBeGreaterThanOrEqual(2 * 86_400_000);
      await age();
      expect(await files.sweep()).toMatchObject({ deleted: 0, waiting: 1 });
      // Two days later.
      for (let hours = 0; hours < 96; hours += 2) await age();
      await files.sweep();
      for (let hours = 0; hours < 96; hours += 2) await age();
      expect(await files.sweep()).toMatchObject({ deleted: 1 });
    });

    it('does not contest itself when many sweepers replace the token at once', async () => {
      const { add, remove, files, age, faults } = await copies.open(await copies.create(), storage);
      for (let round = 0; round < 10; round += 1) {
        await add(`round ${round}`);
        await remove(`round ${round}`);
        await age();
        await Promise.all(Array.from({ length: 4 }, () => files.sweep()));
      }
      expect(faults).toEqual([]);
      await age();
      await files.sweep();
      await age();
      await files.sweep();
      expect(objects()).toBe(0);
    });

    it('looks again where another process replaces the token between its look at the ledger and at the storage', async () => {
      const bucket = new TurningBucket();
      const name = await copies.create();
      const [one, other] = [await copies.open(name, bucket), await copies.open(name, bucket)];
      await one.add('one');
      await one.age();
      bucket.beforeRead = () => other.files.sweep();
      const before = await one.files.ledger.fence!.state('media');
      await one.files.ledger.fence!.confirm('media');
      expect((await one.files.ledger.fence!.state('media'))!.generation).toBe(before!.generation + 1);
      await one.files.sweep();
      expect([...one.faults, ...other.faults]).toEqual([]);
    });

    it('begins with one marker when several processes store the first files at once', async () => {
      const name = await copies.create();
      const processes = [await copies.open(name, storage), await copies.open(name, storage)];
      await Promise.all(processes.map(({ add }, index) => add(`of ${index}`)));
      for (const { files, faults } of processes) {
        await files.sweep();
        expect(faults).toEqual([]);
      }
      expect(storage.keys.filter((key) => isFenceKey(key))).toHaveLength(1);
    });

    it.each(['before', 'after'])('goes on after a crash %s any write to its storage or its fence', async (when) => {
      for (let step = 1; step < 6; step += 1) {
        const bucket = new CrashingBucket();
        const { add, remove, files, age } = await copies.open(await copies.create(), bucket);
        await add('one');
        await remove('one');
        await age();
        bucket.crashIn = step;
        bucket.when = when as 'before';
        await files.sweep();
        bucket.crashIn = Infinity;
        for (let round = 0; round < 3; round += 1) {
          await files.sweep();
          await age();
        }
        expect({ step, objects: objects(bucket) }).toEqual({ step, objects: 0 });
      }
    });

    it('begins again where a process died before its first marker was written', async () => {
      const name = await copies.create();
      const bucket = new CrashingBucket();
      bucket.crashIn = 1;
      await expect((await copies.open(name, bucket)).add('one')).rejects.toThrow();
      bucket.crashIn = Infinity;
      const { files, add, faults, remove } = await copies.open(name, bucket);
      await files.sweep();
      expect(faults).toEqual([]);
      await add('two');
      await remove('two');
      expect(await files.sweep()).toMatchObject({ deleted: 1 });
    });
  });

  describe('a copied database', () => {
    it.each(['the copy', 'the original'])(
      'deletes nothing that the original has when %s sweeps first',
      async (first) => {
        const { original, copy } = await originalAndCopy();
        await copy.remove('one');
        const turn = first === 'the copy' ? [copy, original] : [original, copy];
        for (let round = 0; round < 6; round += 1) {
          for (const application of turn) await application.files.sweep();
          await copy.age();
        }
        expect(await original.read('one')).toBe('text of one');
        expect(objects()).toBe(3);
        // Both are told, once.
        expect(copy.faults).toEqual(['contested']);
        expect(original.faults).toEqual(['contested']);
        // Reads and uploads go on, in both.
        await copy.add('four');
        await original.add('five');
        expect(await copy.read('four')).toBe('text of four');
        expect(await original.read('five')).toBe('text of five');
      },
    );

    it('deletes nothing of the original with deleteUnknown', async () => {
      const { original, copy } = await originalAndCopy();
      await original.add('later');
      await copy.files.reconcile({ deleteUnknown: true, from: { storage: 0, after: '' } });
      for (let round = 0; round < 3; round += 1) {
        await copy.files.sweep();
        await original.files.sweep();
        await copy.age();
      }
      expect(await original.read('later')).toBe('text of later');
    });

    it('waits, even if the original is young and deletes at once', async () => {
      const name = await copies.create();
      const before = await copies.open(name, storage);
      await before.add('one');
      await before.close();
      const copy = await copies.open(await copies.copy(name), storage);
      await copy.remove('one');
      expect(await copy.files.sweep()).toMatchObject({ deleted: 0, waiting: 1 });
    });

    it('has files of its own after leave(), never deletes what it has from the original, and the original goes on', async () => {
      const { original, copy } = await originalAndCopy();
      await copy.remove('one');
      await copy.age();
      for (const application of [copy, original, copy]) await application.files.sweep();
      expect(copy.faults).toEqual(['contested']);
      await copy.files.ledger.fence!.leave();
      const key = await copy.add('own');
      await copy.remove('own');
      await copy.remove('two');
      expect(await copy.files.sweep()).toMatchObject({ deleted: 1, waiting: 0 });
      expect(storage.keys).not.toContain(key);
      expect(await original.read('one')).toBe('text of one');
      expect(await original.read('two')).toBe('text of two');
      // The original takes the storage back by itself.
      await original.remove('three');
      await original.files.sweep();
      for (let round = 0; round < 2; round += 1) {
        await original.age();
        await original.files.sweep();
      }
      expect(objects()).toBe(2);
    });

    it('is contested after a restore in place, and takes the storage with take()', async () => {
      const { original, copy } = await originalAndCopy();
      await original.add('bound since');
      await original.age();
      await original.files.sweep();
      await original.close();
      // The restored database does not know the last row.
      await copy.files.reconcile({ deleteUnknown: true, from: { storage: 0, after: '' } });
      await copy.remove('one');
      expect(await copy.files.sweep()).toMatchObject({ deleted: 0 });
      await copy.age();
      expect(await copy.files.sweep()).toMatchObject({ deleted: 0 });
      expect(copy.faults).toEqual(['contested']);
      expect(objects()).toBe(4);
      await copy.files.ledger.fence!.take('media');
      expect(await copy.files.sweep()).toMatchObject({ deleted: 0, waiting: 2 });
      await copy.age();
      expect(await copy.files.sweep()).toMatchObject({ deleted: 2 });
      // What is refused afterwards is told again.
      for (const key of storage.keys) if (isFenceKey(key)) await storage.delete(key);
      await copy.files.sweep();
      expect(copy.faults).toEqual(['contested', 'wrong_storage']);
    });

    it('is told of the original when it stores its first file after the original did, and the upload goes on', async () => {
      const name = await copies.create();
      const before = await copies.open(name, storage);
      await before.files.ledger.identity();
      await before.close();
      const copy = await copies.open(await copies.copy(name), storage);
      const original = await copies.open(name, storage);
      await original.add('one');
      await copy.add('two');
      expect(copy.faults).toEqual(['contested']);
      await copy.remove('two');
      await original.remove('one');
      for (const { files } of [copy, original, copy]) expect(await files.sweep()).toMatchObject({ deleted: 0 });
      expect(objects()).toBe(2);
      expect([...copy.faults, ...original.faults]).toEqual(['contested', 'contested']);
    });

    it('alarms nobody if the original was a template that had stored nothing, or was emptied', async () => {
      const template = await copies.create();
      const emptied = await copies.create();
      const before = await copies.open(emptied, new Bucket());
      await before.add('seed');
      for (const table of ['letter', 'file_ledger', 'file_trash'])
        await before.dataSource.query(`DELETE FROM ${table}`);
      await before.close();
      for (const name of [template, template, emptied]) {
        const application = await copies.open(await copies.copy(name), name === emptied ? new Bucket() : storage);
        await application.add('one');
        await application.age();
        await application.remove('one');
        await application.files.sweep();
        await application.age();
        expect(await application.files.sweep()).toMatchObject({ deleted: 1 });
        expect(application.faults).toEqual([]);
      }
    });
  });

  it('keeps no marker in a storage that is lost with the process', async () => {
    const memory = new MemoryStorage();
    const { add, remove, files, age } = await copies.open(await copies.create(), memory);
    await add('one');
    await age();
    await remove('one');
    expect(await files.sweep()).toMatchObject({ deleted: 1 });
    expect(memory.keys).toEqual([]);
    await files.erase(await files.stage(Letter, 'file', 'erased'));
    expect(memory.keys).toEqual([]);
    expect(await files.stage(Letter, 'file', 'x')).toMatchObject({ size: 1 });
  });
});

/** A bucket in which something happens once, before an object is read. */
class TurningBucket extends Bucket {
  beforeRead: (() => Promise<unknown>) | undefined;

  override async read(...values: Parameters<MemoryStorage['read']>) {
    const act = this.beforeRead;
    this.beforeRead = undefined;
    await act?.();
    return super.read(...values);
  }
}

/** A bucket whose nth change of a marker fails, before or after it took effect: as if the process had died there. */
class CrashingBucket extends Bucket {
  crashIn = Infinity;
  when: 'before' | 'after' = 'before';

  override async write(...values: Parameters<MemoryStorage['write']>) {
    return this.#crash(values[0], () => super.write(...values));
  }

  override async delete(key: string): Promise<void> {
    return this.#crash(key, () => super.delete(key));
  }

  async #crash<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const crashes = isFenceKey(key) && --this.crashIn === 0;
    if (crashes && this.when === 'before') throw new Error('killed');
    const result = await work();
    if (crashes) throw new Error('killed');
    return result;
  }
}
