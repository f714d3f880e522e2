import { jest } from '@jest/globals';
import { ledgerSchema, type StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, FileField, transactionQueue, type Files } from 'filefield/typeorm';
import { Entity, PrimaryGeneratedColumn, type DataSource, type QueryRunner } from 'typeorm';
import { sql } from '../../src/ledger/sql.js';
import { expectCode } from '../contracts/orm/context.js';
import { openDataSource } from '../support/typeorm.js';

@Entity()
class Scan {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'scans' }) file!: StoredFile | null;
}

/** A statement that is held back before the driver gets it. */
interface Held {
  readonly arrived: Promise<void>;
  /** Lets the statement go on; resolves once the database has run it. */
  run(): Promise<void>;
}

/** Holds back the next statement that begins with the text: the order in which the database gets statements is then certain. */
function hold(runner: QueryRunner, text: string): Held {
  const query = runner.query.bind(runner) as (...values: unknown[]) => Promise<unknown>;
  let start: () => void;
  const started = new Promise<void>((resolve) => (start = resolve));
  let end: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const arrived = new Promise<void>((resolve) => {
    runner.query = (async (...values: unknown[]) => {
      if (!String(values[0]).startsWith(text)) return query(...values);
      runner.query = query as QueryRunner['query'];
      resolve();
      await started;
      return query(...values).finally(end);
    }) as QueryRunner['query'];
  });
  const run = () => {
    start();
    return ended;
  };
  return { arrived, run };
}

describe('a statement of the ledger on the one connection of SQLite', () => {
  let dataSource: DataSource;
  let close: () => Promise<void>;
  let files: Files;
  let runner: QueryRunner;

  beforeEach(async () => {
    ({ dataSource, close } = await openDataSource('sqlite', { entities: [Scan] }));
    for (const statement of ledgerSchema('sqlite').create) await dataSource.query(statement);
    files = await attachFiles(dataSource, { storages: { scans: new MemoryStorage() }, grace: 0 });
    runner = dataSource.createQueryRunner();
  });
  afterEach(() => close());

  /** An entry of the ledger whose lease is set to 7 by a statement that is not in a transaction. */
  async function entry() {
    const { id } = await files.stage(Scan, 'file', 'x');
    return {
      renew: () => files.ledger.database.execute(sql`UPDATE file_ledger SET lease_until = 7 WHERE id = ${id}`),
      lease: async () => {
        const rows = (await dataSource.query(`SELECT lease_until FROM file_ledger WHERE id = '${id}'`)) as unknown[];
        return rows[0];
      },
    };
  }

  it.each([
    ['in the very turn in which it was asked for', () => undefined],
    ['a turn later', () => Promise.resolve()],
    ['while it is on its way to the driver', (held: Held) => held.arrived],
  ])('is run once, and before a transaction that begins %s and is rolled back', async (_, moment) => {
    const { renew, lease } = await entry();
    const run = jest.spyOn(runner, 'query');
    const held = hold(runner, 'UPDATE file_ledger');
    const renewed = renew();
    const wait = moment(held);
    if (wait) await wait;
    const begun = runner.startTransaction();
    await held.arrived;
    await held.run();
    await begun;
    await runner.rollbackTransaction();
    expect((await renewed).affected).toBe(1);
    expect(await lease()).toEqual({ lease_until: 7 });
    expect(run.mock.calls.filter(([text]) => text.startsWith('UPDATE file_ledger'))).toHaveLength(1);
  });

  it('is run once between two of many transactions that wait for each other', async () => {
    const { renew, lease } = await entry();
    const run = jest.spyOn(runner, 'query');
    const transaction = transactionQueue(dataSource);
    let committed = 0;
    const all = Array.from({ length: 20 }, () =>
      transaction((manager) => manager.save(Scan, { file: null })).then(() => (committed += 1)),
    );
    await all[0];
    expect((await renew()).affected).toBe(1);
    expect(committed).toBeLessThan(5);
    expect(await lease()).toEqual({ lease_until: 7 });
    await Promise.all(all);
    expect(run.mock.calls.filter(([text]) => text.startsWith('UPDATE file_ledger'))).toHaveLength(1);
  });

  it('that can wait lets transactions go first that wait for each other', async () => {
    const noTime = jest.spyOn(performance, 'now').mockReturnValue(0);
    try {
      const transaction = transactionQueue(dataSource);
      const ended: string[] = [];
      const saved = [1, 2, 3].map((number) =>
        transaction((manager) => manager.save(Scan, { file: null })).then(() => ended.push(`transaction ${number}`)),
      );
      while (!runner.isTransactionActive) await Promise.resolve();
      const lull = files.ledger.database.lull!().then(() => ended.push('lull'));
      await Promise.all([...saved, lull]);
      expect(ended).toEqual(['transaction 1', 'transaction 2', 'transaction 3', 'lull']);
    } finally {
      noTime.mockRestore();
    }
  });

  it('that can wait does not wait for the end of a long transaction', async () => {
    await runner.startTransaction();
    await files.ledger.database.lull!();
    expect(runner.isTransactionActive).toBe(true);
    await runner.rollbackTransaction();
  });

  it('that fails does not keep a transaction from beginning', async () => {
    const failed = expectCode(
      files.ledger.database.execute(sql`UPDATE file_ledger SET nothing = 1`),
      'database_failed',
    );
    await runner.startTransaction();
    await runner.commitTransaction();
    await failed;
  });

  it('rejects with busy, instead of waiting for ever, while a transaction stays open', async () => {
    await runner.startTransaction();
    await expectCode(files.stage(Scan, 'file', 'x'), 'busy');
    await runner.rollbackTransaction();
    expect(await files.stage(Scan, 'file', 'x')).toMatchObject({ size: 1 });
  }, 15_000);

  it('waits for a transaction that is open, and sees nothing of it', async () => {
    const { renew, lease } = await entry();
    await runner.startTransaction();
    const held = hold(runner, 'UPDATE file_ledger');
    const renewed = renew();
    const waiting = Symbol();
    const later = new Promise((resolve) => setTimeout(resolve, 30, waiting));
    expect(await Promise.race([held.arrived, later])).toBe(waiting);
    await runner.rollbackTransaction();
    await held.run();
    await renewed;
    expect(await lease()).toEqual({ lease_until: 7 });
  });
});
