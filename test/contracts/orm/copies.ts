import { expectCode } from './context.js';
import type { BookField, BookRow } from './policies.js';
import type { Site, SiteUnit } from './site.js';

/** The policy `copies`: what happens when a row gets the file of another row. */
export function copiesClaims(site: () => Site<BookRow>): void {
  const inserted = async (field: BookField, text: string) => {
    const file = await site().files.stage(site().Entity, field, text, { name: 'a.txt' });
    return site()
      .unit()
      .insert({ title: '', [field]: file });
  };
  const remove = async (...rows: BookRow[]) => {
    const unit = site().unit();
    for (const { id } of rows) await unit.remove(await unit.find(id));
  };
  const textOf = async (field: BookField, { id }: BookRow) => (await site().unit().find(id))[field]?.text();
  /** Ends every grace, then sweeps. */
  const sweep = async () => {
    await site().query('UPDATE file_ledger SET not_before = 1 WHERE not_before IS NOT NULL');
    return site().files.sweep();
  };

  describe.each([
    ['in a transaction of its own', (work: (unit: SiteUnit<BookRow>) => Promise<BookRow>) => work(site().unit())],
    [
      'in a transaction of the application',
      (work: (unit: SiteUnit<BookRow>) => Promise<BookRow>) => site().unit().transaction(work),
    ],
  ])('copies, when the row is saved %s', (_, within) => {
    it('copies the file for a new row and for a row that had none, with copy', async () => {
      const one = await inserted('copied', 'twice');
      const two = await within((unit) => unit.insert({ title: '', copied: one.copied }));
      const { id } = await site().unit().insert({ title: 'empty' });
      const { copied } = await site().unit().find(two.id);
      const three = await within(async (unit) => {
        const row = await unit.find(id);
        row.copied = copied;
        await unit.save(row);
        return row;
      });
      expect(new Set([one, two, three].map(({ copied }) => copied?.id)).size).toBe(3);
      expect((await site().unit().find(three.id)).copied?.id).toBe(three.copied?.id);
      expect(site().media.keys).toHaveLength(3);
      await remove(one, three);
      await sweep();
      expect(site().media.keys).toHaveLength(1);
      expect(await textOf('copied', two)).toBe('twice');
    });

    it('does not copy the file that the row has already, with copy', async () => {
      const { id, copied } = await inserted('copied', 'once');
      const again = await within(async (unit) => {
        const row = await unit.find(id);
        row.title = 'again';
        row.copied = copied;
        await unit.save(row);
        return row;
      });
      expect((await site().unit().find(id)).title).toBe('again');
      expect(again.copied?.id).toBe(copied?.id);
      expect(site().media.keys).toHaveLength(1);
    });

    it('does not copy a file that its row gets back after SQL took it, with copy', async () => {
      const { id, copied } = await inserted('copied', 'given back');
      await site().query(`UPDATE book SET copied = NULL WHERE id = ${id}`);
      const again = await within(async (unit) => {
        const row = await unit.find(id);
        row.copied = copied;
        await unit.save(row);
        return row;
      });
      expect(again.copied?.id).toBe(copied?.id);
      expect(await textOf('copied', again)).toBe('given back');
      expect(site().media.keys).toHaveLength(1);
    });

    it('keeps a file until the last of its rows is deleted or gets another value, with share', async () => {
      const one = await inserted('shared', 'common');
      const two = await within((unit) => unit.insert({ title: '', shared: one.shared }));
      const { shared } = await site().unit().find(two.id);
      const three = await within((unit) => unit.insert({ title: '', shared }));
      expect(site().media.keys).toHaveLength(1);
      await remove(one);
      await sweep();
      expect(await textOf('shared', two)).toBe('common');
      await within(async (unit) => {
        const row = await unit.find(three.id);
        row.shared = null;
        await unit.save(row);
        return row;
      });
      await sweep();
      expect(await textOf('shared', two)).toBe('common');
      await remove(two);
      await sweep();
      expect(site().media.keys).toEqual([]);
    });

    it('refuses the file, and stages a copy from it, with forbid', async () => {
      const one = await inserted('plain', 'text');
      const thief = within((unit) => unit.insert({ title: 'thief', plain: one.plain }));
      await expectCode(thief, 'already_bound');
      expect(await site().query(`SELECT id FROM book WHERE title = 'thief'`)).toEqual([]);
      const plain = await site().files.stage(site().Entity, 'plain', one.plain!);
      const two = await within((unit) => unit.insert({ title: '', plain }));
      expect(two.plain?.name).toBe('a.txt');
      await remove(one);
      await sweep();
      expect(await textOf('plain', two)).toBe('text');
      expect(site().media.keys).toHaveLength(1);
    });
  });

  it('leaves no entry of a copy behind when the transaction is rolled back, and a reconcile finds its bytes', async () => {
    const one = await inserted('copied', 'twice');
    const work = site()
      .unit()
      .transaction(async (unit) => {
        await unit.insert({ title: '', copied: one.copied });
        throw new Error('no');
      });
    await expect(work).rejects.toThrow('no');
    expect(await site().query('SELECT id FROM file_ledger')).toEqual([{ id: one.copied?.id }]);
    site().media.age = 48 * 3_600_000;
    await site().files.reconcile({ deleteUnknown: true, from: { storage: 0, after: '' } });
    await sweep();
    expect(site().media.keys).toEqual([one.copied!.toDescriptor().key]);
  });

  it('gives a copy the width and height of its original and hashes of its own, and refuses an encrypted original', async () => {
    const one = await inserted('copied', 'a picture');
    const rewritten = async (members: object) => {
      const text = JSON.stringify({ ...one.copied!.toDescriptor(), ...members });
      await site().query(`UPDATE book SET copied = '${text}' WHERE id = ${one.id}`);
      return (await site().unit().find(one.id)).copied;
    };
    const { sha256, crc32 } = one.copied!;
    const picture = await rewritten({ width: 30, height: 20, sha256: undefined, later: true });
    const two = await site().unit().insert({ title: '', copied: picture });
    expect(two.copied!.toDescriptor()).toMatchObject({ width: 30, height: 20, sha256, crc32 });
    expect(two.copied!.toDescriptor()).not.toHaveProperty('later');
    const encrypted = await rewritten({ encryption: 'x' });
    await expectCode(site().unit().insert({ title: '', copied: encrypted }), 'unsupported');
  });
}
