import 'reflect-metadata';
import { StorageRegistry, type ReconcileOptions, type ReconcileReport, type StoredFile } from 'filefield';
import { attachFiles, createLedger, FileField } from 'filefield/typeorm';
import { MemoryStorage } from 'filefield/storages/memory';
import { makeKey, probeKey } from '../../src/file/key.js';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { reachableDatabases, type DatabaseName } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

/** Its columns have the names of the ledger's own, so that SQL which confuses them fails. */
@Entity()
class Slot {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { default: 'x' }) storage!: string;
  @Column('varchar', { default: 'x' }) state!: string;
  @FileField({ storage: 'media', column: 'slot' }) file!: StoredFile | null;
}

/** A storage whose objects can be made to look old. */
class AgedStorage extends MemoryStorage {
  aged = false;
  /** Milliseconds by which objects are older; ignored if `aged`. */
  age = 0;

  override async *list(options?: { after?: string }) {
    for await (const { key, modified } of super.list(options))
      yield { key, modified: this.aged ? new Date(0) : new Date(modified!.getTime() - this.age) };
  }
}

async function open(database: DatabaseName) {
  const { dataSource, close } = await openDataSource(database, { entities: [Slot], logging: false });
  const runner = dataSource.createQueryRunner();
  await createLedger(runner);
  await runner.release();
  const media = new AgedStorage();
  const files = await attachFiles(dataSource, { storages: new StorageRegistry({ media }), grace: 60_000 });
  const slots = dataSource.getRepository(Slot);
  const add = async (text: string) => slots.save(slots.create({ file: await files.stage(Slot, 'file', text) }));
  /** Runs a reconcile batch by batch and joins the reports. */
  const reconcile = async (options: ReconcileOptions = {}) => {
    const reports: ReconcileReport[] = [];
    let next: ReconcileReport['next'];
    do {
      const report = await files.reconcile({ ...options, ...(next && { from: next }) });
      reports.push(report);
      next = report.next && (JSON.parse(JSON.stringify(report.next)) as ReconcileReport['next']);
    } while (next);
    const all = <Key extends 'unreferenced' | 'missing' | 'unrecorded' | 'unknown'>(key: Key) =>
      reports.flatMap((report) => report[key] as readonly { key: string }[]).map((entry) => entry.key);
    return {
      batches: reports.length,
      unreferenced: all('unreferenced'),
      missing: all('missing'),
      unrecorded: all('unrecorded'),
      unknown: all('unknown'),
    };
  };
  /** Ends every grace. */
  const endGraces = async () => {
    media.aged = true;
    await dataSource.query('UPDATE file_ledger SET not_before = 1 WHERE not_before IS NOT NULL');
  };
  const table = dataSource.getMetadata(Slot).tablePath;
  return { dataSource, close, files, media, slots, add, reconcile, endGraces, table: dataSource.driver.escape(table) };
}
const clean = { unreferenced: [], missing: [], unrecorded: [], unknown: [] };

async function* bytes(text: string) {
  yield Buffer.from(text);
}

