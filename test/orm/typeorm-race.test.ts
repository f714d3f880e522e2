import { setTimeout as delay } from 'node:timers/promises';
import type { StoredFile } from 'filefield';
import type { QueryRunner } from 'typeorm';
import { onDatabases } from '../support/databases.js';
import { Document, openTypeorm, type TypeormHarness } from '../support/typeorm.js';

// SQLite has one writer at a time.
await onDatabases(['postgres', 'mariadb'], 'a sweep and a write at the same moment on %s', (database) => {
  let harness: TypeormHarness;
  let runners: QueryRunner[];
  beforeAll(async () => {
    harness = await openTypeorm(database, {});
    runners = [harness.dataSource.createQueryRunner(), harness.dataSource.createQueryRunner()];
  });
  afterAll(async () => {
    for (const runner of runners ?? []) await runner.release();
    await harness?.close();
  });

  it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'never commit a row whose ledger entry is deleted, at %s',
    async (isolation) => {
      const [sweep, write] = runners as [QueryRunner, QueryRunner];
      const file = await harness.files.stage(Document, 'file', 'raced');
      const slug = `raced ${isolation}`;
      await write.startTransaction(isolation);
      // A transaction that has a snapshot already, as after any SELECT.
      await write.query('SELECT id FROM contract_owner');
      await sweep.startTransaction();
      await sweep.query(`DELETE FROM file_ledger WHERE id = '${file.id}'`);
      const inserted = write
        .query(
          `INSERT INTO contract_document (slug, title, file) VALUES ('${slug}', '', '${JSON.stringify(file.toDescriptor())}')`,
        )
        .then(() => write.commitTransaction());
      const outcome = expect(inserted).rejects.toThrow(/staged_expired|could not serialize|try restarting/);
      await delay(200);
      await sweep.commitTransaction();
      await outcome;
      await write.rollbackTransaction();
      expect(await harness.dataSource.getRepository(Document).findBy({ slug })).toEqual([]);
    },
  );

  it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'never commit a second row with a file that another row has got meanwhile, at %s',
    async (isolation) => {
      const [, write] = runners as [QueryRunner, QueryRunner];
      const file = await harness.files.stage(Document, 'file', 'wanted twice');
      await write.startTransaction(isolation);
      await write.query('SELECT id FROM contract_owner');
      await harness.unit().insert({ slug: `taken ${isolation}`, file });
      await expect(write.manager.save(Document, { slug: `second ${isolation}`, file })).rejects.toThrow(
        /belongs to another row|could not serialize|try restarting/,
      );
      await write.rollbackTransaction();
    },
  );

  const insertBySql = (runner: QueryRunner, slug: string, file: StoredFile) =>
    runner.query(
      `INSERT INTO contract_document (slug, title, file) VALUES ('${slug}', '', '${JSON.stringify(file.toDescriptor())}')`,
    );

  it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'never commit a copy by SQL of a row that was deleted and swept meanwhile, at %s',
    async (isolation) => {
      const [, write] = runners as [QueryRunner, QueryRunner];
      const { id, file } = await harness.unit().insert({
        slug: `original ${isolation}`,
        file: await harness.files.stage(Document, 'file', 'copied too late'),
      });
      await write.startTransaction(isolation);
      await write.query('SELECT id FROM contract_owner');
      await harness.dataSource.getRepository(Document).delete(id);
      await delay(5);
      expect((await harness.files.sweep()).deleted).toBe(1);
      await expect(insertBySql(write, `copy ${isolation}`, file!)).rejects.toThrow(
        /staged_expired|could not serialize|try restarting/,
      );
      await write.rollbackTransaction();
    },
  );

  it.each(['READ COMMITTED', 'REPEATABLE READ'] as const)(
    'keep the bytes for a copy by SQL that is committed after its original was deleted, at %s',
    async (isolation) => {
      const [, write] = runners as [QueryRunner, QueryRunner];
      const { id, file } = await harness.unit().insert({
        slug: `first ${isolation}`,
        file: await harness.files.stage(Document, 'file', 'copied in time'),
      });
      await write.startTransaction(isolation);
      await insertBySql(write, `later ${isolation}`, file!);
      const deleted = harness.dataSource.getRepository(Document).delete(id);
      await delay(200);
      const swept = harness.files.sweep();
      await delay(200);
      await write.commitTransaction();
      await Promise.all([deleted, swept]);
      for (let run = 0; run < 2; run += 1) await harness.files.sweep();
      const copy = await harness.unit().find(`later ${isolation}`);
      expect(await copy!.file!.text()).toBe('copied in time');
    },
  );

  it('bind no file to a row that another transaction deletes before it is updated', async () => {
    const { id } = await harness.unit().insert({ slug: 'deleted', file: null });
    const unit = harness.unit();
    const row = (await unit.find('deleted'))!;
    row.file = await harness.files.stage(harness.Document, 'file', 'for nobody');
    const { subscribers } = harness.dataSource;
    // TypeORM has seen the row by then, and takes an UPDATE that changes no row for a success.
    subscribers.push({ beforeUpdate: () => harness.query(`DELETE FROM contract_document WHERE id = ${id}`) });
    await unit.save(row);
    subscribers.pop();
    expect(await harness.unit().find('deleted')).toBeNull();
    const entries = await harness.query(`SELECT state FROM file_ledger WHERE id = '${row.file.id}'`);
    expect(entries).toEqual([{ state: 'pending' }]);
  });

  it('begin the grace of a file with the statement that released it, not with its transaction', async () => {
    const { dialect } = harness.files.ledger.database;
    const now = async () => Number((await harness.query(`SELECT ${dialect.now} AS time`))[0]!.time);
    const { file } = await harness.unit().insert({
      slug: 'long transaction',
      file: await harness.files.stage(Document, 'file', 'released late'),
    });
    const started = await harness.dataSource.transaction(async (manager) => {
      const row = await manager.findOneByOrFail(Document, { slug: 'long transaction' });
      await delay(100);
      const time = await now();
      await manager.remove(row);
      return time;
    });
    const [entry] = await harness.query(`SELECT released_at FROM file_ledger WHERE id = '${file!.id}'`);
    expect(Number(entry!.released_at)).toBeGreaterThanOrEqual(started);
  });
});
