import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { FileEvents } from '../../../src/events.js';
import { References } from '../../../src/ledger/references.js';
import { Sweeper } from '../../../src/ledger/sweep.js';
import { BulkContext, type BulkHarness } from './bulk.js';
import { expectInvariants } from './context.js';

/** Claims about the guard, by which the database refuses to delete the ledger entry of a file that a row has. */
export function guardClaims(open: () => Promise<BulkHarness>): void {
  describe('the guard', () => {
    let harness: BulkHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness?.close());
    afterEach(() => expectInvariants(harness));
    const t = new BulkContext(() => harness);

    /** As under row level security: the process maps the column, and sees no rows. */
    const blindSweeper = async (id: string) => {
      const [entry] = await harness.query(`SELECT owner_type AS owner FROM file_ledger WHERE id = '${id}'`);
      const events = new FileEvents();
      const faults: unknown[] = [];
      events.on('fault', (error) => void faults.push(error));
      const reference = {
        table: 'contract_document',
        column: 'file',
        owner: String(entry?.owner),
        slot: 'file',
        counts: '1 = 0',
      };
      const { ledger, storages } = t.files;
      return { faults, sweeper: new Sweeper(ledger, storages, new References([reference]), events) };
    };
    const release = (ids: readonly string[]) =>
      harness.query(
        `UPDATE file_ledger SET state = 'released', not_before = 0 WHERE id IN (${ids.map((id) => `'${id}'`).join(', ')})`,
      );

    it('is made for both columns, so that attachFiles has nothing to report', () => {
      expect(t.files.unprotected).toEqual([]);
    });

    it('refuses a row with a file that the ledger does not have', async () => {
      const descriptor = JSON.stringify({ ...(await t.stage('known')).toDescriptor(), id: randomUUID() });
      const insert = `INSERT INTO contract_document (slug, title, file) VALUES ('unknown', '', '${descriptor}')`;
      await expect(harness.query(insert)).rejects.toThrow(/staged_expired/i);
      expect(await t.rows('unknown')).toEqual([]);
    });

    it('refuses a staged file that was swept, and lets a sweep delete a replaced one', async () => {
      const file = await t.stage('too late');
      await t.expire();
      await expect(harness.unit().insert({ slug: 'late', file })).rejects.toThrow();
      await t.inserted('replaced', 'before');
      const unit = harness.unit();
      const row = (await unit.find('replaced'))!;
      row.file = await t.stage('after');
      await unit.save(row);
      await t.expire();
      expect(await t.countStored('before')).toBe(0);
      expect(await t.textOf('replaced')).toBe('after');
    });

    it('lets an entry be deleted whose row is deleted in the same transaction', async () => {
      const { file } = await t.inserted('gone', 'gone');
      await harness.sql(async (query) => {
        await query(`DELETE FROM contract_document WHERE slug = 'gone'`);
        await query(`UPDATE file_ledger SET not_before = 0 WHERE id = '${file!.id}'`);
      });
      await t.expire();
      expect(await t.countStored('gone')).toBe(0);
    });

    const guarded = () => (harness.database === 'sqlite' ? undefined : harness);

    it('keeps a file whose row a sweep cannot see, and emits fault; SQLite hides no rows and has no guard', async () => {
      if (!guarded()) return;
      const referenced = [await t.inserted('held-1', 'held'), await t.inserted('held-2', 'held')];
      const free = await t.stage('free');
      const ids = [free, ...referenced.map(({ file }) => file!)].map(({ id }) => id);
      await release(ids);
      await expect(harness.query(`DELETE FROM file_ledger WHERE id = '${ids[1]}'`)).rejects.toThrow(/referenced: /);
      const { faults, sweeper } = await blindSweeper(ids[1]!);
      await delay(5);
      expect(await sweeper.sweep({ batch: 2 })).toMatchObject({ revived: 2, deleted: 1, failed: 0 });
      expect(faults).toHaveLength(2);
      expect(await t.textOf('held-1')).toBe('held');
      expect(await t.textOf('held-2')).toBe('held');
      expect(await t.countStored('free')).toBe(0);
      expect(await harness.query('SELECT id FROM file_trash')).toEqual([]);
    });

    it('keeps one file of a batch of a hundred, and deletes all others', async () => {
      if (!guarded()) return;
      const { file } = await t.inserted('one-of-many', 'one of many');
      const free = await t.files.stageAll(
        harness.Document,
        'file',
        Array.from({ length: 99 }, () => 'one of many, free'),
      );
      await release([...free, file!].map(({ id }) => id));
      const { faults, sweeper } = await blindSweeper(file!.id);
      expect(await sweeper.sweep()).toMatchObject({ revived: 1, deleted: 99, failed: 0 });
      expect(faults).toHaveLength(1);
      expect(await t.textOf('one-of-many')).toBe('one of many');
    });
  });
}
