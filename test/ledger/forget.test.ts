import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type Files } from 'filefield/typeorm';
import { Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm';
import { expectCode } from '../contracts/orm/context.js';
import { reachableDatabases } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

@Entity('forgotten_scan')
class Scan {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'scans' }) file!: StoredFile | null;
}

describe.each(await reachableDatabases())('a column to forget on %s', (database) => {
  let dataSource: DataSource;
  let files: Files;
  let close: () => Promise<void>;
  const scans = new MemoryStorage();
  beforeAll(async () => {
    ({ dataSource, close } = await openDataSource(database, { entities: [Scan] }));
    await createLedger(dataSource);
    files = await attachFiles(dataSource, { storages: { scans }, grace: '1h', protection: 'off' });
  });
  afterAll(() => close());
  afterEach(async () => {
    for (const table of ['file_ledger', 'file_trash', 'forgotten_scan']) await dataSource.query(`DELETE FROM ${table}`);
    for (const key of scans.keys) await scans.delete(key);
  });

  const saved = (text: string) =>
    files.stage(Scan, 'file', text).then((file) => dataSource.getRepository(Scan).save({ file }));
  /** The ledger has the files as those of a table that is not in the database. */
  const giveAway = () => dataSource.query(`UPDATE file_ledger SET owner_type = 'gone', slot = 'scan'`);
  const passAnHour = () => dataSource.query('UPDATE file_trash SET not_before = not_before - 3600000');

  it('has its files deleted once the grace is over', async () => {
    await files.stage(Scan, 'file', 'a');
    await giveAway();
    expect(await files.forget('gone.scan')).toBe(1);
    expect(await files.sweep()).toMatchObject({ deleted: 0 });
    await passAnHour();
    expect(await files.sweep()).toMatchObject({ deleted: 1 });
    expect(scans.keys).toEqual([]);
  });

  it('keeps a file that a row of another column has', async () => {
    const { id } = await saved('still used');
    await files.stage(Scan, 'file', 'b');
    await giveAway();
    expect(await files.forget('gone.scan')).toBe(1);
    await passAnHour();
    await files.sweep();
    const row = await dataSource.getRepository(Scan).findOneByOrFail({ id });
    expect(await row.file?.text()).toBe('still used');
  });

  it('is forgotten to its last file, however many they are', async () => {
    const rows = Array.from(
      { length: 501 },
      (_, index) => `('${index}', 'scans', '${index}', 'live', 0, 'gone', 'scan')`,
    );
    await dataSource.query(
      `INSERT INTO file_ledger (id, storage, object_key, state, created_at, owner_type, slot) VALUES ${rows.join(', ')}`,
    );
    expect(await files.forget('gone.scan', { dryRun: true })).toBe(501);
    expect(await files.forget('gone.scan')).toBe(501);
    expect(await files.forget('gone.scan')).toBe(0);
  });

  it('is left as it is by a dry run, and so are the files of other columns', async () => {
    await files.stage(Scan, 'file', 'c');
    await giveAway();
    expect(await files.forget('gone.scan', { dryRun: true })).toBe(1);
    expect(await files.forget('gone.other')).toBe(0);
    expect(await files.forget('other.scan')).toBe(0);
    expect((await files.status()).foreign).toEqual([{ column: 'gone.scan', files: 1 }]);
  });

  it('is refused while this application maps it, also with force, and while it is in the database', async () => {
    await saved('d');
    await expectCode(files.forget('forgotten_scan.file', { force: true }), 'in_use');
    await expectCode(files.forget('forgotten_scan.id'), 'in_use');
    expect(await files.forget('forgotten_scan.id', { force: true })).toBe(0);
    await expectCode(files.forget('forgotten_scan'), 'invalid_option');
  });
});
