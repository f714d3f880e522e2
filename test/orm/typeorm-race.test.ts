import { setTimeout as delay } from 'node:timers/promises';
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
      await harness.unit().insert({ slug: `first ${isolation}`, file });
      await expect(write.manager.save(Document, { slug: `second ${isolation}`, file })).rejects.toThrow(
        /belongs to another row|could not serialize|try restarting/,
      );
      await write.rollbackTransaction();
    },
  );
});
