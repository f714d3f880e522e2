import { setTimeout as delay } from 'node:timers/promises';
import { expectCode, times, type OrmContext } from './context.js';

export function sweepClaims(t: OrmContext): void {
  describe('sweep', () => {
    it('deletes each file once when two sweeps run at the same time', async () => {
      for (let index = 0; index < 5; index += 1) await t.stage(`twice ${index}`);
      await delay(times.lease + 50);
      const [first, second] = await Promise.all([t.files.sweep(), t.files.sweep()]);
      expect(first.failed + second.failed).toBe(0);
      for (let index = 0; index < 5; index += 1) expect(await t.countStored(`twice ${index}`)).toBe(0);
    });

    it.each([
      [{ concurrency: 1 }, 1],
      [{}, 16],
    ])('deletes with the options %j, %i objects at the same time', async (options, expected) => {
      const { documents } = t.harness;
      await t.sweepAll();
      for (let index = 0; index < 20; index += 1) await t.stage(`many ${index}`);
      await delay(times.lease + 50);
      documents.mostDeletes = 0;
      expect(await t.files.sweep(options)).toMatchObject({ expired: 20, deleted: 20, failed: 0 });
      expect(documents.mostDeletes).toBe(expected);
      expect(await t.harness.query('SELECT id FROM file_trash')).toEqual([]);
    });

    it('keeps the trash entries of the objects that a batch failed to delete, and no others', async () => {
      const [kept, gone] = [await t.stage('fails alone'), await t.stage('goes alone')];
      const { documents } = t.harness;
      const ignore = () => {};
      t.files.on('fault', ignore);
      documents.failDeletes = (key) => key === kept.toDescriptor().key;
      try {
        expect(await t.sweepAll()).toMatchObject({ deleted: 1, failed: 1 });
      } finally {
        documents.failDeletes = false;
        t.files.off('fault', ignore);
      }
      expect(await t.harness.query('SELECT id FROM file_trash')).toEqual([{ id: kept.id }]);
      expect(documents.keys).not.toContain(gone.toDescriptor().key);
      await delay(1100);
      expect((await t.files.sweep()).deleted).toBe(1);
    });

    it('retries a deletion later when the storage fails, and emits fault', async () => {
      const faults: unknown[] = [];
      const listener = (error: unknown) => void faults.push(error);
      t.files.on('fault', listener);
      await t.stage('stubborn');
      t.harness.documents.failDeletes = true;
      try {
        expect((await t.sweepAll()).failed).toBe(1);
      } finally {
        t.harness.documents.failDeletes = false;
        t.files.off('fault', listener);
      }
      expect(faults).toHaveLength(1);
      await delay(1100);
      expect((await t.files.sweep()).deleted).toBe(1);
      expect(await t.countStored('stubborn')).toBe(0);
    });

    it('removes the trash entry of a file that was bound again while it was retired', async () => {
      const { id, storage, key } = (await t.inserted('reclaimed', 'bound again')).file!.toDescriptor();
      await t.harness.query(
        `INSERT INTO file_trash (id, storage, object_key, not_before, attempts) VALUES ('${id}', '${storage}', '${key}', 0, 0)`,
      );
      await t.files.sweep();
      expect(await t.harness.query(`SELECT id FROM file_trash WHERE id = '${id}'`)).toEqual([]);
      expect(await t.textOf('reclaimed')).toBe('bound again');
    });

    it('revives a staged file that a row refers to', async () => {
      const file = await t.stage('promoted');
      await t.harness.unit().insert({ slug: 'promoted', file });
      await t.harness.query(`UPDATE file_ledger SET state = 'pending', lease_until = 0 WHERE id = '${file.id}'`);
      const expired: unknown[] = [];
      const listener = (event: unknown) => void expired.push(event);
      t.files.on('expired', listener);
      expect(await t.files.sweep()).toMatchObject({ expired: 0, revived: 1, deleted: 0 });
      t.files.off('expired', listener);
      expect(expired).toEqual([]);
      expect(await t.textOf('promoted')).toBe('promoted');
    });
  });

  describe('a file whose bytes are missing', () => {
    it('rejects with missing and emits the event missing', async () => {
      const file = (await t.inserted('missing', 'gone')).file!;
      const events: unknown[] = [];
      const listener = (event: { file: { id: string } }) => void events.push(event.file.id);
      t.files.on('missing', listener);
      const { key } = file.toDescriptor();
      const bytes = await t.harness.documents.textOf(key);
      await t.harness.documents.delete(key);
      await expectCode((await t.harness.unit().find('missing'))!.file!.text(), 'missing');
      t.files.off('missing', listener);
      expect(events).toEqual([file.id]);
      await t.harness.documents.put(key, bytes);
    });
  });
}
