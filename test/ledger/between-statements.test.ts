import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type Files } from 'filefield/typeorm';
import { Entity, PrimaryGeneratedColumn, type DataSource, type Repository } from 'typeorm';
import { expectCode } from '../contracts/orm/context.js';
import { reachableDatabases } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

@Entity('interleaved_scan')
class Scan {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'scans' }) file!: StoredFile | null;
  @FileField({ storage: 'scans', onDelete: 'keep' }) record!: StoredFile | null;
}

type Act = () => Promise<unknown>;

describe.each(await reachableDatabases())('between any two statements of the ledger on %s', (database) => {
  let dataSource: DataSource;
  let files: Files;
  let scanRows: Repository<Scan>;
  let close: () => Promise<void>;
  const scans = new MemoryStorage();
  beforeAll(async () => {
    ({ dataSource, close } = await openDataSource(database, { entities: [Scan] }));
    await createLedger(dataSource);
    files = await attachFiles(dataSource, { storages: { scans }, grace: 0, protection: 'off' });
    scanRows = dataSource.getRepository(Scan);
  });
  afterAll(() => close());
  beforeEach(async () => {
    for (const table of ['file_ledger', 'file_trash', 'interleaved_scan'])
      await dataSource.query(`DELETE FROM ${table}`);
    for (const key of scans.keys) await scans.delete(key);
  });

  /** Does the work, and each act before the statement of its index. Resolves to false if there are fewer statements. */
  async function interleave(work: Act, acts: ReadonlyMap<number, Act>): Promise<boolean> {
    const { database: connection } = files.ledger;
    const execute = connection.execute.bind(connection);
    let index = 0;
    let isActing = false;
    connection.execute = async (statement, options) => {
      const act = isActing ? undefined : acts.get(index++);
      isActing = true;
      await act?.();
      isActing = false;
      return execute(statement, options);
    };
    await work().finally(() => (connection.execute = execute));
    return index > Math.max(...acts.keys());
  }

  const sweep = () => files.sweep();
  const erase = (file: StoredFile) =>
    files.erase(file).catch((error: unknown) => expectCode(Promise.reject(error), 'in_use'));
  const reconcile = async () => {
    await files.reconcile({ repair: true });
    await files.sweep();
  };
  const works: [string, (file: StoredFile) => Promise<unknown>][] = [
    ['a sweep', sweep],
    ['erase()', erase],
    ['a repair and the sweep after it', reconcile],
  ];

  const staged = async () => {
    const file = await files.stage(Scan, 'file', 'bytes');
    await dataSource.query(`UPDATE file_ledger SET lease_until = 0 WHERE id = '${file.id}'`);
    return file;
  };
  const released = async () => {
    const { id, file } = await scanRows.save({ file: await files.stage(Scan, 'file', 'bytes') });
    await scanRows.remove(await scanRows.findOneByOrFail({ id }));
    return file!;
  };

  describe.each(works)('of %s', (_, work) => {
    it.each([
      ['whose lease has ended', staged],
      ['of a deleted row', released],
    ])('a row that takes a file %s is refused, or has its bytes', async (_of, make) => {
      const outcomes = new Set<string>();
      for (let index = 0; ; index += 1) {
        const file = await make();
        const save = () =>
          scanRows.save({ file }).then(
            () => outcomes.add('saved'),
            (error: unknown) => expectCode(Promise.reject(error), 'staged_expired').then(() => outcomes.add('refused')),
          );
        if (!(await interleave(() => work(file), new Map([[index, save]])))) break;
        await files.sweep();
        for (const row of await scanRows.find()) expect(await row.file!.text()).toBe('bytes');
        await scanRows.clear();
        await dataSource.query('DELETE FROM file_ledger');
      }
      expect([...outcomes].sort()).toEqual(['refused', 'saved']);
    });
  });

  /** Two acts of a sweep's neighbours, before every two of its statements. */
  async function everyPair(
    make: () => Promise<readonly [Act, Act]>,
    verify: () => Promise<unknown>,
    work: Act = sweep,
  ): Promise<void> {
    for (let first = 0; ; first += 1) {
      let last = first + 1;
      for (; ; last += 1) {
        const acts = await make();
        const pair = new Map([first, last].map((index, act) => [index, acts[act]!]));
        if (!(await interleave(work, pair))) break;
        await reconcile();
        await verify();
        // The statements are the same on each database.
        if (database !== 'sqlite') {
          last += 2;
          break;
        }
      }
      if (last === first + 1) return;
    }
  }

  it('of a sweep a row may take a file and be deleted, and its bytes go in the end', async () => {
    const make = async (): Promise<[Act, Act]> => {
      const file = await released();
      const take = () => scanRows.save({ file }).catch(() => undefined);
      return [take, async () => scanRows.remove(await scanRows.find())];
    };
    await everyPair(make, async () => expect(scans.keys).toEqual([]));
  });

  it.each<[state: string, work: Act]>([
    ['pending', sweep],
    ['released', sweep],
    ['live', reconcile],
  ])(
    'of a sweep or a repair a row may take a file and be deleted, and its policy keeps the bytes (%s)',
    async (state, work) => {
      const kept: StoredFile[] = [];
      const make = async (): Promise<[Act, Act]> => {
        const record = await files.stage(Scan, 'record', 'bytes');
        await dataSource.query(
          `UPDATE file_ledger SET state = '${state}', lease_until = 0, not_before = 0 WHERE id = '${record.id}'`,
        );
        const take = () =>
          scanRows.save({ record }).then(
            () => kept.push(record),
            () => undefined,
          );
        return [take, async () => scanRows.remove(await scanRows.find())];
      };
      const verify = async () => {
        for (const file of kept.slice(-1)) expect(await file.text()).toBe('bytes');
      };
      await everyPair(make, verify, work);
      expect(kept.length).toBeGreaterThan(0);
      expect(scans.keys).toHaveLength(kept.length);
    },
  );

  it('of a sweep that a guard refused, another sweep may let the file go, and its bytes go too', async () => {
    const { database: connection } = files.ledger;
    const execute = connection.execute.bind(connection);
    await released();
    connection.execute = async (statement, options) => {
      if (!statement.text().startsWith('DELETE FROM file_ledger')) return execute(statement, options);
      connection.execute = execute;
      // The row that it refused for is deleted right after.
      await dataSource.query('DELETE FROM file_ledger');
      throw new Error('referenced: a row of other.file has this file');
    };
    const faults: unknown[] = [];
    const listener = (error: unknown) => void faults.push(error);
    files.on('fault', listener);
    await files.sweep().finally(() => (connection.execute = execute));
    files.off('fault', listener);
    expect(faults).toHaveLength(1);
    await files.sweep();
    expect(scans.keys).toEqual([]);
  });
});
