import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type Files } from 'filefield/typeorm';
import { Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm';
import { expectCode } from '../contracts/orm/context.js';
import { reachableDatabases } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

@Entity('unowned_scan')
class Scan {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'scans', copies: 'share' }) file!: StoredFile | null;
}

@Entity('unowned_letter')
class Letter {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'scans', copies: 'share' }) file!: StoredFile | null;
}

/** The ledger does not know the column of a file that rows of several columns have shared. */
describe.each(await reachableDatabases())('a file without an owner on %s', (database) => {
  let dataSource: DataSource;
  let files: Files;
  let close: () => Promise<void>;
  const scans = new MemoryStorage();
  beforeEach(async () => {
    ({ dataSource, close } = await openDataSource(database, { entities: [Scan, Letter] }));
    await createLedger(dataSource);
    files = await attachFiles(dataSource, { storages: { scans }, grace: 0, protection: 'off' });
  });
  afterEach(() => close());

  const future = Date.now() + 3_600_000;
  const unowned = async (state: string) => {
    const file = await files.stage(Scan, 'file', 'x');
    await dataSource.query(
      `UPDATE file_ledger SET state = '${state}', lease_until = 0, not_before = 0, owner_type = NULL, owner_pk = NULL, slot = NULL WHERE id = '${file.id}'`,
    );
    return file;
  };
  /** Another application has a file in this ledger. */
  const addForeign = async () => {
    const file = await files.stage(Scan, 'file', 'foreign');
    await dataSource.query(`UPDATE file_ledger SET state = 'live', owner_type = 'other' WHERE id = '${file.id}'`);
  };

  it.each([
    ['one of each', [Scan, Letter]],
    ['two of one and one of the other', [Scan, Scan, Letter]],
  ])('is one that rows of two columns share: %s', async (_, entities) => {
    const file = await files.stage(Scan, 'file', 'x');
    for (const entity of entities) await dataSource.getRepository(entity).save({ file });
    expect(await dataSource.query('SELECT state, owner_type AS owner, owner_pk AS pk, slot FROM file_ledger')).toEqual([
      { state: 'live', owner: null, pk: null, slot: null },
    ]);
  });

  it('is live again when a row takes it that was released, although it has no key', async () => {
    const file = await files.stage(Scan, 'file', 'x');
    for (const entity of [Scan, Scan]) await dataSource.getRepository(entity).save({ file });
    await dataSource.query(`UPDATE file_ledger SET state = 'released', not_before = 0`);
    await dataSource.getRepository(Scan).save({ file });
    expect(await dataSource.query('SELECT state FROM file_ledger')).toEqual([{ state: 'live' }]);
  });

  it.each(['pending', 'released'])('is deleted by a sweep if the ledger has no foreign files (%s)', async (state) => {
    await unowned(state);
    expect(await files.sweep()).toMatchObject({ deleted: 1 });
  });

  it.each(['pending', 'released'])('is kept by a sweep if the ledger has foreign files (%s)', async (state) => {
    await addForeign();
    const file = await unowned(state);
    expect(await files.sweep()).toMatchObject({ expired: 0, deleted: 0 });
    expect(await file.text()).toBe('x');
  });

  it.each(['pending', 'released'])('is kept where the rows of one column cannot be read (%s)', async (state) => {
    await dataSource.query('DROP TABLE unowned_letter');
    files.on('fault', () => undefined);
    const file = await unowned(state);
    expect(await files.sweep()).toMatchObject({ expired: 0, deleted: 0 });
    await expectCode(files.erase(file), 'in_use');
    expect(await file.text()).toBe('x');
  });

  it.each(['pending', 'released'])(
    'is erased before its time, unless the ledger has foreign files (%s)',
    async (state) => {
      const later = () => dataSource.query(`UPDATE file_ledger SET lease_until = ${future}, not_before = ${future}`);
      const [file, kept] = [await unowned(state), await unowned(state)];
      await later();
      await files.erase(file);
      await expect(file.text()).rejects.toMatchObject({ code: 'missing' });
      await addForeign();
      await later();
      await expectCode(files.erase(kept), 'in_use');
      expect(await kept.text()).toBe('x');
    },
  );

  it('is foreign to a reconcile where the rows of one column cannot be read', async () => {
    const file = await unowned('live');
    await dataSource.query('DROP TABLE unowned_letter');
    files.on('fault', () => undefined);
    expect(await files.reconcile({ repair: true })).toMatchObject({ unreferenced: [], foreign: [{ id: file.id }] });
    await files.reconcile({ repair: true });
    await files.sweep();
    expect(await file.text()).toBe('x');
  });

  it('is released by a reconcile, and is not if the ledger has foreign files', async () => {
    const file = await unowned('live');
    // Of a column that this application maps.
    await files.stage(Scan, 'file', 'mine');
    expect(await files.reconcile()).toMatchObject({ unreferenced: [{ id: file.id }], foreign: [] });
    await addForeign();
    const report = await files.reconcile({ repair: true });
    expect(report.unreferenced).toEqual([]);
    expect(report.foreign.map(({ id }) => id)).toContain(file.id);
  });
});
