import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiskStorage } from 'filefield/storages/disk';
import { CopiedDatabases, Letter, type Application } from '../support/copied-databases.js';
import { reachableDatabases } from '../support/databases.js';

/** Two databases, or two names, and one folder: nothing may be deleted that somebody else has. */
describe.each(await reachableDatabases())('objects of a folder that are adopted on %s', (database) => {
  const databases = new CopiedDatabases(database);
  let root: string;
  beforeEach(() => (root = mkdtempSync(path.join(tmpdir(), 'filefield-adopted-'))));
  afterEach(() => rmSync(root, { recursive: true }));
  afterAll(() => databases.close());

  const storage = () => new DiskStorage({ root, sync: false });
  const exists = (name: string) => existsSync(path.join(root, name));
  const put = (name: string) => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), `text of ${name}`);
  };
  const insert = async ({ dataSource }: Application, ...titles: string[]) => {
    for (const title of titles) await dataSource.getRepository(Letter).save({ title, file: null });
  };
  const adopt = ({ files }: Application, options = {}) =>
    files.adopt(Letter, 'file', { key: ({ title }) => title, ...options });

  it('are deleted with their rows, and their folders and neighbours stay', async () => {
    const name = await databases.create();
    const one = await databases.open(name, storage());
    put('2019/a.txt');
    put('2019/b.txt');
    await insert(one, '2019/a.txt');
    expect(await adopt(one)).toMatchObject({ adopted: 1 });
    expect(await one.read('2019/a.txt')).toBe('text of 2019/a.txt');
    await one.remove('2019/a.txt');
    expect(await one.files.sweep()).toMatchObject({ deleted: 1 });
    expect([exists('2019/a.txt'), exists('2019/b.txt')]).toEqual([false, true]);
  });

  it('are refused to a second database', async () => {
    const one = await databases.open(await databases.create(), storage());
    const other = await databases.open(await databases.create(), storage());
    put('a.txt');
    await insert(one, 'a.txt');
    await insert(other, 'a.txt');
    expect(await adopt(one)).toMatchObject({ adopted: 1 });
    for (const dryRun of [true, false])
      await expect(adopt(other, { dryRun })).rejects.toMatchObject({ code: 'contested' });
    await other.remove('a.txt');
    await other.files.sweep();
    expect(await one.read('a.txt')).toBe('text of a.txt');
    // Once more, since the marker of the second one is in the folder by now.
    put('b.txt');
    await insert(one, 'b.txt');
    await expect(adopt(one)).rejects.toMatchObject({ code: 'contested' });
  });

  it('are not deleted by a copy of the database, declared or not', async () => {
    const original = await databases.create();
    const one = await databases.open(original, storage());
    put('a.txt');
    put('b.txt');
    await insert(one, 'a.txt', 'b.txt');
    await adopt(one);
    await one.close();
    const copied = await databases.copy(original);
    const copy = await databases.open(copied, storage());
    const again = await databases.open(original, storage());
    await copy.remove('a.txt');
    for (let hour = 0; hour < 3; hour += 1) {
      await copy.age();
      await copy.files.sweep();
      await again.age();
      await again.files.sweep();
    }
    expect(exists('a.txt')).toBe(true);
    await copy.files.ledger.fence!.leave();
    await copy.remove('b.txt');
    await copy.age();
    await copy.files.sweep();
    await copy.files.sweep();
    expect([exists('a.txt'), exists('b.txt')]).toEqual([true, true]);
  });

  it('are adopted once, whatever names the folder has', async () => {
    const name = await databases.create();
    const one = await databases.open(name, storage());
    put('a.txt');
    await insert(one, 'a.txt');
    await adopt(one);
    const again = await databases.open(name, storage(), { storages: { media: storage(), twin: storage() } });
    await insert(again, 'a.txt');
    expect(await adopt(again, { storage: 'twin' })).toMatchObject({ adopted: 0, shared: [{ key: 'a.txt' }] });
  });

  it('are not adopted by a second name: through a symbolic link', async () => {
    const one = await databases.open(await databases.create(), storage());
    put('real/a.txt');
    symlinkSync('real', path.join(root, 'link'));
    symlinkSync('real/a.txt', path.join(root, 'file-link.txt'));
    await insert(one, 'real/a.txt', 'link/a.txt', 'file-link.txt', 'link/none.txt');
    expect(await adopt(one)).toMatchObject({
      adopted: 1,
      odd: [{ key: 'link/a.txt' }, { key: 'file-link.txt' }],
      missing: [{ key: 'link/none.txt' }],
    });
  });

  it('are missing in a folder that is not mounted, which is left as it is', async () => {
    rmSync(root, { recursive: true });
    const one = await databases.open(await databases.create(), storage());
    await insert(one, 'a.txt');
    expect(await adopt(one)).toMatchObject({ adopted: 0, missing: [{ key: 'a.txt' }] });
    expect(existsSync(root)).toBe(false);
    mkdirSync(root);
  });

  it('are refused from another folder than that of the ledger, in a dry run too', async () => {
    const one = await databases.open(await databases.create(), storage());
    put('a.txt');
    await insert(one, 'a.txt');
    await adopt(one);
    rmSync(path.join(root, 'filefield-fence'), { recursive: true });
    put('b.txt');
    await insert(one, 'b.txt');
    for (const dryRun of [true, false]) {
      await expect(adopt(one, { dryRun })).rejects.toMatchObject({ code: 'wrong_storage' });
    }
  });

  it('are refused once another folder takes the place of the first between two batches', async () => {
    const one = await databases.open(await databases.create(), storage());
    for (const name of ['a.txt', 'b.txt']) put(name);
    await insert(one, 'a.txt', 'b.txt');
    const unmount = ({ files }: { files: number }) => {
      if (files === 1) rmSync(path.join(root, 'filefield-fence'), { recursive: true });
    };
    await expect(adopt(one, { batch: 1, onProgress: unmount })).rejects.toMatchObject({ code: 'wrong_storage' });
    expect(await adopt(one, { dryRun: true }).catch(({ code }) => code)).toBe('wrong_storage');
  });

  it('stay while they are in the trash and a row with their path comes', async () => {
    const one = await databases.open(await databases.create(), storage());
    put('a.txt');
    await insert(one, 'a.txt');
    await adopt(one);
    await one.remove('a.txt');
    // A sweeper that was killed before it deleted the object.
    const { dataSource } = one;
    await dataSource.query(
      'INSERT INTO file_trash (id, storage, object_key, retired_at, not_before, attempts, adopter) SELECT id, storage, object_key, 0, 0, 0, adopter FROM file_ledger',
    );
    await dataSource.query('DELETE FROM file_ledger');
    await insert(one, 'a.txt');
    expect(await adopt(one)).toMatchObject({ adopted: 0, odd: [{ key: 'a.txt' }] });
    await one.files.sweep();
    expect(exists('a.txt')).toBe(true);
    expect(await adopt(one)).toMatchObject({ adopted: 1 });
  });
});
