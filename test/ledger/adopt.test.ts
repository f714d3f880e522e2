import type { FileDescriptor } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type Files, type StoredFile } from 'filefield/typeorm';
import { Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm';
import { expectCode } from '../contracts/orm/context.js';
import { reachableDatabases } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

@Entity('adopted_scan')
class Scan {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'scans' }) file!: StoredFile | null;
}

const databases = await reachableDatabases();

describe.each(databases)('a file of a row whose key is not known, on %s', (database) => {
  let dataSource: DataSource;
  let files: Files;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ dataSource, close } = await openDataSource(database, { entities: [Scan] }));
    await createLedger(dataSource);
    files = await attachFiles(dataSource, { storages: { scans: new MemoryStorage() }, grace: 0 });
  });
  afterAll(() => close());

  const column = { owner: 'adopted_scan', slot: 'file' };
  const adopt = (file: StoredFile, changes: Partial<FileDescriptor> = {}) =>
    files.ledger.adopt(files.ledger.database, column, { ...file.toDescriptor(), ...changes });
  const entry = async ({ id }: StoredFile) => {
    const columns = 'state, lease_until, owner_type, owner_pk, slot, size, checksum';
    const rows = (await dataSource.query(`SELECT ${columns} FROM file_ledger WHERE id = '${id}'`)) as Partial<
      Record<string, unknown>
    >[];
    return rows[0];
  };

  it('is live afterwards, with its size and hash, and keeps the column that it was staged for', async () => {
    const file = await files.stage(Scan, 'file', 'five!');
    // A second time changes no row, which MariaDB may count as none.
    for (let time = 0; time < 2; time += 1) {
      await adopt(file);
      const { size, ...rest } = (await entry(file))!;
      expect(rest).toEqual({
        ...{ state: 'live', lease_until: null, checksum: file.sha256 },
        ...{ owner_type: 'adopted_scan', owner_pk: null, slot: 'file' },
      });
      expect(Number(size)).toBe(5);
    }
  });

  it.each(['id', 'storage', 'key'])(
    'is refused if its %s is another one, and its entry stays as it is',
    async (member) => {
      const file = await files.stage(Scan, 'file', 'x');
      await expectCode(adopt(file, { [member]: 'another' }), 'staged_expired');
      expect(await entry(file)).toMatchObject({ state: 'pending', checksum: null });
    },
  );

  it('is refused once it was swept', async () => {
    const file = await files.stage(Scan, 'file', 'x');
    await files.discard(file);
    await files.sweep();
    await expectCode(adopt(file), 'staged_expired');
    expect(await entry(file)).toBeUndefined();
  });

  it('belongs to the column of its new row if it was released by another one', async () => {
    const file = await files.stage(Scan, 'file', 'x');
    await dataSource.query(
      `UPDATE file_ledger SET state = 'released', not_before = 0, owner_type = 'other', owner_pk = '7', slot = 'cover' WHERE id = '${file.id}'`,
    );
    await adopt(file);
    expect(await entry(file)).toMatchObject({ owner_type: 'adopted_scan', owner_pk: null, slot: 'file' });
  });

  it('stays with its owner if it is live', async () => {
    const file = await files.stage(Scan, 'file', 'x');
    const owner = { owner_type: 'other', owner_pk: '7', slot: 'cover' };
    await dataSource.query(
      `UPDATE file_ledger SET state = 'live', owner_type = 'other', owner_pk = '7', slot = 'cover' WHERE id = '${file.id}'`,
    );
    await adopt(file);
    expect(await entry(file)).toMatchObject(owner);
  });

  it('touches no other file', async () => {
    const [one, other] = await files.stageAll(Scan, 'file', ['one', 'other']);
    await adopt(one!);
    expect(await entry(other!)).toMatchObject({ state: 'pending', checksum: null });
  });

  it('is live again if it was released, as long as its bytes are there', async () => {
    const file = await files.stage(Scan, 'file', 'x');
    await adopt(file);
    await dataSource.query(`UPDATE file_ledger SET state = 'released', released_at = 0, not_before = 0`);
    await adopt(file);
    expect(await entry(file)).toMatchObject({ state: 'live' });
  });
});
