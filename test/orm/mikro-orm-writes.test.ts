import type { EntityManager } from '@mikro-orm/core';
import { StorageRegistry, StoredFile } from 'filefield';
import { attachFiles } from 'filefield/mikro-orm';
import { Document } from '../support/mikro-entities.js';
import { mikroFixture, refused, type MikroFixture } from '../support/mikro-fixture.js';
import { major } from '../support/mikro-orm.js';
import { reachableDatabases } from '../support/databases.js';

describe.each(await reachableDatabases())(`MikroORM ${major} with %s, writes`, (database) => {
  let fixture: MikroFixture;
  let em: EntityManager;

  beforeAll(async () => {
    fixture = await mikroFixture(database);
  });
  afterAll(() => fixture?.close());
  beforeEach(() => {
    em = fixture.em;
  });

  test('a file is saved, read and served with its row', async () => {
    const { id, file } = await fixture.saved();
    const found = await em.findOneOrFail(Document, id);
    expect(found.file).toBeInstanceOf(StoredFile);
    expect(await found.file?.text()).toBe('hello');
    expect(found.file?.sha256).toBe(file?.sha256);
    expect(found.cover).toBeNull();
    expect(await fixture.stateOf(found.file as StoredFile)).toBe('live');
  });

  test('rows that were not touched are not written', async () => {
    const { id } = await fixture.saved();
    const found = await em.findOneOrFail(Document, id);
    fixture.statements();
    await em.flush();
    expect(fixture.statements()).toEqual([]);
    // Neither after a save, nor after a refresh.
    found.title = 'b';
    await em.flush();
    await em.refresh(found);
    expect(found.file).toBeInstanceOf(StoredFile);
    fixture.statements();
    await em.flush();
    expect(fixture.statements()).toEqual([]);
  });

  test('a write to another column leaves the ledger alone', async () => {
    const { id } = await fixture.saved();
    const found = await em.findOneOrFail(Document, id);
    found.title = 'changed';
    fixture.statements();
    await em.flush();
    expect(fixture.statements().filter((line) => line.includes('file_ledger'))).toEqual([]);
  });

  test('a replaced file is released, and swept', async () => {
    const { id, file } = await fixture.saved();
    const found = await em.findOneOrFail(Document, id);
    const next = await fixture.stage('next');
    found.file = next;
    await em.flush();
    expect(await fixture.stateOf(file as StoredFile)).toBe('released');
    expect(await fixture.stateOf(next)).toBe('live');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await fixture.files.sweep();
    expect(await fixture.storage.stat((file as StoredFile).toDescriptor().key)).toBeNull();
    expect(await next.text()).toBe('next');
  });

  test('null dooms the file', async () => {
    const { id, file } = await fixture.saved();
    (await em.findOneOrFail(Document, id)).file = null;
    await em.flush();
    expect(await fixture.stateOf(file as StoredFile)).toBe('released');
  });

  test('a removed reference dooms files that were never loaded', async () => {
    const { id, file, cover } = await fixture.saved({ cover: await fixture.files.stage(Document, 'cover', 'cover') });
    em.remove(em.getReference(Document, id));
    await em.flush();
    expect(await fixture.stateOf(file as StoredFile)).toBe('released');
    expect(await fixture.stateOf(cover as StoredFile)).toBe('released');
  });

  test('a rollback undoes everything', async () => {
    const { id, file } = await fixture.saved();
    const next = await fixture.stage('next');
    const failing = em.transactional(async (inner) => {
      const found = await inner.findOneOrFail(Document, id);
      found.file = next;
      await inner.flush();
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await fixture.stateOf(file as StoredFile)).toBe('live');
    expect(await fixture.stateOf(next)).toBe('pending');
  });

  test('the rollback of a savepoint undoes what happened in it, and no more', async () => {
    const { id, file } = await fixture.saved();
    const [outer, inner] = [await fixture.stage('outer'), await fixture.stage('inner')];
    await em.transactional(async (first) => {
      const found = await first.findOneOrFail(Document, id);
      found.file = outer;
      await first.flush();
      const nested = first.transactional(async (second) => {
        await second.nativeUpdate(Document, id, { title: 'nested' });
        const again = await second.findOneOrFail(Document, id, { refresh: true });
        again.file = inner;
        await second.flush();
        throw new Error('only this');
      });
      await expect(nested).rejects.toThrow('only this');
    });
    expect(await fixture.stateOf(file as StoredFile)).toBe('released');
    expect(await fixture.stateOf(outer)).toBe('live');
    expect(await fixture.stateOf(inner)).toBe('pending');
    expect((await fixture.em.findOneOrFail(Document, id)).file?.id).toBe(outer.id);
  });

  test('begin, flush and commit by hand', async () => {
    const next = await fixture.stage('by hand');
    await em.begin();
    em.persist(em.create(Document, { file: next, cover: null } as Document));
    await em.flush();
    await em.commit();
    expect(await fixture.stateOf(next)).toBe('live');
  });

  test('a second row cannot take the same file', async () => {
    const { file } = await fixture.saved();
    await refused('already_bound', fixture.saved({ file }));
  });

  test('nothing but a stored file reaches the column', async () => {
    const { id, file } = await fixture.saved();
    const forged: unknown[] = [JSON.stringify(file?.toDescriptor()), { ...file?.toDescriptor() }, 'text', 1, {}];
    for (const value of forged as StoredFile[]) {
      await refused('invalid_value', fixture.saved({ file: value }));
      const fork = fixture.em;
      (await fork.findOneOrFail(Document, id)).file = value;
      await refused('invalid_value', fork.flush());
      await refused('invalid_value', em.nativeUpdate(Document, id, { file: value }));
      await refused('invalid_value', em.insertMany(Document, [{ file: value } as Document]));
      await refused('invalid_value', em.insert(Document, { file: value } as Document));
      await refused('invalid_value', fixture.em.upsert(Document, { id, file: value }));
    }
    const other = new StoredFile({ ...(file as StoredFile).toDescriptor(), storage: 'elsewhere' });
    await refused('invalid_value', fixture.saved({ file: other }));
    expect((await fixture.em.findOneOrFail(Document, id)).file?.id).toBe(file?.id);
  });

  test('a file that was swept meanwhile rolls its row back', async () => {
    const file = await fixture.stage();
    await fixture.files.discard(file);
    await fixture.files.sweep();
    await refused('staged_expired', fixture.saved({ file }));
  });

  test('native writes work, and a sweep finds what they reference', async () => {
    const [first, second] = [await fixture.stage('1'), await fixture.stage('2')];
    const id = await em.insert(Document, { file: first, cover: null } as Document);
    const [more] = await em.insertMany(Document, [{ file: second, cover: null } as Document]);
    await fixture.files.discard(first);
    await fixture.files.discard(second);
    await fixture.files.sweep();
    expect(await fixture.stateOf(first)).toBe('live');
    expect(await (await em.findOneOrFail(Document, more as number)).file?.text()).toBe('2');
    const third = await fixture.stage('3');
    await em.nativeUpdate(Document, id, { file: third });
    expect(await (await fixture.em.findOneOrFail(Document, id)).file?.text()).toBe('3');
  });

  test('upserts bind and release', async () => {
    const { id, file } = await fixture.saved();
    const next = await fixture.stage('next');
    const result = await em.upsert(Document, { id, file: next, cover: null });
    expect(result.file).toBeInstanceOf(StoredFile);
    expect(await fixture.stateOf(file as StoredFile)).toBe('released');
    expect(await fixture.stateOf(next)).toBe('live');
    const third = await fixture.stage('third');
    await fixture.em.upsertMany(Document, [{ id, file: third, cover: null }]);
    expect(await fixture.stateOf(next)).toBe('released');
    expect(await fixture.stateOf(third)).toBe('live');
    fixture.statements();
    await em.flush();
    expect(fixture.statements()).toEqual([]);
  });

  test('assign() takes a file', async () => {
    const { id, file } = await fixture.saved();
    const found = await em.findOneOrFail(Document, id);
    const next = await fixture.stage('next');
    em.assign(found, { file: next });
    await em.flush();
    expect(await fixture.stateOf(next)).toBe('live');
    expect(await fixture.stateOf(file as StoredFile)).toBe('released');
  });

  test('many transactions at once', async () => {
    const files = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const file = await fixture.stage(String(index));
        const work = fixture.em.transactional(async (inner) => {
          inner.create(Document, { file, cover: null } as Document);
          await inner.flush();
          if (index % 3 === 0) throw new Error('no');
        });
        await work.catch(() => undefined);
        return file;
      }),
    );
    const states = await Promise.all(files.map((file) => fixture.stateOf(file)));
    expect(states).toEqual(files.map((_, index) => (index % 3 === 0 ? 'pending' : 'live')));
  });

  test('staging inside of a transaction', async () => {
    const file = em.transactional(() => fixture.stage());
    // SQLite has one connection, which that transaction holds.
    if (database === 'sqlite') await refused('busy', file);
    else expect(await fixture.stateOf(await file)).toBe('pending');
  });

  test('attaching twice is refused', async () => {
    const storages = new StorageRegistry({ documents: fixture.storage });
    await refused('invalid_option', attachFiles(fixture.orm, { storages }));
  });
});
