import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { FileEvents } from '../../../src/events.js';
import { References } from '../../../src/ledger/references.js';
import { Sweeper } from '../../../src/ledger/sweep.js';
import { BulkContext, type BulkHarness } from './bulk.js';
import { expectInvariants } from './context.js';

/** Claims about the generated column with a foreign key to the ledger. */
export function foreignKeyClaims(open: () => Promise<BulkHarness>): void {
  describe('the foreign key', () => {
    let harness: BulkHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness?.close());
    afterEach(() => expectInvariants(harness));
    const t = new BulkContext(() => harness);

    it('refuses a row with a file that the ledger does not have', async () => {
      const descriptor = JSON.stringify({ ...(await t.stage('known')).toDescriptor(), id: randomUUID() });
      const insert = `INSERT INTO contract_document (slug, title, file) VALUES ('unknown', '', '${descriptor}')`;
      await expect(harness.query(insert)).rejects.toThrow(/foreign key|staged_expired/i);
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

    it('keeps a file whose row a sweep cannot see, and emits fault', async () => {
      const referenced = [await t.inserted('held-1', 'held'), await t.inserted('held-2', 'held')];
      const free = await t.stage('free');
      const ids = [free, ...referenced.map(({ file }) => file!)].map(({ id }) => `'${id}'`);
      await harness.query(`UPDATE file_ledger SET state = 'released', not_before = 0 WHERE id IN (${ids.join(', ')})`);
      await expect(harness.query(`DELETE FROM file_ledger WHERE id = ${ids[1]}`)).rejects.toThrow(/foreign key/i);
      const [{ owner }] = (await harness.query(`SELECT owner_type AS owner FROM file_ledger WHERE id = ${ids[1]}`)) as [
        { owner: string },
      ];
      const events = new FileEvents();
      const faults: unknown[] = [];
      events.on('fault', (error) => void faults.push(error));
      // As under row level security: the process maps the column, and sees no rows.
      const reference = { table: 'contract_document', column: 'file', owner, slot: 'file', counts: '1 = 0' };
      const blind = new Sweeper(t.files.ledger, t.files.storages, new References([reference]), events);
      await delay(5);
      expect(await blind.sweep({ batch: 2 })).toMatchObject({ revived: 2, deleted: 1, failed: 0 });
      expect(faults).toHaveLength(2);
      expect(await t.textOf('held-1')).toBe('held');
      expect(await t.textOf('held-2')).toBe('held');
      expect(await t.countStored('free')).toBe(0);
      expect(await harness.query('SELECT id FROM file_trash')).toEqual([]);
    });
  });
}
