import type { EntityManager } from '@mikro-orm/core';
import { StorageRegistry, StoredFile } from 'filefield';
import { attachFiles } from 'filefield/mikro-orm';
import { Document } from '../support/mikro-entities.js';
import { mikroFixture, expectRejection, type MikroFixture } from '../support/mikro-fixture.js';
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

  test('saves and loads a file with its row', async () => {
    const { id, file } = await fixture.saved();
    const document = await em.findOneOrFail(Document, id);
    expect(document.file).toBeInstanceOf(StoredFile);
    expect(await document.file?.text()).toBe('hello');
    expect(document.file?.sha256).toBe(file?.sha256);
    expect(document.cover).toBeNull();
    expect(await fixture.stateOf(document.file as StoredFile)).toBe('live');
  });

  test('sends no statement for a row that did not change', async () => {
    const { id } = await fixture.saved();
    const document = await em.findOneOrFail(Document, id);
    fixture.statements();
    await em.flush();
    expect(fixture.statements()).toEqual([]);
    // The same holds after a save and after a refresh.
    document.title = 'b';
    await em.flush();
    await em.refresh(document);
    expect(document.file).toBeInstanceOf(StoredFile);
    fixture.statements();
    await em.flush();
    expect(fixture.statements()).toEqual([]);
  });

  test('saves other columns of a row whose file is in a storage that the field named before', async () => {
    const { id, file } = await fixture.saved();
    const before = JSON.stringify({ ...file!.toDescriptor(), storage: 'before' });
    await em.getConnection().execute(`UPDATE document SET file = '${before}' WHERE id = ${id}`, [], 'run');
    const document = await em.findOneOrFail(Document, id);
    document.title = 'changed';
    await em.flush();
    const again = await fixture.em.findOneOrFail(Document, id);
    expect([again.title, again.file?.toDescriptor().storage]).toEqual(['changed', 'before']);
    await fixture.em.nativeDelete(Document, id);
  });

  test('sends no statement to the ledger when another column changes', async () => {
    const { id } = await fixture.saved();
    const document = await em.findOneOrFail(Document, id);
    document.title = 'changed';
    fixture.statements();
    await em.flush();
    expect(fixture.statements().filter((line) => line.includes('file_ledger'))).toEqual([]);
  });

  test('releases a replaced file, which a sweep deletes', async () => {
    const { id, file } = await fixture.saved();
    const document = await em.findOneOrFail(Document, id);
    const next = await fixture.stage('next');
    document.file = next;
    await em.flush();
    expect(await fixture.stateOf(file as StoredFile)).toBe('released');
    expect(await fixture.stateOf(next)).toBe('live');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await fixture.files.sweep();
    expect(await fixture.storage.stat((file as StoredFile).toDescriptor().key)).toBeNull();
    expect(await next.text()).toBe('next');
  });

  test('releases the file of a field that is set to null', async () => {
    const { id, file } = await fixture.saved();
    (await em.findOneOrFail(Document, id)).file = null;
    await em.flush();
    expect(await fixture.stateOf(file as StoredFile)).toBe('released');
  });

  test('releases the files of a row that is removed by reference, without loading it', async () => {
    const { id, file, cover } = await fixture.saved({ cover: await fixture.files.stage(Document, 'cover', 'cover') });
    em.remove(em.getReference(Document, id));
    await em.flush();
    expect(await fixture.stateOf(file as StoredFile)).toBe('released');
    expect(await fixture.stateOf(cover as StoredFile)).toBe('released');
  });

  test('keeps the states of both files when a replacement is rolled back', async () => {
    const { id, file } = await fixture.saved();
    const next = await fixture.stage('next');
    const failing = em.transactional(async (inner) => {
      const document = await inner.findOneOrFail(Document, id);
      document.file = next;
      await inner.flush();
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await fixture.stateOf(file as StoredFile)).toBe('live');
    expect(await fixture.stateOf(next)).toBe('pending');
  });

  test('undoes only the changes after a savepoint when the savepoint is rolled back', async () => {
    const { id, file } = await fixture.saved();
    const [outer, inner] = [await fixture.stage('outer'), await fixture.stage('inner')];
    await em.transactional(async (first) => {
      const document = await first.findOneOrFail(Document, id);
      document.file = outer;
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

  test('binds a file in a transaction of begin(), flush() and commit()', async () => {
    const next = await fixture.stage('by hand');
    await em.begin();
    em.persist(em.create(Document, { file: next, cover: null } as Document));
    await em.flush();
    await em.commit();
    expect(await fixture.stateOf(next)).toBe('live');
  });

  test('refuses a second row that gets the file of another row', async () => {
    const { file } = await fixture.saved();
    await expectRejection('already_bound', fixture.saved({ file }));
  });

  test('refuses values that are not stored files in every write', async () => {
    const { id, file } = await fixture.saved();
    const forged: unknown[] = [JSON.stringify(file?.toDescriptor()), { ...file?.toDescriptor() }, 'text', 1, {}];
    for (const value of forged as StoredFile[]) {
      await expectRejection('invalid_value', fixture.saved({ file: value }));
      const fork = fixture.em;
      (await fork.findOneOrFail(Document, id)).file = value;
      await expectRejection('invalid_value', fork.flush());
      await expectRejection('invalid_value', em.nativeUpdate(Document, id, { file: value }));
      await expectRejection('invalid_value', em.insertMany(Document, [{ file: value } as Document]));
      await expectRejection('invalid_value', em.insert(Document, { file: value } as Document));
      await expectRejection('invalid_value', fixture.em.upsert(Document, { id, file: value }));
    }
    const other = StoredFile.of({ ...(file as StoredFile).toDescriptor(), storage: 'elsewhere' });
    await expectRejection('invalid_value', fixture.saved({ file: other }));
    expect((await fixture.em.findOneOrFail(Document, id)).file?.id).toBe(file?.id);
  });

  test('refuses a row whose file was swept meanwhile', async () => {
    const file = await fixture.stage();
    await fixture.files.discard(file);
    await fixture.files.sweep();
    await expectRejection('staged_expired', fixture.saved({ file }));
  });

  test('keeps the files of native writes in a sweep', async () => {
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

  test('binds and releases files in upsert() and upsertMany()', async () => {
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

  test('binds a file that assign() sets', async () => {
    const { id, file } = await fixture.saved();
    const document = await em.findOneOrFail(Document, id);
    const next = await fixture.stage('next');
    em.assign(document, { file: next });
    await em.flush();
    expect(await fixture.stateOf(next)).toBe('live');
    expect(await fixture.stateOf(file as StoredFile)).toBe('released');
  });

  test('binds only the files of committed transactions when many run at once', async () => {
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

  test('stages inside a transaction, except on SQLite, where that and deleteMany() reject with busy', async () => {
    const file = em.transactional(() => fixture.stage());
    // The transaction holds SQLite's only connection.
    if (database !== 'sqlite') return expect(await fixture.stateOf(await file)).toBe('pending');
    await expectRejection('busy', file);
    await expect(file).rejects.toThrow('in the current transaction');
    const remove = em.transactional(() => fixture.files.deleteMany(Document, { title: 'none' }));
    await expect(remove).rejects.toThrow('in the current transaction');
  });

  const waits = async () => {
    await em.begin();
    await expectRejection('busy', fixture.stage());
    await em.rollback();
    expect(await fixture.stateOf(await fixture.stage())).toBe('pending');
  };
  if (database === 'sqlite') test('rejects with busy in a transaction that was begun by hand', waits, 15_000);

  test('stages for one request while another one stages inside a transaction at the same moment', async () => {
    await fixture.stage('the first one');
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    // A few turns apart, so that some of them come while the statement of the other request is under way.
    const outside = Array.from({ length: 20 }, async (_, turns) => {
      await begun;
      for (let turn = 0; turn < turns; turn += 1) await undefined;
      return fixture.stage('outside');
    });
    const inside = em.transactional(() => {
      begin();
      return fixture.stage('inside');
    });
    await inside.catch(() => undefined);
    for (const file of await Promise.all(outside)) expect(await fixture.stateOf(file)).toBe('pending');
  });

  test('refuses a second attachFiles() on the same ORM', async () => {
    const storages = new StorageRegistry({ documents: fixture.storage });
    await expectRejection('invalid_option', attachFiles(fixture.orm, { storages }));
  });
});
