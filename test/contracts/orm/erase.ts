import { expectCode, type OrmContext } from './context.js';

/** `files.erase`: the bytes go now, and only if no row can have them. */
export function eraseClaims(t: OrmContext): void {
  describe('erase', () => {
    it('deletes the bytes of a deleted row and of a replaced file at once, whatever the grace is', async () => {
      const row = await t.inserted('erase-gone', 'erased with its row');
      const other = await t.inserted('erase-replaced', 'erased after its replacement');
      const [first, second] = [row.file!, other.file!];
      const unit = t.harness.unit();
      await unit.remove((await unit.find('erase-gone'))!);
      const loaded = (await unit.find('erase-replaced'))!;
      loaded.file = null;
      await unit.save(loaded);
      await t.harness.query(`UPDATE file_ledger SET not_before = not_before + 3600000 WHERE state = 'released'`);
      await t.files.erase(first);
      await t.files.erase(second);
      expect(await t.countStored('erased with its row')).toBe(0);
      expect(await t.countStored('erased after its replacement')).toBe(0);
      const ids = `('${first.id}', '${second.id}')`;
      expect(await t.harness.query(`SELECT id FROM file_ledger WHERE id IN ${ids}`)).toEqual([]);
      expect(await t.harness.query(`SELECT id FROM file_trash WHERE id IN ${ids}`)).toEqual([]);
      // It is gone already.
      await t.files.erase(first);
    });

    it('deletes a staged file, and refuses to save it afterwards', async () => {
      const file = await t.stage('erased before its row');
      await t.files.erase(file);
      expect(await t.countStored('erased before its row')).toBe(0);
      await expectCode(t.harness.unit().insert({ slug: 'erase-staged', file }), 'staged_expired');
    });

    it('refuses a file that a row has, by the ledger or by the row alone', async () => {
      const { file } = await t.inserted('erase-held', 'held');
      await expectCode(t.files.erase(file!), 'in_use');
      await t.harness.query(`UPDATE file_ledger SET state = 'released', not_before = 0 WHERE id = '${file!.id}'`);
      await expectCode(t.files.erase(file!), 'in_use');
      expect(await t.textOf('erase-held')).toBe('held');
      // The next sweep makes the entry live again.
      await t.sweepAll();
    });

    it('does nothing to a file that the ledger does not have, since a row may have it', async () => {
      const { file } = await t.inserted('erase-unrecorded', 'not in the ledger');
      await t.harness.query(`DELETE FROM file_ledger WHERE id = '${file!.id}'`).catch(() => undefined);
      await t.files.erase(file!).catch((error: unknown) => expectCode(Promise.reject(error), 'in_use'));
      expect(await t.textOf('erase-unrecorded')).toBe('not in the ledger');
      await t.files.reconcile({ repair: true });
    });

    it('refuses a file of a column that the application does not see', async () => {
      const { file } = await t.inserted('erase-foreign', 'of another service');
      const entry = `WHERE id = '${file!.id}'`;
      const [{ owner }] = (await t.harness.query(`SELECT owner_type AS owner FROM file_ledger ${entry}`)) as [
        { owner: string },
      ];
      await t.harness.query(`UPDATE file_ledger SET owner_type = 'of_another_service' ${entry}`);
      await t.harness.query(`UPDATE contract_document SET title = 'x' WHERE slug = 'erase-foreign'`);
      await expectCode(t.files.erase(file!), 'in_use');
      await t.harness.query(`UPDATE file_ledger SET owner_type = '${owner}' ${entry}`);
      expect(await t.textOf('erase-foreign')).toBe('of another service');
    });

    it('leaves the deletion to a sweep if the storage fails', async () => {
      const file = await t.stage('erased later');
      t.harness.documents.failDeletes = true;
      await expectCode(t.files.erase(file), 'storage_failed');
      t.harness.documents.failDeletes = false;
      await expectCode(t.harness.unit().insert({ slug: 'erase-later', file }), 'staged_expired');
      await t.files.sweep();
      expect(await t.countStored('erased later')).toBe(0);
    });
  });
}
