import { expectCode, expectInvariants } from './context.js';
import { BulkContext, type BulkHarness } from './bulk.js';

/** Claims about `files.deleteMany`, which needs no triggers. */
export function deleteManyClaims(open: () => Promise<BulkHarness>): void {
  describe('deleteMany', () => {
    let harness: BulkHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness?.close());
    afterEach(() => expectInvariants(harness));
    const t = new BulkContext(() => harness);
    const title = (text: string) => harness.query(`UPDATE contract_document SET title = '${text}' WHERE title = ''`);

    it('deletes the rows that match and their files', async () => {
      for (const slug of ['many-1', 'many-2', 'many-3']) await t.inserted(slug, 'one of many');
      await title('gone');
      await t.inserted('many-4', 'another');
      expect(await t.files.deleteMany(harness.Document, { title: 'gone' })).toBe(3);
      await t.expire();
      expect(await t.countStored('one of many')).toBe(0);
      expect(await t.textOf('many-4')).toBe('another');
      expect(await t.files.deleteMany(harness.Document, { title: 'gone' })).toBe(0);
    });

    it('deletes more rows than one batch, and compares with null', async () => {
      const values = Array.from({ length: 1050 }, (_, index) => `('batch-${index}', 'batch')`);
      await harness.query(`INSERT INTO contract_document (slug, title) VALUES ${values.join(', ')}`);
      await t.inserted('with-file', 'kept in spite of null');
      expect(await t.files.deleteMany(harness.Document, { title: 'batch', cover: null })).toBe(1050);
      expect(await t.textOf('with-file')).toBe('kept in spite of null');
    });

    it('deletes no row and no file when one row cannot be deleted', async () => {
      await t.inserted('pinned', 'pinned');
      await t.inserted('beside', 'beside');
      const reference = 'FOREIGN KEY (document) REFERENCES contract_document (slug)';
      await harness.query(`CREATE TABLE pin (document varchar(100) NOT NULL, ${reference})`);
      await harness.query(`INSERT INTO pin (document) VALUES ('pinned')`);
      await title('pinned');
      await expect(t.files.deleteMany(harness.Document, { title: 'pinned' })).rejects.toThrow();
      await t.reconcile();
      expect(await t.textOf('pinned')).toBe('pinned');
      expect(await t.textOf('beside')).toBe('beside');
    });

    it('deletes no row and no file when the database keeps the rows without an error', async () => {
      if (harness.database === 'mariadb') return;
      await t.inserted('spared', 'spared');
      const values = Array.from({ length: 500 }, (_, index) => `('spared-${index}', 'spared')`);
      await harness.query(`INSERT INTO contract_document (slug, title) VALUES ${values.join(', ')}`);
      const trigger = `CREATE TRIGGER spare BEFORE DELETE ON contract_document FOR EACH ROW WHEN (OLD.title = 'spared')`;
      if (harness.database === 'postgres') {
        await harness.query(`CREATE FUNCTION spare() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`);
        await harness.query(`${trigger} EXECUTE FUNCTION spare()`);
      } else await harness.query(`${trigger} BEGIN SELECT RAISE(IGNORE); END`);
      await title('spared');
      await expectCode(t.files.deleteMany(harness.Document, { title: 'spared' }), 'database_failed');
      await harness.query(`DROP TRIGGER spare${harness.database === 'postgres' ? ' ON contract_document' : ''}`);
      await t.expire();
      expect(await t.textOf('spared')).toBe('spared');
    });

    it('refuses a condition that matches every row', async () => {
      // What a program without types, or with a value that it did not check, may ask for.
      const empty = [{}, { title: undefined }, { title: 'a', slug: undefined }];
      const emptyWithin = [[], ['a', undefined], {}, { $in: [] }, { $ne: null }, { $and: [{ $ne: undefined }] }];
      for (const condition of [...empty, ...emptyWithin.map((title) => ({ title }))]) {
        await expectCode(t.files.deleteMany(harness.Document, condition as { title: string }), 'invalid_option');
      }
    });
  });
}
