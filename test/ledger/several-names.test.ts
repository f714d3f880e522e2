import { setTimeout as delay } from 'node:timers/promises';
import { ledgerSchema, StorageRegistry, type Files, type StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, FileField } from 'filefield/typeorm';
import { Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm';
import { openDataSource } from '../support/typeorm.js';

@Entity('named_scan')
class Scan {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'scans' }) file!: StoredFile | null;
}

/** All pages of a reconcile that deletes what the ledger does not know. */
async function reconcile(files: Files): Promise<number> {
  let unknown = 0;
  for (let from: Awaited<ReturnType<Files['reconcile']>>['next'], first = true; first || from; first = false) {
    const report = await files.reconcile({ deleteUnknown: true, ...(from && { from }) });
    unknown += report.unknown.length;
    from = report.next;
  }
  return unknown;
}

/** A row with a file, and the same storage under other names afterwards. */
describe.each([true, false])('a storage with several names, with a ledger: %s', (ledger) => {
  let dataSource: DataSource;
  let close: () => Promise<void>;
  let scans: MemoryStorage;
  const attached = async (storages: StorageRegistry) => {
    await close?.();
    ({ dataSource, close } = await openDataSource('sqlite', { entities: [Scan] }));
    if (ledger) for (const statement of ledgerSchema('sqlite').create) await dataSource.query(statement);
    return attachFiles(dataSource, { storages, grace: 0, lease: 1, protection: 'off', ledger });
  };
  beforeEach(() => void (scans = new MemoryStorage()));
  afterAll(() => close());

  it.each([
    ['the name of another storage', () => new StorageRegistry({ scans, copies: scans })],
    ['a former name', () => new StorageRegistry({ present: scans }, { aliases: { scans: 'present' } })],
  ])('keeps files that rows have under %s, whatever a reconcile deletes', async (_name, registry) => {
    const files = await attached(registry());
    const file = await files.stage(Scan, 'file', 'bytes');
    const { id } = await dataSource.getRepository(Scan).save({ file });
    await delay(20);
    expect(await reconcile(files)).toBe(0);
    await files.sweep();
    const found = await dataSource.getRepository(Scan).findOneByOrFail({ id });
    expect(await found.file!.text()).toBe('bytes');
    expect(scans.keys.filter((key) => !key.startsWith('filefield'))).toHaveLength(1);
    await dataSource.getRepository(Scan).remove(found);
    await files.sweep();
    if (ledger) expect(scans.keys.filter((key) => !key.startsWith('filefield'))).toHaveLength(0);
  });
});
