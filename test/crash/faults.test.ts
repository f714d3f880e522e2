import { raw } from '../../src/ledger/sql.js';
import { jest } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { FileFieldError, type FilesEvents, type Storage } from 'filefield';
import { FailingStorage } from 'filefield/testing';
import { expectCode } from '../contracts/orm/context.js';
import { reachableDatabases } from '../support/databases.js';
import { expectHealed, openStage, stored, type Stage } from './matrix.js';
import { Document, type TypeormApplication } from './process/typeorm.js';

const databases = (await reachableDatabases()).filter((name) => name !== 'mariadb');

describe.each(databases)('faults with TypeORM on %s', (database) => {
  let stage: Stage<TypeormApplication>;
  let app: TypeormApplication;
  let storage: FailingStorage;
  beforeAll(async () => {
    const around = (inner: Storage) => (storage = new FailingStorage(inner));
    stage = await openStage('typeorm', database, { around });
    app = stage.app;
    // What a sweep could not delete is told; here it is expected.
    app.files.on('fault', () => undefined);
  });
  afterAll(() => stage?.close());
  afterEach(() => expectHealed(stage));

  const soon = () => app.query('UPDATE file_trash SET not_before = 0');
  const attempts = async () => (await app.query('SELECT attempts, last_error FROM file_trash')) as unknown[];

  it('a storage that answers 503 refuses uploads and loses none that it has', async () => {
    await app.insert('outage', await app.stage('kept'));
    const end = storage.outage();
    await expectCode(app.stage('refused'), 'storage_failed');
    await app.replace('outage', null);
    expect(await app.files.sweep()).toMatchObject({ deleted: 0 });
    end();
    await delay(stage.place.lease + 20);
    await app.files.sweep();
    await soon();
  });

  it('a sweep waits longer after each failure, gives up after ten, says so, and can be told to try again', async () => {
    const stuck: FilesEvents['stuck'][] = [];
    const listener = (...event: FilesEvents['stuck']) => void stuck.push(event);
    app.files.on('stuck', listener);
    await app.files.discard(await app.stage('stubborn'));
    const end = storage.fail('delete');
    for (let turn = 1; turn <= 10; turn += 1) {
      expect(await app.files.sweep()).toMatchObject({ failed: 1, deleted: 0 });
      // Not again before its time.
      expect(await app.files.sweep()).toMatchObject({ failed: 0 });
      expect(stuck).toHaveLength(turn === 10 ? 1 : 0);
      await soon();
    }
    end();
    expect(await app.files.sweep()).toMatchObject({ failed: 0, deleted: 0 });
    expect(await attempts()).toEqual([{ attempts: 10, last_error: 'The storage answers 503.' }]);
    expect(await app.files.sweep({ stuck: true })).toMatchObject({ deleted: 1 });
    app.files.off('stuck', listener);
  });

  it('a full disk is no_space, and nothing stays', async () => {
    storage.fail('write', { nth: 1, after: 3, error: new FileFieldError('no_space', 'The disk is full.') });
    await expectCode(app.stage('too much'), 'no_space');
    await expectHealed(stage);
    await app.insert('space', await app.stage('fits'));
  });

  it('a key that is taken in the storage is refused, and the object that has it is never swept', async () => {
    let taken = '';
    app.files.on('intended', ({ key }) => (taken = key));
    const foreign = (async function* () {
      yield Buffer.from('somebody else');
    })();
    const write = storage.inner.write.bind(storage.inner);
    storage.inner.write = async (key, body, options) => {
      await write(key, foreign);
      return write(key, body, options);
    };
    await expectCode(app.stage('mine'), 'already_exists');
    delete (storage.inner as { write?: unknown }).write;
    await delay(stage.place.lease + 20);
    await app.files.sweep();
    expect(await stored(stage.place)).toContain(taken);
    await storage.inner.delete(taken);
  });

  it('a lease that ends during an upload is an error; one that is renewed is none', async () => {
    // More than is read ahead of the intent.
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
    await delay(stage.place.lease + 50);
    await app.files.sweep();
    await failed;
    app.files.ledger.renew = renew;
  });

  it('the clock of a process that is a day wrong changes nothing', async () => {
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

  it('three savepoints: the one that is rolled back, and only that, is undone', async () => {
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
    await expectHealed(stage);
    const rows = await app.rows();
    const texts = await Promise.all(['one', 'two', 'three'].map((slug) => rows.get(slug)?.text()));
    expect(texts).toEqual(['1', 'old', 'old']);
  });

  it('a write that is committed at once is refused before the row when its file was swept', async () => {
    const repository = app.dataSource.getRepository(Document);
    const [first, second] = await app.files.stageAll(Document, 'file', ['1', '2']);
    await app.insert('at once', null);
    await app.files.discard(first!);
    await app.files.discard(second!);
    await app.files.sweep();
    await expectCode(repository.insert({ slug: 'too late', file: first! } as never), 'staged_expired');
    await expectCode(repository.update({ slug: 'at once' }, { file: second! } as never), 'staged_expired');
    const rows = await app.rows();
    expect([rows.has('too late'), rows.get('at once')]).toEqual([false, null]);
  });

  it('a file that is bound and released again while it is retired leaves the ledger for the trash or stays', async () => {
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