describe.each(await reachableDatabases())('reconcile on %s', (database) => {
  let site: Awaited<ReturnType<typeof open>>;
  beforeEach(async () => {
    site = await open(database);
  });
  afterEach(() => site.close());

  it('reports nothing when ledger, rows and objects agree, in small batches too', async () => {
    for (let index = 0; index < 5; index += 1) await site.add(`file ${index}`);
    const report = await site.reconcile({ batch: 2 });
    expect(report).toMatchObject(clean);
    expect(report.batches).toBeGreaterThanOrEqual(5);
  });

  it('reports files whose row was deleted by raw SQL, and releases them only with repair', async () => {
    const { add, dataSource, files, media, reconcile, table } = site;
    const gone = await add('gone');
    const stays = await add('stays');
    const { key } = gone.file!.toDescriptor();
    await dataSource.query(`DELETE FROM ${table} WHERE id = ${gone.id}`);
    expect(await reconcile()).toMatchObject({ ...clean, unreferenced: [key] });
    await files.sweep();
    expect(media.keys).toHaveLength(2);
    await reconcile({ repair: true });
    await files.sweep();
    expect(media.keys).toHaveLength(2);
    await site.endGraces();
    await files.sweep();
    expect(media.keys).toEqual([stays.file!.toDescriptor().key]);
    expect(await reconcile()).toMatchObject(clean);
  });

  it('revives a released file that a row has again before the grace ends', async () => {
    const { add, dataSource, files, reconcile, slots, table } = site;
    const row = await add('undeleted');
    const descriptor = JSON.stringify(row.file!.toDescriptor());
    await dataSource.query(`UPDATE ${table} SET slot = NULL WHERE id = ${row.id}`);
    await reconcile({ repair: true });
    await dataSource.query(`UPDATE ${table} SET slot = '${descriptor}' WHERE id = ${row.id}`);
    await site.endGraces();
    expect((await files.sweep()).revived).toBe(1);
    expect(await (await slots.findOneByOrFail({ id: row.id })).file?.text()).toBe('undeleted');
  });

  it('reports rows whose bytes are missing', async () => {
    const { add, media, reconcile } = site;
    const { key } = (await add('lost')).file!.toDescriptor();
    await media.delete(key);
    expect(await reconcile({ repair: true })).toMatchObject({ ...clean, missing: [key] });
  });

  it('reports files that the ledger does not have, and records them with repair', async () => {
    const { add, dataSource, files, reconcile, slots } = site;
    const row = await add('forgotten');
    await dataSource.query(`DELETE FROM file_ledger`);
    const { key } = row.file!.toDescriptor();
    expect(await reconcile()).toMatchObject({ unrecorded: [key] });
    await reconcile({ repair: true });
    expect(await reconcile()).toMatchObject(clean);
    await slots.remove(row);
    await site.endGraces();
    expect((await files.sweep()).deleted).toBe(1);
  });

  it('reports unknown objects, deletes them only with deleteUnknown, and ignores keys that filefield did not make', async () => {
    const { add, media, reconcile } = site;
    await add('known');
    const stray = makeKey(await site.files.ledger.identity());
    await media.write(stray, bytes('stray'));
    await media.write('holiday/photo.jpg', bytes('not ours'));
    expect(await reconcile({ repair: true })).toMatchObject(clean);
    await site.endGraces();
    expect(await reconcile({ repair: true })).toMatchObject({ ...clean, unknown: [stray] });
    expect(media.keys).toContain(stray);
    await reconcile({ deleteUnknown: true });
    expect((await site.files.sweep()).deleted).toBe(1);
    expect(media.keys).not.toContain(stray);
    expect(media.keys).toContain('holiday/photo.jpg');
  });

  it('does not report or delete objects that wait in the trash', async () => {
    const { add, files, media, reconcile, slots } = site;
    await slots.remove(await add('in the trash'));
    await site.endGraces();
    const remove = media.delete.bind(media);
    media.delete = () => Promise.reject(new Error('the storage answers 503'));
    files.on('fault', () => undefined);
    expect(await files.sweep()).toMatchObject({ deleted: 0, failed: 1 });
    media.delete = remove;
    expect(await reconcile({ deleteUnknown: true })).toMatchObject(clean);
    expect(media.keys).toHaveLength(1);
  });

  it('ignores the probes of health checks for a day, then reports them as unknown', async () => {
    const { media, reconcile } = site;
    const probe = probeKey('0123456789abcdef'.repeat(2));
    await media.write(probe, bytes('probe'));
    await media.write('filefield-probe/mine.txt', bytes('not ours'));
    media.age = 23 * 3_600_000;
    expect(await reconcile({ deleteUnknown: true })).toMatchObject(clean);
    media.age = 25 * 3_600_000;
    expect(await reconcile({ deleteUnknown: true })).toMatchObject({ ...clean, unknown: [probe] });
    expect(media.keys).toEqual(['filefield-probe/mine.txt']);
  });
});
