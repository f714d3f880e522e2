import type { StoredFile } from 'filefield';
import { expectCode } from './context.js';
import { siteOf, type OpenSite } from './site.js';

export interface LeafletRow {
  id: number;
  file: StoredFile | null;
}

/** The mode `ledger: false`: nothing is deleted by itself, and a reconcile finds what no row has. */
export function withoutLedgerClaims(open: OpenSite<LeafletRow>): void {
  const lease = 60_000;
  const grace = 30_000;
  const site = siteOf(open, 'leaflet', { ledger: false, lease, grace });
  const stage = (text: string) => site().files.stage(site().Entity, 'file', text);
  const keyOf = (file: StoredFile | null) => file!.toDescriptor().key;
  const nothing = { expired: 0, revived: 0, deleted: 0, failed: 0, waiting: 0 };

  /** A row whose file was replaced. */
  const replaced = async () => {
    const unit = site().unit();
    const row = await unit.insert({ file: await stage('old') });
    const old = keyOf(row.file);
    row.file = await stage('new');
    await unit.save(row);
    return { row, old };
  };

  it('needs no tables of the ledger', async () => {
    await expect(site().query('SELECT id FROM file_ledger')).rejects.toThrow();
    await replaced();
    expect(await site().files.status()).toMatchObject({ recorded: false, due: 0 });
  });

  it('deletes nothing in a sweep when a file is replaced, a row is deleted, or a staged file is discarded', async () => {
    const { files, media } = site();
    const { row } = await replaced();
    const unit = site().unit();
    await unit.remove(await unit.find(row.id));
    await files.discard(await stage('discarded'));
    media.age = 365 * 86_400_000;
    expect(await files.sweep()).toEqual(nothing);
    expect(media.keys).toHaveLength(3);
  });

  it('reports the objects that no row has once lease and grace are over, and deletes them only with deleteUnknown', async () => {
    const { files, media } = site();
    const { row, old } = await replaced();
    // The object is so new that its row might still be saved.
    media.age = lease + grace - 10_000;
    expect((await files.reconcile({ deleteUnknown: true })).unknown).toEqual([]);
    media.age = lease + grace + 10_000;
    expect((await files.reconcile({ repair: true })).unknown).toEqual([{ storage: 'media', key: old }]);
    expect(media.keys).toHaveLength(2);
    await files.reconcile({ deleteUnknown: true });
    expect(media.keys).toEqual([keyOf(row.file)]);
    expect(await (await site().unit().find(row.id)).file?.text()).toBe('new');
  });

  it('deletes nothing, and says so, where the rows of a column cannot be read', async () => {
    const { files, media, query } = site();
    const { row, old } = await replaced();
    media.age = lease + grace + 10_000;
    await query('ALTER TABLE leaflet RENAME TO away');
    const ignore = () => undefined;
    files.on('fault', ignore);
    try {
      await expectCode(files.reconcile({ deleteUnknown: true }), 'database_failed');
    } finally {
      files.off('fault', ignore);
      await query('ALTER TABLE away RENAME TO leaflet');
    }
    expect(new Set(media.keys)).toEqual(new Set([old, keyOf(row.file)]));
  });

  it('keeps the bytes of a file that two rows have until neither has it', async () => {
    const { files, media } = site();
    const unit = site().unit();
    const one = await unit.insert({ file: await stage('common') });
    const two = await unit.insert({ file: one.file });
    media.age = lease + grace + 10_000;
    await unit.remove(one);
    await files.reconcile({ deleteUnknown: true });
    expect(await (await site().unit().find(two.id)).file?.text()).toBe('common');
    await unit.remove(two);
    await files.reconcile({ deleteUnknown: true });
    expect(media.keys).toEqual([]);
  });

  it('leaves the old bytes readable when the transaction that replaced them is rolled back', async () => {
    const { files, media } = site();
    const row = await site()
      .unit()
      .insert({ file: await stage('before') });
    const file = await stage('undone');
    const work = site()
      .unit()
      .transaction(async (unit) => {
        const own = await unit.find(row.id);
        own.file = file;
        await unit.save(own);
        throw new Error('no');
      });
    await expect(work).rejects.toThrow('no');
    media.age = lease + grace + 10_000;
    await files.reconcile({ deleteUnknown: true });
    expect(media.keys).toEqual([keyOf(row.file)]);
    expect(await (await site().unit().find(row.id)).file?.text()).toBe('before');
  });
}
