import { setTimeout as delay } from 'node:timers/promises';
import { accident } from './accidents.js';
import { inEveryHall, inHall } from './halls.js';
import { Loan, openTypeormHall } from './typeorm-hall.js';

inEveryHall((t) => {
  accident('bulk-delete-leaves-files', async () => {
    await t.insert('a', 'by deleteMany', { room: 'old news' });
    await t.insert('b', 'by the ORM', { room: 'older news' });
    await t.insert('c', 'stays', { room: 'news' });
    await t.files.deleteMany(t.hall.Exhibit, { room: 'old news' });
    await t.sweep();
    expect(await t.onDisk()).toEqual(['by the ORM', 'stays']);
    await t.hall.bulkDelete({ room: 'older news' });
    await t.repair();
    expect(await t.onDisk()).toEqual(['stays']);
    expect(await t.textOf('c')).toBe('stays');
  });

  accident('cascade-leaves-files', async () => {
    await t.hall.query('INSERT INTO wing (id) VALUES (1)');
    await t.insert('inside', 'in the wing');
    await t.insert('outside', 'elsewhere');
    await t.hall.query(`UPDATE exhibit SET wing_id = 1 WHERE slug = 'inside'`);
    await t.hall.query('DELETE FROM wing');
    expect(await t.hall.unit().find('inside')).toBeNull();
    await t.repair();
    expect(await t.onDisk()).toEqual(['elsewhere']);
  });

  accident('database-delete-keeps-the-object', async () => {
    const { file } = await t.insert('gone', 'in the bucket');
    await t.hall.query(`DELETE FROM exhibit WHERE slug = 'gone'`);
    const { key } = file!.toDescriptor();
    expect(await t.files.reconcile()).toMatchObject({ unreferenced: [{ id: file!.id, storage: 'media', key }] });
    await t.repair();
    expect(await t.onDisk()).toEqual([]);
  });

  accident('purge-before-commit-leaves-an-orphan', async () => {
    await t.insert('busy', 'old');
    const file = await t.stage('new');
    await t.hall.unit().transaction(async (unit) => {
      const row = (await unit.find('busy'))!;
      row.file = file;
      await unit.save(row);
      // On SQLite the transaction has the only connection, so nobody can sweep meanwhile.
      if (t.hall.database !== 'sqlite') await t.files.sweep();
    });
    await delay(5);
    await t.files.sweep();
    expect(await t.onDisk()).toEqual(['new']);
    expect(await t.textOf('busy')).toBe('new');
  });

  accident('shared-file-deleted-with-one-row', async () => {
    const shared = await t.stage('shared', 'shared');
    const one = await t.hall.unit().insert({ slug: 'one', shared });
    await t.hall.unit().insert({ slug: 'two', shared: one.shared });
    await remove('one');
    expect(await t.textOf('two', 'shared')).toBe('shared');
    await remove('two');
    expect(await t.onDisk()).toEqual([]);
  });

  accident('duplicate-deletes-the-original', async () => {
    const copied = await t.stage('original', 'copied');
    const one = await t.hall.unit().insert({ slug: 'one', copied });
    await t.hall.unit().insert({ slug: 'two', copied: one.copied });
    await t.sweep();
    expect(await t.onDisk()).toEqual(['original', 'original']);
    await remove('two');
    expect(await t.textOf('one', 'copied')).toBe('original');
  });

  accident('changed-duplicate-deletes-the-original', async () => {
    const one = await t.hall.unit().insert({ slug: 'one', shared: await t.stage('original', 'shared') });
    const unit = t.hall.unit();
    const two = await unit.insert({ slug: 'two', shared: one.shared });
    two.shared = await t.stage('changed', 'shared');
    await unit.save(two);
    await t.sweep();
    expect(await t.textOf('one', 'shared')).toBe('original');
    expect(await t.textOf('two', 'shared')).toBe('changed');
  });

  accident('every-duplicate-gets-the-first-file', async () => {
    const texts = ['first', 'second', 'third'];
    const originals = [];
    for (const text of texts) originals.push((await t.insert(text, text)).file!);
    const copies = await t.files.stageAll(t.hall.Exhibit, 'file', originals);
    for (const [index, file] of copies.entries()) await t.hall.unit().insert({ slug: `copy of ${texts[index]}`, file });
    for (const text of texts) expect(await t.textOf(`copy of ${text}`)).toBe(text);
  });

  accident('recreated-file-deleted', async () => {
    await t.insert('poster', 'old');
    const file = await t.stage('new');
    await t.hall.unit().transaction(async (unit) => {
      await unit.remove((await unit.find('poster'))!);
      await unit.insert({ slug: 'poster', file });
    });
    await t.sweep();
    expect(await t.textOf('poster')).toBe('new');
    expect(await t.onDisk()).toEqual(['new']);
  });

  accident('replacement-race-deletes-the-winner', async () => {
    await t.insert('thumbnail', 'before');
    const texts = Array.from({ length: 10 }, (_, index) => `replacement ${index}`);
    const replace = async (text: string) => {
      const file = await t.stage(text);
      await t.hall.unit().transaction(async (unit) => {
        const row = (await unit.find('thumbnail'))!;
        row.file = file;
        await unit.save(row);
      });
    };
    // A sweep among the replacements is the worst case.
    await Promise.allSettled([...texts.map(replace), t.files.sweep()]);
    await t.sweep();
    const winner = await t.textOf('thumbnail');
    expect(texts).toContain(winner);
    expect(await t.onDisk()).toEqual([winner]);
  });

  async function remove(slug: string): Promise<void> {
    const unit = t.hall.unit();
    await unit.remove((await unit.find(slug))!);
    await t.sweep();
  }
});

describe('rows that are soft-deleted, on TypeORM', () => {
  inHall(
    () => openTypeormHall('sqlite'),
    (t, hall) => {
      const loans = () => hall().dataSource.getRepository(Loan);
      const stage = (field: 'file' | 'draft', text: string) => t.files.stage(Loan, field, text);
      const load = (id: number) => loans().findOneByOrFail({ id });

      accident('soft-delete-deletes-files', async () => {
        const loan = await loans().save(loans().create({ file: await stage('file', 'kept') }));
        await loans().softRemove(loan);
        await t.repair();
        expect(await t.onDisk()).toEqual(['kept']);
        await loans().recover(loan);
        expect(await (await load(loan.id)).file!.text()).toBe('kept');
      });

      accident('undelete-without-files', async () => {
        const loan = await loans().save(loans().create({ draft: await stage('draft', 'back again') }));
        await loans().softRemove(loan);
        await loans().recover(loan);
        await t.sweep();
        expect(await (await load(loan.id)).draft!.text()).toBe('back again');
        await loans().softRemove(loan);
        await t.sweep();
        expect(await t.onDisk()).toEqual([]);
        await expect(loans().recover(loan)).rejects.toMatchObject({ code: 'staged_expired' });
        expect(await loans().findOneBy({ id: loan.id })).toBeNull();
      });

      accident('second-upload-after-trash-leaves-an-orphan', async () => {
        const loan = await loans().save(loans().create({ file: await stage('file', 'contract') }));
        await loans().softRemove(loan);
        // The same document is uploaded again; the application restores the old row and forgets the upload.
        await stage('file', 'contract');
        await loans().recover(loan);
        await t.sweep();
        expect(await t.onDisk()).toEqual(['contract']);
        await loans().remove(await load(loan.id));
        await t.sweep();
        expect(await t.onDisk()).toEqual([]);
      });
    },
  );
});
