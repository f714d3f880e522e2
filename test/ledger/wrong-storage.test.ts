import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiskStorage } from 'filefield/storages/disk';
import { ledgerCheck, storageCheck } from 'filefield/health';
import { MemoryStorage } from 'filefield/storages/memory';
import { isFenceKey } from '../../src/file/key.js';
import { CopiedDatabases, type Application } from '../support/copied-databases.js';
import { reachableDatabases } from '../support/databases.js';

/** A bucket: it survives the process, and it has no folder. */
class Bucket extends MemoryStorage {
  override readonly volatile = false;
}

describe.each(await reachableDatabases())('a storage that is not the one it should be, on %s', (database) => {
  const copies = new CopiedDatabases(database);
  let folder: string;
  let storage: Bucket;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'filefield-storage-'));
    storage = new Bucket();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  afterAll(() => copies.close());

  const objects = (bucket: Bucket) => bucket.keys.filter((key) => !isFenceKey(key)).length;
  const disk = (name: string) => new DiskStorage({ root: path.join(folder, name), sync: false });

  async function onDisk(): Promise<Application & { readonly name: string }> {
    const name = await copies.create();
    const application = await copies.open(name, disk('media'), { protection: 'off' });
    await application.add('one');
    return { ...application, name };
  }

  it('refuses uploads and deletes nothing while a volume is not mounted', async () => {
    const { add, remove, files, faults, read } = await onDisk();
    await add('two');
    await rename(path.join(folder, 'media'), path.join(folder, 'away'));
    await expect(add('three')).rejects.toMatchObject({ code: 'wrong_storage', statusCode: 500 });
    await remove('one');
    expect(await files.sweep()).toMatchObject({ deleted: 0, waiting: 1 });
    expect(await files.sweep()).toMatchObject({ deleted: 0, waiting: 1 });
    expect(faults).toEqual(['wrong_storage']);
    const check = ledgerCheck(files);
    expect((await check.run()).links.at(-1)).toMatchObject({ link: 'storages', ok: false });
    const stored = storageCheck(files.storages.resolve('media'), { files });
    expect((await stored.run()).links).toMatchObject([
      { link: 'marker', error: { code: 'unhealthy', cause: { code: 'wrong_storage' } } },
    ]);
    expect(await readdir(folder)).toEqual(['away']);
    await rename(path.join(folder, 'away'), path.join(folder, 'media'));
    expect((await stored.run()).links).toMatchObject([
      { link: 'marker', ok: true },
      { link: 'write', ok: true },
      {},
      {},
      {},
      {},
      {},
    ]);
    expect(await files.sweep()).toMatchObject({ deleted: 1, waiting: 0 });
    expect((await check.run()).links.map(({ link }) => link)).toEqual([
      'ledger',
      'storages',
      'sweep',
      'stuck',
      'objects',
      'indexes',
    ]);
    await add('three');
    expect(await read('two')).toBe('text of two');
  });

  it('refuses a file that is staged in a transaction while a volume is not mounted', async () => {
    const { files, dataSource } = await onDisk();
    const enter = () => dataSource.transaction(() => files.ledger.fence!.enter('media', true));
    await enter();
    await rename(path.join(folder, 'media'), path.join(folder, 'away'));
    // Each time, not only the first one.
    for (let time = 0; time < 2; time += 1) await expect(enter()).rejects.toMatchObject({ code: 'wrong_storage' });
    await rename(path.join(folder, 'away'), path.join(folder, 'media'));
    await enter();
  });

  it('refuses uploads from another working directory and to an empty folder, and names no path', async () => {
    const { name, close } = await onDisk();
    await close();
    const other = await copies.open(name, disk('elsewhere'));
    const failure = await other.add('two').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'wrong_storage' });
    expect(String(failure)).not.toContain(folder);
    await expect(readdir(path.join(folder, 'elsewhere'))).rejects.toThrow('ENOENT');
    await other.files.ledger.fence!.take('media');
    await other.add('two');
  });

  it('is unused before the first file, right, wrong, and contested, as status() says', async () => {
    const { files, add, name, dataSource, age } = await onDisk();
    const condition = async (one = files) => (await one.status()).storages.map((storage) => storage.condition);
    expect(await condition((await copies.open(await copies.create(), disk('media'))).files)).toEqual(['unused']);
    expect(await condition()).toEqual(['right']);
    // As after a crash between the object and the ledger.
    await dataSource.query(`UPDATE file_fence SET generation = 0, next_token = token, token = 'before'`);
    expect(await condition()).toEqual(['unused']);
    await files.sweep();
    await age();
    await files.sweep();
    await dataSource.query(`UPDATE file_fence SET generation = 1, next_token = token, token = 'before'`);
    expect(await condition()).toEqual(['right']);
    await files.sweep();
    await add('two');
    await dataSource.query(`UPDATE file_fence SET token = 'of another'`);
    expect(await condition()).toEqual(['contested']);
    expect(await condition((await copies.open(name, disk('elsewhere'))).files)).toEqual(['wrong']);
  });

  it('is left by a copy also if it is not registered any more', async () => {
    const { files, dataSource, add } = await onDisk();
    await dataSource.query(
      `INSERT INTO file_fence (storage, generation, token, gap, last_gap) VALUES ('former', 1, 'x', 0, 0)`,
    );
    await files.ledger.fence!.leave();
    await add('two');
    expect((await files.status()).storages).toMatchObject([{ storage: 'media', condition: 'right' }]);
  });

  it('deletes nothing in a bucket that was emptied or swapped, and lets uploads go on', async () => {
    const name = await copies.create();
    const before = await copies.open(name, storage);
    await before.add('one');
    await before.add('two');
    await before.close();
    const other = new Bucket();
    const { add, remove, files, faults } = await copies.open(name, other);
    await add('three');
    await remove('one');
    expect(await files.sweep()).toMatchObject({ deleted: 0, waiting: 1 });
    expect(faults).toEqual(['wrong_storage']);
    expect(objects(other)).toBe(1);
  });

  it('keeps markers apart of two names for one folder, and of two ledgers in one folder', async () => {
    for (let ledger = 0; ledger < 2; ledger += 1) {
      const shared = disk('shared');
      const storages = { media: shared, alias: shared };
      const { add, remove, files, faults, age } = await copies.open(await copies.create(), shared, { storages });
      await files.ledger.fence!.enter('alias', false);
      await add('one');
      await remove('one');
      for (let round = 0; round < 3; round += 1) {
        await age();
        await files.sweep();
      }
      expect(faults).toEqual([]);
      const { unknown } = await files.reconcile({ from: { storage: 0, after: '' } });
      expect(unknown).toEqual([]);
    }
  });
});
