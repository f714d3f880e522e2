import type { StoredFile } from 'filefield';
import type { FileFieldOptions } from '../../../src/fields/field-options.js';
import { copiesClaims } from './copies.js';
import { siteOf, type OpenSite } from './site.js';

/** A row of the table `book`: one file field for each policy. */
export interface BookRow {
  id: number;
  title: string;
  archive: StoredFile | null;
  master: StoredFile | null;
  secret: StoredFile | null;
  plain: StoredFile | null;
  copied: StoredFile | null;
  shared: StoredFile | null;
}

export type BookField = Exclude<keyof BookRow, 'id' | 'title'>;

/** The options of each field. */
export const book: Readonly<Record<BookField, FileFieldOptions>> = {
  archive: { storage: 'media', onReplace: 'keep', onDelete: { retain: '1h' } },
  master: { storage: 'media', onReplace: { retain: '2h' }, onDelete: 'keep' },
  secret: { storage: 'media', onDelete: { retain: '0s' } },
  plain: { storage: 'media' },
  copied: { storage: 'media', copies: 'copy' },
  shared: { storage: 'media', copies: 'share' },
};

const hour = 3_600_000;
const day = 24 * hour;

/** The policies of fields: when the bytes of a file are deleted, and whether rows may share them. */
export function policiesClaims(open: OpenSite<BookRow>): void {
  const site = siteOf(open, 'book', { grace: '1d' });
  const stage = (field: BookField, text: string) => site().files.stage(site().Entity, field, text);
  const inserted = async (field: BookField, text: string) =>
    site()
      .unit()
      .insert({ title: '', [field]: await stage(field, text) });
  const states = async () => (await site().query('SELECT state FROM file_ledger')).map(({ state }) => state).sort();
  /** Milliseconds from release to deletion, by field. */
  const waits = async () => {
    const rows = await site().query(
      'SELECT slot, not_before - released_at AS wait FROM file_ledger WHERE not_before > 0',
    );
    return Object.fromEntries(rows.map(({ slot, wait }) => [slot, Number(wait)]));
  };
  const replace = async (id: number, field: BookField, file: StoredFile | null) => {
    const unit = site().unit();
    const row = await unit.find(id);
    row[field] = file;
    await unit.save(row);
  };
  const remove = async (id: number) => {
    const unit = site().unit();
    await unit.remove(await unit.find(id));
  };
  const textOf = async (id: number, field: BookField) => (await site().unit().find(id))[field]?.text();
  const endRetention = () => site().query('UPDATE file_ledger SET not_before = 1 WHERE not_before IS NOT NULL');

  describe('onReplace', () => {
    it('keeps a replaced file, and no reconcile reports it, with keep', async () => {
      const { id, archive } = await inserted('archive', 'first');
      await replace(id, 'archive', await stage('archive', 'second'));
      await endRetention();
      await site().files.sweep();
      expect(await states()).toEqual(['kept', 'live']);
      expect(await archive!.text()).toBe('first');
      site().media.age = 2 * day;
      expect(await site().files.reconcile({ repair: true })).toMatchObject({ unreferenced: [], unknown: [] });
      expect(await states()).toEqual(['kept', 'live']);
    });

    it('gives a kept file to the row to which it is assigned again, or to another', async () => {
      const { id, archive } = await inserted('archive', 'first');
      await replace(id, 'archive', null);
      expect(await states()).toEqual(['kept']);
      await replace(id, 'archive', archive);
      expect(await states()).toEqual(['live']);
      expect(await textOf(id, 'archive')).toBe('first');
      await replace(id, 'archive', null);
      const other = await site().unit().insert({ title: '', archive });
      expect(await states()).toEqual(['live']);
      expect(await textOf(other.id, 'archive')).toBe('first');
    });

    it('retains a replaced file for the time of its field, not for the grace', async () => {
      const { id } = await inserted('master', 'first');
      await replace(id, 'master', await stage('master', 'second'));
      const one = await inserted('plain', 'gone');
      await replace(one.id, 'plain', null);
      expect(await waits()).toEqual({ master: 2 * hour, plain: day });
      await site().files.sweep();
      expect(site().media.keys).toHaveLength(3);
      await endRetention();
      await site().files.sweep();
      expect(site().media.keys).toHaveLength(1);
      expect(await textOf(id, 'master')).toBe('second');
    });
  });

  describe('onDelete', () => {
    it('retains the files of a deleted row for the time of each field, and others for the grace', async () => {
      const { files, media, unit } = site();
      const [archive, secret] = [await stage('archive', 'ledger'), await stage('secret', 'to be erased')];
      const { id } = await unit().insert({ title: '', archive, secret, plain: await stage('plain', 'ordinary') });
      await remove(id);
      expect(await waits()).toEqual({ archive: hour, secret: 0, plain: day });
      await files.sweep();
      expect(await states()).toEqual(['released', 'released']);
      expect(media.keys).toHaveLength(2);
      expect(media.keys).not.toContain(secret.toDescriptor().key);
      await endRetention();
      await files.sweep();
      expect(media.keys).toEqual([]);
    });

    it('keeps the file of a deleted row, and no reconcile reports it, with keep', async () => {
      const { id, master } = await inserted('master', 'for ever');
      await remove(id);
      await endRetention();
      await site().files.sweep();
      expect(await states()).toEqual(['kept']);
      site().media.age = 2 * day;
      expect(await site().files.reconcile({ repair: true })).toMatchObject({ unreferenced: [], unknown: [] });
      expect(await master!.text()).toBe('for ever');
    });

    it('applies to deleteMany as to the deletion of one row', async () => {
      const { files, Entity, unit } = site();
      const [archive, master] = [await stage('archive', 'ledger'), await stage('master', 'for ever')];
      await unit().insert({ title: 'many', archive, master, plain: await stage('plain', 'ordinary') });
      expect(await files.deleteMany(Entity, { title: 'many' })).toBe(1);
      expect(await waits()).toEqual({ archive: hour, plain: day });
      expect(await states()).toEqual(['kept', 'released', 'released']);
    });
  });

  copiesClaims(site);
}
