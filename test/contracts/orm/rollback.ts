import type { OrmContext } from './context.js';

export function rollbackClaims(t: OrmContext): void {
  describe('rollback', () => {
    it('keeps neither row nor bytes of an insert that is rolled back', async () => {
      // Staged before the transaction, as the documentation says.
      const file = await t.stage('rolled back');
      const work = t.harness.unit().transaction(async (unit) => {
        await unit.insert({ slug: 'rollback-insert', file });
        throw new Error('changed my mind');
      });
      await expect(work).rejects.toThrow('changed my mind');
      expect(await t.harness.unit().find('rollback-insert')).toBeNull();
      await t.sweepAll();
      expect(await t.countStored('rolled back')).toBe(0);
    });

    it('saves a staged file in another row after a unique violation', async () => {
      await t.inserted('rollback-unique', 'mine');
      const file = await t.stage('theirs');
      await expect(t.harness.unit().insert({ slug: 'rollback-unique', file })).rejects.toThrow();
      await t.harness.unit().insert({ slug: 'rollback-unique-2', file });
      expect(await t.textOf('rollback-unique')).toBe('mine');
      expect(await t.textOf('rollback-unique-2')).toBe('theirs');
    });

    it('keeps the old file when a replacement is rolled back', async () => {
      await t.inserted('rollback-replace', 'old');
      const file = await t.stage('new, never');
      const work = t.harness.unit().transaction(async (unit) => {
        const row = (await unit.find('rollback-replace'))!;
        row.file = file;
        await unit.save(row);
        throw new Error('no');
      });
      await expect(work).rejects.toThrow('no');
      await t.sweepAll();
      expect(await t.textOf('rollback-replace')).toBe('old');
      expect(await t.countStored('new, never')).toBe(0);
    });

    it('keeps the file when a delete is rolled back', async () => {
      await t.inserted('rollback-delete', 'survivor');
      const work = t.harness.unit().transaction(async (unit) => {
        await unit.remove((await unit.find('rollback-delete'))!);
        throw new Error('no');
      });
      await expect(work).rejects.toThrow('no');
      await t.sweepAll();
      expect(await t.textOf('rollback-delete')).toBe('survivor');
    });

    it('undoes the changes after a savepoint when only the savepoint is rolled back', async () => {
      await t.inserted('savepoint', 'outer');
      const file = await t.stage('inner');
      await t.harness.unit().transaction(async (outer) => {
        await outer
          .transaction(async (inner) => {
            const row = (await inner.find('savepoint'))!;
            row.file = file;
            await inner.save(row);
            throw new Error('inner');
          })
          .catch(() => undefined);
      });
      await t.sweepAll();
      expect(await t.textOf('savepoint')).toBe('outer');
      expect(await t.countStored('inner')).toBe(0);
    });

    it('undoes the changes of a released savepoint when the outer transaction is rolled back', async () => {
      await t.inserted('released', 'outer');
      const file = await t.stage('released');
      const work = t.harness.unit().transaction(async (outer) => {
        await outer.transaction(async (inner) => {
          const row = (await inner.find('released'))!;
          row.file = file;
          await inner.save(row);
        });
        throw new Error('outer');
      });
      await expect(work).rejects.toThrow('outer');
      await t.sweepAll();
      expect(await t.textOf('released')).toBe('outer');
    });
  });
}
