import type { ReconcileOptions, ReconcileReport, StoredFile } from 'filefield';
import { makeKey, probeKey } from '../../../src/file/key.js';
import { siteOf, type OpenSite } from './site.js';

/** A row of the table `slot`, whose columns have the names of the ledger's own, so that SQL which confuses them fails. */
export interface SlotRow {
  id: number;
  storage: string;
  state: string;
  /** In the column `slot`. */
  file: StoredFile | null;
}

const clean = { unreferenced: [], missing: [], unrecorded: [], unknown: [] };
const hour = 3_600_000;

async function* bytes(text: string) {
  yield Buffer.from(text);
}

export function reconcileClaims(open: OpenSite<SlotRow>): void {
  const site = siteOf(open, 'slot', { grace: 60_000 });

  const add = async (text: string) => {
    const file = await site().files.stage(site().Entity, 'file', text);
    return site().unit().insert({ storage: 'x', state: 'x', file });
  };
  const remove = async ({ id }: SlotRow) => {
    const unit = site().unit();
    await unit.remove(await unit.find(id));
  };
  const keyOf = ({ file }: SlotRow) => file!.toDescriptor().key;
  /** Runs a reconcile batch by batch and joins the keys of the reports. */
  const reconcile = async (options: ReconcileOptions = {}) => {
    const reports: ReconcileReport[] = [];
    let next: ReconcileReport['next'];
    do {
      const report = await site().files.reconcile({ ...options, ...(next && { from: next }) });
      reports.push(report);
      next = report.next && (JSON.parse(JSON.stringify(report.next)) as ReconcileReport['next']);
    } while (next);
    const all = (list: 'unreferenced' | 'missing' | 'unrecorded' | 'unknown') =>
      reports.flatMap((report) => report[list] as readonly { key: string }[]).map(({ key }) => key);
    const lists = { unreferenced: all('unreferenced'), missing: all('missing'), unrecorded: all('unrecorded') };
    return { batches: reports.length, ...lists, unknown: all('unknown') };
  };
  /** Ends every grace. */
  const endGraces = async () => {
    site().media.age = hour;
    await site().query('UPDATE file_ledger SET not_before = 1 WHERE not_before IS NOT NULL');
  };

  it('reports nothing when ledger, rows and objects agree, in small batches too', async () => {
    for (let index = 0; index < 5; index += 1) await add(`file ${index}`);
    // It waits for its row.
    await site().files.stage(site().Entity, 'file', 'staged');
    await endGraces();
    const report = await reconcile({ batch: 2 });
    expect(report).toMatchObject(clean);
    expect(report.batches).toBeGreaterThanOrEqual(5);
  });

  it('reports files whose row was deleted by raw SQL, and releases them only with repair', async () => {
    const { files, media, query } = site();
    const gone = await add('gone');
    const stays = await add('stays');
    await query(`DELETE FROM slot WHERE id = ${gone.id}`);
    expect(await reconcile()).toMatchObject({ ...clean, unreferenced: [keyOf(gone)] });
    await endGraces();
    await files.sweep();
    expect(media.keys).toHaveLength(2);
    await reconcile({ repair: true });
    await files.sweep();
    expect(media.keys).toHaveLength(2);
    await endGraces();
    await files.sweep();
    expect(media.keys).toEqual([keyOf(stays)]);
    expect(await reconcile()).toMatchObject(clean);
  });

  it('revives a released file that a row has again before the grace ends', async () => {
    const { files, query } = site();
    const row = await add('undeleted');
    await query(`UPDATE slot SET slot = NULL WHERE id = ${row.id}`);
    await reconcile({ repair: true });
    await query(`UPDATE slot SET slot = '${JSON.stringify(row.file!.toDescriptor())}' WHERE id = ${row.id}`);
    await endGraces();
    expect((await files.sweep()).revived).toBe(1);
    expect(await (await site().unit().find(row.id)).file?.text()).toBe('undeleted');
  });

  it('reports each file once, however small the batches are', async () => {
    const keys: string[] = [];
    for (let index = 0; index < 5; index += 1) keys.push(keyOf(await add(`gone ${index}`)));
    await site().query('DELETE FROM slot');
    const { unreferenced } = await reconcile({ batch: 2 });
    expect(unreferenced.sort()).toEqual(keys.sort());
  });

  it('reports rows whose bytes are missing', async () => {
    const row = await add('lost');
    await site().media.delete(keyOf(row));
    expect(await reconcile({ repair: true })).toMatchObject({ ...clean, missing: [keyOf(row)] });
  });

  it('reports a file without a row and without bytes as unreferenced only: nobody misses its bytes', async () => {
    const row = await add('lost and gone');
    await site().media.delete(keyOf(row));
    await site().query(`DELETE FROM slot WHERE id = ${row.id}`);
    expect(await reconcile()).toMatchObject({ ...clean, unreferenced: [keyOf(row)] });
  });

  it('reports files that the ledger does not have, and records them with repair', async () => {
    const row = await add('forgotten');
    await site().query(`DELETE FROM file_ledger`);
    for (let run = 0; run < 2; run += 1) expect(await reconcile()).toMatchObject({ unrecorded: [keyOf(row)] });
    await reconcile({ repair: true });
    expect(await reconcile()).toMatchObject(clean);
    await remove(row);
    await endGraces();
    expect((await site().files.sweep()).deleted).toBe(1);
  });

  it('reports unknown objects, deletes them only with deleteUnknown, and ignores keys that filefield did not make', async () => {
    const { files, media } = site();
    await add('known');
    const stray = makeKey(await files.ledger.identity());
    await media.write(stray, bytes('stray'));
    await media.write('holiday/photo.jpg', bytes('not ours'));
    expect(await reconcile({ repair: true })).toMatchObject(clean);
    await endGraces();
    expect(await reconcile({ repair: true })).toMatchObject({ ...clean, unknown: [stray] });
    expect(media.keys).toContain(stray);
    await reconcile({ deleteUnknown: true });
    expect((await files.sweep()).deleted).toBe(1);
    expect(media.keys).not.toContain(stray);
    expect(media.keys).toContain('holiday/photo.jpg');
  });

  it('does not report or delete objects that wait in the trash', async () => {
    const { files, media } = site();
    await remove(await add('in the trash'));
    await endGraces();
    const ignore = () => undefined;
    const deleteObject = media.delete.bind(media);
    files.on('fault', ignore);
    media.delete = () => Promise.reject(new Error('the storage answers 503'));
    try {
      expect(await files.sweep()).toMatchObject({ deleted: 0, failed: 1 });
    } finally {
      media.delete = deleteObject;
      files.off('fault', ignore);
    }
    expect(await reconcile({ deleteUnknown: true })).toMatchObject(clean);
    expect(media.keys).toHaveLength(1);
  });

  it('ignores the probes of health checks for a day, then reports them as unknown', async () => {
    const { media } = site();
    const probe = probeKey('0123456789abcdef'.repeat(2));
    await media.write(probe, bytes('probe'));
    await media.write('filefield-probe/mine.txt', bytes('not ours'));
    media.age = 23 * hour;
    expect(await reconcile({ deleteUnknown: true })).toMatchObject(clean);
    media.age = 25 * hour;
    expect(await reconcile({ deleteUnknown: true })).toMatchObject({ ...clean, unknown: [probe] });
    expect(media.keys).toEqual(['filefield-probe/mine.txt']);
  });
}
