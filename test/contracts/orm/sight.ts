import { FileEvents } from '../../../src/events.js';
import { Reconciler } from '../../../src/ledger/reconcile.js';
import { References } from '../../../src/ledger/references.js';
import { Sweeper } from '../../../src/ledger/sweep.js';
import type { OrmContext } from './context.js';

/**
 * A process that maps fewer entities than the rows in the database have: a second service, a worker, an older release. It
 * must not release or delete a file whose column it does not map.
 */
export function sightClaims(t: OrmContext): void {
  describe('a process that does not map a column', () => {
    const withoutFileColumn = async () => {
      const { ledger, storages } = t.files;
      const [entry] = await t.harness.query(`SELECT owner_type AS owner FROM file_ledger WHERE slot = 'cover_file'`);
      const cover = {
        table: 'contract_document',
        column: 'cover_file',
        owner: String(entry?.owner),
        slot: 'cover_file',
      };
      const references = new References([cover]);
      const events = new FileEvents();
      return {
        sweeper: new Sweeper(ledger, storages, references, events),
        reconciler: new Reconciler(ledger, storages, references, events),
      };
    };

    beforeAll(async () => {
      await t.harness.unit().insert({ slug: 'sight-cover', cover: await t.stageCover('seen') });
    });

    it('reports the files of that column as foreign and releases none of them', async () => {
      const { file } = await t.inserted('sight-live', 'not seen');
      const { sweeper, reconciler } = await withoutFileColumn();
      const report = await reconciler.reconcile({ repair: true });
      expect(report.foreign.map(({ id }) => id)).toContain(file!.id);
      expect(report.unreferenced).toEqual([]);
      await sweeper.sweep();
      expect(await t.textOf('sight-live')).toBe('not seen');
    });

    it('deletes no file that is staged for that column, even after its lease', async () => {
      const file = await t.stage('staged elsewhere');
      await t.harness.query(`UPDATE file_ledger SET lease_until = 0 WHERE id = '${file.id}'`);
      const { sweeper } = await withoutFileColumn();
      expect(await sweeper.sweep()).toMatchObject({ expired: 0, deleted: 0 });
      await t.harness.unit().insert({ slug: 'sight-staged', file });
      expect(await t.textOf('sight-staged')).toBe('staged elsewhere');
    });

    it('deletes no released file of that column, and none that has no owner', async () => {
      const rows = [await t.inserted('sight-a', 'released'), await t.inserted('sight-b', 'shared')];
      const [released, shared] = rows.map(({ file }) => file!.id);
      await t.harness.query(`UPDATE file_ledger SET state = 'released', not_before = 0 WHERE id = '${released}'`);
      await t.harness.query(
        `UPDATE file_ledger SET state = 'released', not_before = 0, owner_type = NULL, owner_pk = NULL, slot = NULL WHERE id = '${shared}'`,
      );
      const { sweeper, reconciler } = await withoutFileColumn();
      expect(await sweeper.sweep()).toEqual({ expired: 0, revived: 0, deleted: 0, failed: 0, waiting: 0 });
      await reconciler.reconcile({ repair: true });
      await t.files.sweep();
      expect({ a: await t.textOf('sight-a'), b: await t.textOf('sight-b') }).toEqual({ a: 'released', b: 'shared' });
    });
  });
}
