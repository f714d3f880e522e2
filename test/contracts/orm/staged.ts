import { randomUUID } from 'node:crypto';
import { type StoredFile } from 'filefield';
import { expectCode, type OrmContext } from './context.js';

export function stagedClaims(t: OrmContext): void {
  describe('a staged file', () => {
    it('is deleted when no row is saved with it within the lease, and cannot be saved afterwards', async () => {
      const file = await t.stage('forgotten');
      const report = await t.sweepAll();
      expect(report.expired).toBeGreaterThanOrEqual(1);
      expect(await t.countStored('forgotten')).toBe(0);
      await expectCode(t.harness.unit().insert({ slug: 'too-late', file }), 'staged_expired');
      expect(await t.harness.unit().find('too-late')).toBeNull();
    });

    it('is kept by a sweep before its lease ends', async () => {
      const file = await t.stage('patient');
      await t.files.sweep();
      await t.harness.unit().insert({ slug: 'patient', file });
      expect(await t.textOf('patient')).toBe('patient');
    });

    it('is deleted at the next sweep when it is discarded, unless a row has it', async () => {
      const file = await t.stage('discarded');
      await t.files.discard(file);
      const bound = (await t.inserted('discard-bound', 'bound')).file!;
      await t.files.discard(bound);
      await t.files.sweep();
      expect(await t.countStored('discarded')).toBe(0);
      expect(await t.textOf('discard-bound')).toBe('bound');
    });

    it('is recorded together with others that are staged at once; only a key that is taken is refused', async () => {
      const { ledger } = t.files;
      const ids = Array.from({ length: 5 }, () => randomUUID());
      const record = (id: string, key: string) =>
        ledger.intend({ id, storage: 'documents', key: `at-once/${key}`, owner: 'contract_document', slot: 'file' });
      expect(await record(ids[0]!, 'taken')).toBe(true);
      const keys = ['a', 'taken', 'b', 'a'];
      const recorded = await Promise.all(keys.map((key, index) => record(ids[index + 1]!, key)));
      expect(recorded).toEqual([true, false, true, false]);
      await Promise.all(ids.map((id) => ledger.withdraw(id)));
      expect(await t.harness.query(`SELECT id FROM file_ledger WHERE object_key LIKE 'at-once/%'`)).toEqual([]);
    });

    it('is refused in a second row, whose insert is rolled back', async () => {
      const file = (await t.inserted('owner', 'mine alone')).file!;
      await expectCode(t.harness.unit().insert({ slug: 'thief', file }), 'already_bound');
      expect(await t.harness.unit().find('thief')).toBeNull();
      expect(await t.textOf('owner')).toBe('mine alone');
    });
  });

  describe('the file field', () => {
    it.each([
      ['a string', '2026/11/ab/secret'],
      [
        'an object from a request body',
        { v: 1, id: 'x', storage: 'documents', key: '2026/11/ab/secret', name: 'x', size: 1 },
      ],
    ])('refuses %s and writes nothing', async (_kind, value) => {
      await expectCode(
        t.harness.unit().insert({ slug: 'forged', file: value as unknown as StoredFile }),
        'invalid_value',
      );
      expect(await t.harness.unit().find('forged')).toBeNull();
    });

    it('refuses a file that was staged for another storage', async () => {
      const cover = await t.stageCover('a cover');
      await expectCode(t.harness.unit().insert({ slug: 'misplaced', file: cover }), 'invalid_value');
    });
  });
}
