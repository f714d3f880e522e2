import type { MoveProgress, StoredFile } from 'filefield';
import type { FileFieldOptions } from '../../../src/fields/field-options.js';
import { siteOf, type OpenSite, type SiteOptions } from './site.js';

/** A row of the table `parcel`. */
export interface ParcelRow {
  id: number;
  title: string;
  content: StoredFile | null;
  label: StoredFile | null;
}

/** The options of its fields. */
export const parcel = {
  content: { storage: 'media', onReplace: 'keep' },
  label: { storage: 'media', copies: 'share' },
} as const satisfies Readonly<Record<string, FileFieldOptions>>;

/** `files.move`: the files of all rows get another storage while the application runs. */
export function movingClaims(open: OpenSite<ParcelRow>, protect: Pick<SiteOptions, 'protect'>): void {
  const site = siteOf(open, 'parcel', { grace: '1h', ...protect });
  const stage = (field: 'content' | 'label', text: string) =>
    site().files.stage(site().Entity, field, text, { name: 'ä.txt' });
  const inserted = async (text: string) =>
    site()
      .unit()
      .insert({ title: text, content: await stage('content', text) });
  /** One after the other: TypeORM mixes the transactions of SQLite's one connection. */
  const insertedAll = async (texts: readonly string[]) => {
    const rows: ParcelRow[] = [];
    for (const text of texts) rows.push(await inserted(text));
    return rows;
  };
  const move = (options = {}) => site().files.move({ from: 'media', to: 'attic', ...options });
  const entries = async (storage: string) => {
    const rows = await site().query(
      `SELECT state, owner_type AS owner, slot, owner_pk AS pk FROM file_ledger WHERE storage = '${storage}' ORDER BY state`,
    );
    return rows.map(({ state, slot, owner, pk }) => ({
      state,
      slot,
      owned: owner !== null,
      pk: pk === null ? null : Number(pk),
    }));
  };
  const nothing = { moved: 0, bytes: 0, changed: 0, missing: [], damaged: [], unreferenced: 0, foreign: 0, staying: 0 };

  it('gives every row the same file in the other storage, and releases the old objects after the grace', async () => {
    const rows = await insertedAll(['one', 'three', 'five!']);
    const before = await site().unit().find(rows[1]!.id);
    const progress: MoveProgress[] = [];
    const moves: string[] = [];
    const listener = ({ from, to }: { from: { storage: string }; to: { storage: string } }) =>
      void moves.push(`${from.storage} ${to.storage}`);
    site().files.on('moved', listener);
    expect(await move({ onProgress: (step: MoveProgress) => progress.push(step) })).toEqual({
      ...nothing,
      moved: 3,
      bytes: 13,
    });
    site().files.off('moved', listener);
    expect(moves).toEqual(Array(3).fill('media attic'));
    expect(progress.at(-1)).toEqual({ files: 3, bytes: 13, totalFiles: 3, totalBytes: 13 });
    for (const { id, title } of rows) {
      const { content } = await site().unit().find(id);
      expect(content!.toDescriptor().storage).toBe('attic');
      expect(await content!.text()).toBe(title);
    }
    const after = (await site().unit().find(rows[1]!.id)).content!;
    const { id, storage, key, ...same } = before.content!.toDescriptor();
    expect(after.toDescriptor()).toMatchObject(same);
    expect([id, storage, key]).not.toContain(after.id);
    expect(after.etag).toBe(before.content!.etag);
    // Whoever loaded the row before still reads the old object.
    expect(await before.content!.text()).toBe('three');
    const pks = rows.map((row) => row.id).sort((a, b) => a - b);
    expect((await entries('attic')).sort((a, b) => a.pk! - b.pk!)).toEqual(
      pks.map((pk) => ({ state: 'live', slot: 'content', owned: true, pk })),
    );
    expect((await entries('media')).map(({ state }) => state)).toEqual(Array(3).fill('released'));
    await site().query('UPDATE file_ledger SET not_before = 1 WHERE not_before IS NOT NULL');
    await site().files.sweep();
    expect(site().media.keys).toHaveLength(0);
    expect(site().attic.keys).toHaveLength(3);
    expect(await site().files.reconcile()).toMatchObject({ unreferenced: [], missing: [], unrecorded: [] });
    expect(await move()).toEqual(nothing);
  });

  it('moves a file that several rows share for all of them', async () => {
    const file = await stage('label', 'shared');
    const rows = [];
    for (const title of ['a', 'b', 'c']) rows.push(await site().unit().insert({ title, label: file }));
    expect(await move()).toMatchObject({ moved: 1 });
    const ids = new Set<string>();
    for (const { id } of rows) {
      const { label } = await site().unit().find(id);
      expect(await label!.text()).toBe('shared');
      ids.add(label!.id);
    }
    expect(ids.size).toBe(1);
    expect(site().attic.keys).toHaveLength(1);
    expect(await entries('attic')).toEqual([{ state: 'live', slot: 'label', owned: true, pk: null }]);
  });

  it('lets a row win that is changed or deleted while its file is copied', async () => {
    const replaced = await inserted('replaced');
    const cleared = await inserted('cleared');
    const deleted = await inserted('deleted');
    const { media, attic } = site();
    const write = attic.write.bind(attic);
    const other = await stage('content', 'the winner');
    let changes: Promise<void> | undefined;
    attic.write = async (...args) => {
      const info = await write(...args);
      await (changes ??= (async () => {
        const unit = site().unit();
        const row = await unit.find(replaced.id);
        row.content = other;
        await unit.save(row);
        const empty = await unit.find(cleared.id);
        empty.content = null;
        await unit.save(empty);
        await unit.remove(await unit.find(deleted.id));
      })());
      return info;
    };
    const report = await move().finally(() => (attic.write = write));
    expect(report).toMatchObject({ moved: 0, changed: 3 });
    expect(await (await site().unit().find(replaced.id)).content!.text()).toBe('the winner');
    expect((await site().unit().find(cleared.id)).content).toBeNull();
    // The copies are given up at once.
    await site().files.sweep();
    expect(attic.keys).toHaveLength(0);
    expect(media.keys.length).toBeGreaterThan(0);
    // The winner is moved by the next one.
    expect(await move()).toMatchObject({ moved: 1, changed: 0 });
    expect(await (await site().unit().find(replaced.id)).content!.text()).toBe('the winner');
  });

  it('leaves a file alone whose object is missing or has other bytes, and reports it', async () => {
    const [lost, changed, good] = await insertedAll(['lost', 'changed', 'good']);
    const { media } = site();
    const key = (row: ParcelRow | undefined) => row!.content!.toDescriptor().key;
    await media.delete(key(lost));
    await media.delete(key(changed));
    const forged = async function* () {
      yield Buffer.from('CHANGED');
    };
    await media.write(key(changed), forged());
    const report = await move();
    expect(report).toMatchObject({ moved: 1, missing: [{ key: key(lost) }], damaged: [{ key: key(changed) }] });
    expect((await site().unit().find(lost!.id)).content!.toDescriptor().storage).toBe('media');
    expect((await site().unit().find(changed!.id)).content!.toDescriptor().storage).toBe('media');
    expect((await site().unit().find(good!.id)).content!.toDescriptor().storage).toBe('attic');
    await site().files.sweep();
    expect(site().attic.keys).toHaveLength(1);
  });

  it('changes nothing in a dry run, and says what would be moved', async () => {
    const { id } = await inserted('dry');
    expect(await move({ dryRun: true })).toEqual({ ...nothing, moved: 1, bytes: 3 });
    expect((await site().unit().find(id)).content!.toDescriptor().storage).toBe('media');
    expect(site().attic.keys).toHaveLength(0);
    expect(await entries('attic')).toEqual([]);
  });

  it('leaves staged, kept and foreign files where they are, and counts them', async () => {
    await stage('content', 'staged');
    const kept = await inserted('kept');
    const unit = site().unit();
    const row = await unit.find(kept.id);
    row.content = null;
    await unit.save(row);
    const foreign = await inserted('foreign');
    await site().query(`UPDATE file_ledger SET owner_type = 'of_another_service' WHERE id = '${foreign.content!.id}'`);
    expect(await move()).toMatchObject({ moved: 0, foreign: 1, staying: 2 });
    expect(site().attic.keys).toHaveLength(0);
  });

  it('saves and restores a row whose file is in a storage that its field does not name', async () => {
    const { id } = await inserted('moved');
    await move();
    const unit = site().unit();
    const row = await unit.find(id);
    row.title = 'renamed';
    await unit.save(row);
    row.label = await stage('label', 'a label');
    await unit.save(row);
    const found = await site().unit().find(id);
    expect([found.title, await found.content!.text(), await found.label!.text()]).toEqual([
      'renamed',
      'moved',
      'a label',
    ]);
    await unit.remove(row);
    expect((await entries('attic')).map(({ state }) => state)).toEqual(['released']);
  });

  it('ends at the first failure of a storage, and goes on when it is called again', async () => {
    for (let index = 0; index < 12; index += 1) await inserted(`file ${index}`);
    const { attic } = site();
    const write = attic.write.bind(attic);
    let writes = 0;
    attic.write = async (...args) => {
      writes += 1;
      if (writes > 5) throw new Error('the bucket is down');
      return write(...args);
    };
    await expect(move({ concurrency: 1 }).finally(() => (attic.write = write))).rejects.toThrow('the bucket is down');
    expect((await entries('attic')).filter(({ state }) => state === 'live')).toHaveLength(5);
    expect(await move()).toMatchObject({ moved: 7 });
    await site().files.sweep();
    expect(attic.keys).toHaveLength(12);
  });

  it('ends with aborted when its signal aborts, and keeps nothing half done', async () => {
    for (let index = 0; index < 6; index += 1) await inserted(`file ${index}`);
    const controller = new AbortController();
    const aborted = move({
      concurrency: 2,
      signal: controller.signal,
      onProgress: ({ files }: MoveProgress) => files >= 2 && controller.abort(),
    });
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    await expect(move({ signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
    const left = (await entries('media')).filter(({ state }) => state === 'live').length;
    expect(left).toBeGreaterThan(0);
    expect(await move()).toMatchObject({ moved: left });
    expect(await site().files.reconcile()).toMatchObject({ unreferenced: [], missing: [] });
  });

  it('takes no more bytes per second than it is told', async () => {
    const delays: number[] = [];
    const text = 'x'.repeat(200);
    for (let index = 0; index < 4; index += 1) await inserted(text);
    const started = performance.now();
    await move({ bytesPerSecond: 2_000, onProgress: () => delays.push(performance.now() - started) });
    // The first passes at once, each of the others waits for a tenth of a second more.
    expect(delays.at(-1)).toBeGreaterThanOrEqual(290);
  });

  it('keeps the columns that MariaDB sets at every update', async () => {
    const { id } = await inserted('timed');
    const add = 'ALTER TABLE parcel ADD COLUMN changed_at timestamp(6) NULL ON UPDATE CURRENT_TIMESTAMP(6)';
    const isMariadb = await site()
      .query(add)
      .then(
        () => true,
        () => false,
      );
    if (!isMariadb) return;
    try {
      await site().query(`UPDATE parcel SET changed_at = '2001-02-03 04:05:06'`);
      await move();
      const [row] = await site().query(`SELECT CAST(changed_at AS CHAR) AS changed FROM parcel WHERE id = ${id}`);
      expect(row!.changed).toContain('2001-02-03 04:05:06');
    } finally {
      await site().query('ALTER TABLE parcel DROP COLUMN changed_at');
    }
  });

  it('refuses storages that are not registered, or are the same', async () => {
    await expect(move({ to: 'cellar' })).rejects.toMatchObject({ code: 'invalid_option' });
    await expect(move({ to: 'media' })).rejects.toMatchObject({ code: 'invalid_option' });
    await expect(move({ concurrency: 0 })).rejects.toMatchObject({ code: 'invalid_option' });
    await expect(move({ bytesPerSecond: '1 furlong' })).rejects.toMatchObject({ code: 'invalid_option' });
  });
}
