import { raw } from '../../src/ledger/sql.js';
import { jest } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { FileFieldError, type FilesEvents, type Storage } from 'filefield';
import { FailingStorage } from 'filefield/testing';
import { expectCode } from '../contracts/orm/context.js';
import { reachableDatabases } from '../support/databases.js';
import { expectConsistent, openSite, storedKeys, type Site } from './matrix.js';
import { Document, type TypeormApplication } from './process/typeorm.js';

const databases = (await reachableDatabases()).filter((name) => name !== 'mariadb');

describe.each(databases)('faults with TypeORM on %s', (database) => {
  let site: Site<TypeormApplication>;
  let app: TypeormApplication;
  let storage: FailingStorage;
  beforeAll(async () => {
    const around = (inner: Storage) => (storage = new FailingStorage(inner));
    site = await openSite('typeorm', database, { around });
    app = site.app;
    // Failed deletions are expected here; without a listener they would be printed.
    app.files.on('fault', () => undefined);
  });
  afterAll(() => site?.close());
  afterEach(() => expectConsistent(site));

  const endDelays = () => app.query('UPDATE file_trash SET not_before = 0');
  const attempts = async () => (await app.query('SELECT attempts, last_error FROM file_trash')) as unknown[];

  it('refuses uploads and keeps stored files while the storage responds 503', async () => {
    await app.insert('outage', await app.stage('kept'));
    const end = storage.outage();
    await expectCode(app.stage('refused'), 'storage_failed');
    await app.replace('outage', null);
    expect(await app.files.sweep()).toMatchObject({ deleted: 0 });
    end();
    await delay(site.place.lease + 20);
    await app.files.sweep();
    await endDelays();
  });

  it('retries a failed deletion later, emits stuck after ten failures, and tries again with the option stuck', async () => {
    const stuck: FilesEvents['stuck'][] = [];
    const listener = (...event: FilesEvents['stuck']) => void stuck.push(event);
    app.files.on('stuck', listener);
    await app.files.discard(await app.stage('stubborn'));
    const end = storage.fail('delete');
    for (let turn = 1; turn <= 10; turn += 1) {
      expect(await app.files.sweep()).toMatchObject({ failed: 1, deleted: 0 });
      // No retry before `not_before`.
      expect(await app.files.sweep()).toMatchObject({ failed: 0 });
      expect(stuck).toHaveLength(turn === 10 ? 1 : 0);
      await endDelays();
    }
    end();
    expect(await app.files.sweep()).toMatchObject({ failed: 0, deleted: 0 });
    expect(await attempts()).toEqual([{ attempts: 10, last_error: 'The storage answers 503.' }]);
    expect(await app.files.sweep({ stuck: true })).toMatchObject({ deleted: 1 });
    app.files.off('stuck', listener);
  });

  it('rejects with no_space when the disk is full, and keeps no bytes', async () => {
    storage.fail('write', { nth: 1, after: 3, error: new FileFieldError('no_space', 'The disk is full.') });
    await expectCode(app.stage('too much'), 'no_space');
    await expectConsistent(site);
    await app.insert('space', await app.stage('fits'));
  });

  it('rejects with already_exists when the storage has the key, and never deletes that object', async () => {
    let taken = '';
    app.files.on('intended', ({ key }) => (taken = key));
    const foreign = (async function* () {
      yield Buffer.from('another program');
    })();
    const write = storage.inner.write.bind(storage.inner);
    storage.inner.write = async (key, body, options) => {
      await write(key, foreign);
      return write(key, body, options);
    };
    await expectCode(app.stage('mine'), 'already_exists');
    delete (storage.inner as { write?: unknown }).write;
    await delay(site.place.lease + 20);
    await app.files.sweep();
    expect(await storedKeys(site.place)).toContain(taken);
    await storage.inner.delete(taken);
  });

  it('renews the lease of a slow upload, and rejects with staged_expired when that fails', async () => {
    // More than the head that is read before the intent is written.
    const drip = 'drip '.repeat(2000);
    const slow = (times: number) =>
      (async function* () {
        for (let time = 0; time < times; time += 1) {
          yield Buffer.from(drip);
          await delay(100);
        }
      })();
    const file = await app.files.stage(Document, 'file', slow(6));
    await app.insert('slow', file);
    expect(await (await app.rows()).get('slow')?.text()).toBe(drip.repeat(6));

    const renew = app.files.ledger.renew.bind(app.files.ledger);
    app.files.ledger.renew = async () => false;
    const late = app.files.stage(Document, 'file', slow(4));
    const failed = expectCode(late, 'staged_expired');
    await delay(site.place.lease + 50);
    await app.files.sweep();
    await failed;
    app.files.ledger.renew = renew;
  });

  it('ignores the clock of the process, which may be a day wrong', async () => {
    for (const wrong of [-86_400_000, 86_400_000]) {
      const now = Date.now;
      const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + wrong);
      await app.insert(`clock ${wrong}`, await app.stage('on time'));
      const waiting = await app.stage('waiting');
      expect(await app.files.sweep()).toMatchObject({ expired: 0, deleted: 0 });
      await app.replace(`clock ${wrong}`, waiting);
      expect(await app.files.sweep()).toMatchObject({ expired: 0, deleted: 1 });
      clock.mockRestore();
    }
  });

  it('undoes only a savepoint that is rolled back, and the savepoint inside it', async () => {
    for (const slug of ['one', 'two', 'three']) await app.insert(slug, await app.stage('old'));
    const [one, two, three] = await app.files.stageAll(Document, 'file', ['1', '2', '3']);
    const manager = app.dataSource.manager;
    await manager.transaction(async (outer) => {
      const put = async (inner: typeof manager, slug: string, file: typeof one) =>
        inner.save(Document, { ...(await inner.findOneByOrFail(Document, { slug })), file: file! });
      await put(outer, 'one', one);
      await outer
        .transaction(async (second) => {
          await put(second, 'two', two);
          await second.transaction((third) => put(third, 'three', three));
          throw new Error('the second');
        })
        .catch(() => undefined);
    });
    await expectConsistent(site);
    const rows = await app.rows();
    const texts = await Promise.all(['one', 'two', 'three'].map((slug) => rows.get(slug)?.text()));
    expect(texts).toEqual(['1', 'old', 'old']);
  });

  it('writes no row outside a transaction when its file was swept', async () => {
    const repository = app.dataSource.getRepository(Document);
    const [first, second] = await app.files.stageAll(Document, 'file', ['1', '2']);
    await app.insert('at once', null);
    await app.files.discard(first!);
    await app.files.discard(second!);
    await app.files.sweep();
    await expectCode(repository.insert({ slug: 'too late', file: first! } as never), 'staged_expired');
    await expectCode(repository.update({ slug: 'at once' }, { file: second! } as never), 'staged_expired');
    const rows = await app.rows();
    expect(rows.has('too late')).toBe(false);
    expect(rows.get('at once')).toBeNull();
  });

  it('keeps a file in the ledger or moves it to the trash when it is bound and released during a sweep', async () => {
    await app.files.discard(await app.stage('back and forth'));
    const { database: ledger } = app.files.ledger;
    const execute = ledger.execute.bind(ledger);
    ledger.execute = async (statement) => {
      if (!/^INSERT.* INTO file_trash/.test(statement.text())) return execute(statement);
      await execute(raw(`UPDATE file_ledger SET state = 'live' WHERE state = 'released'`));
      const result = await execute(statement);
      await execute(raw(`UPDATE file_ledger SET state = 'released' WHERE not_before = 0`));
      ledger.execute = execute;
      return result;
    };
    await app.files.sweep({ batch: 1 });
  });
});
