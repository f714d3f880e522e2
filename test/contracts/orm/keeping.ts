import { createHash } from 'node:crypto';
import type { OrmContext } from './context.js';

export function keepingClaims(t: OrmContext): void {
  describe('insert', () => {
    it('saves the file with its row, which another unit can read', async () => {
      await t.inserted('insert-1', 'first light');
      const row = await t.harness.unit().find('insert-1');
      expect(row?.file).toMatchObject({ name: 'note.txt', size: 11, type: 'text/plain' });
      expect(await row?.file?.text()).toBe('first light');
      expect(row?.file?.sha256).toBe(createHash('sha256').update('first light').digest('hex'));
    });

    it('does no storage I/O when rows are loaded', async () => {
      await t.inserted('insert-lazy', 'lazy');
      const before = t.harness.documents.reads;
      const row = await t.harness.unit().find('insert-lazy');
      expect(row?.file).toMatchObject({ size: 4, name: 'note.txt' });
      expect(t.harness.documents.reads).toBe(before);
    });

    it('serialises name, size and type as JSON, and neither key nor storage', async () => {
      const row = await t.inserted('insert-json', 'json');
      const { key } = row.file!.toDescriptor();
      const json = JSON.stringify(await t.harness.unit().find('insert-json'));
      expect(JSON.parse(json)).toMatchObject({
        slug: 'insert-json',
        file: { name: 'note.txt', size: 4, type: 'text/plain' },
      });
      expect(json).not.toContain(key);
      expect(json).not.toContain('sha256');
    });

    it('saves a row without a file and finds it by that condition', async () => {
      const before = await t.harness.countWithoutFile();
      await t.harness.unit().insert({ slug: 'insert-null', file: null });
      expect((await t.harness.unit().find('insert-null'))?.file).toBeNull();
      expect(await t.harness.countWithoutFile()).toBe(before + 1);
    });

    it('keeps the file of one field when another field of the row is set to null', async () => {
      const unit = t.harness.unit();
      const row = await unit.insert({
        slug: 'insert-two',
        file: await t.stage('body'),
        cover: await t.stageCover('cover'),
      });
      row.file = null;
      await unit.save(row);
      await t.sweepAll();
      const loaded = await t.harness.unit().find('insert-two');
      expect(loaded?.file).toBeNull();
      expect(await loaded?.cover?.text()).toBe('cover');
    });
  });

  describe('replace', () => {
    it('serves the new bytes at once and deletes the old ones at the next sweep', async () => {
      const unit = t.harness.unit();
      const row = await unit.insert({ slug: 'replace', file: await t.stage('replaced old') });
      row.file = await t.stage('replaced new');
      await unit.save(row);
      expect(await t.textOf('replace')).toBe('replaced new');
      expect(await t.countStored('replaced old')).toBe(1);
      await t.sweepAll();
      expect(await t.countStored('replaced old')).toBe(0);
      expect(await t.textOf('replace')).toBe('replaced new');
    });

    it('saves a file that differs from the one before in nothing but its bytes and its id', async () => {
      const unit = t.harness.unit();
      const row = await unit.insert({ slug: 'alike', file: await t.stage('one') });
      row.file = await t.stage('two');
      expect({ ...row.file }).toEqual({ ...(await t.harness.unit().find('alike'))!.file });
      await unit.save(row);
      await t.sweepAll();
      expect(await t.textOf('alike')).toBe('two');
      expect(await t.countStored('one')).toBe(0);
    });

    it('deletes the bytes of a field that was set to null', async () => {
      const unit = t.harness.unit();
      const row = await unit.insert({ slug: 'nulled', file: await t.stage('to be nulled') });
      row.file = null;
      await unit.save(row);
      await t.sweepAll();
      expect((await t.harness.unit().find('nulled'))?.file).toBeNull();
      expect(await t.countStored('to be nulled')).toBe(0);
    });

    it('sends no UPDATE for a file that did not change, and keeps it when another column changes', async () => {
      await t.inserted('unchanged', 'same');
      const unit = t.harness.unit();
      const row = (await unit.find('unchanged'))!;
      const before = t.harness.updates();
      await unit.save(row);
      expect(t.harness.updates()).toBe(before);
      row.title = 'other';
      await unit.save(row);
      expect(t.harness.updates()).toBe(before + 1);
      await t.sweepAll();
      expect(await t.textOf('unchanged')).toBe('same');
    });

    it('keeps a file that is assigned to its own row again', async () => {
      await t.inserted('again', 'again');
      const unit = t.harness.unit();
      const row = (await unit.find('again'))!;
      row.file = (await t.harness.unit().find('again'))!.file;
      await unit.save(row);
      await t.sweepAll();
      expect(await t.textOf('again')).toBe('again');
    });

    it('keeps the old file when a replacement is undone within its transaction', async () => {
      await t.inserted('undo', 'original');
      const file = await t.stage('passing');
      await t.harness.unit().transaction(async (unit) => {
        const row = (await unit.find('undo'))!;
        const original = row.file;
        row.file = file;
        await unit.save(row);
        row.file = original;
        await unit.save(row);
      });
      await t.sweepAll();
      expect(await t.textOf('undo')).toBe('original');
      expect(await t.countStored('passing')).toBe(0);
    });

    it('keeps exactly one file after ten replacements at once', async () => {
      await t.inserted('race', 'race 0');
      const contents = Array.from({ length: 10 }, (_, index) => `race ${index + 1}`);
      await Promise.all(
        contents.map(async (content) => {
          const unit = t.harness.unit();
          const row = (await unit.find('race'))!;
          row.file = await t.stage(content);
          await unit.save(row);
        }),
      );
      await t.sweepAll();
      const winner = await t.textOf('race');
      expect(contents).toContain(winner);
      const counts = await Promise.all(contents.map((content) => t.countStored(content)));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1);
      expect(await t.countStored('race 0')).toBe(0);
    });
  });

  describe('delete', () => {
    it('deletes the bytes of a deleted row at the next sweep', async () => {
      await t.inserted('delete', 'deleted');
      const unit = t.harness.unit();
      await unit.remove((await unit.find('delete'))!);
      expect(await t.harness.unit().find('delete')).toBeNull();
      await t.sweepAll();
      expect(await t.countStored('deleted')).toBe(0);
    });
  });
}
