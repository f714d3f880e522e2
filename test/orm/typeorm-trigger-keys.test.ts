import { StorageRegistry } from 'filefield';
import { attachFiles, protectFiles, createLedger, unprotectFiles, FileField, type StoredFile } from 'filefield/typeorm';
import { MemoryStorage } from 'filefield/storages/memory';
import { Column, DeleteDateColumn, Entity, PrimaryColumn, type DataSource, type QueryRunner } from 'typeorm';
import { reachableDatabases } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

/** Reserved words of SQL and column names of the ledger, a composite key, shared and soft-deleted files. */
@Entity('order')
class Order {
  @PrimaryColumn('varchar', { length: 100, name: 'size' }) size!: string;
  @PrimaryColumn('int', { name: 'id' }) number!: number;
  @FileField({ storage: 'files', column: 'slot', copies: 'share', onSoftDelete: 'delete' }) file!: StoredFile | null;
  @FileField({ storage: 'files', column: 'of state', onReplace: 'keep', onDelete: { retain: '1h' } })
  other!: StoredFile | null;
  @Column('int', { nullable: true }) state!: number | null;
  @DeleteDateColumn() deletedAt!: Date | null;
}

describe.each(await reachableDatabases())('TypeORM on %s, triggers of a table with awkward names', (database) => {
  let dataSource: DataSource;
  let close: () => Promise<void>;
  let runner: QueryRunner;
  const storage = new MemoryStorage();
  let files: Awaited<ReturnType<typeof attachFiles>>;

  beforeAll(async () => {
    ({ dataSource, close } = await openDataSource(database, { entities: [Order] }));
    runner = dataSource.createQueryRunner();
    await createLedger(runner);
    await protectFiles(runner, { grace: 0 });
    files = await attachFiles(dataSource, { storages: new StorageRegistry({ files: storage }), grace: 0 });
  });
  afterAll(() => close());

  const orders = () => dataSource.getRepository(Order);
  const entry = async (file: StoredFile) => {
    const rows: unknown = await dataSource.query(
      `SELECT state, owner_type AS owner, owner_pk AS pk, slot, size AS size, checksum AS checksum FROM file_ledger WHERE id = '${file.id}'`,
    );
    return (rows as Record<string, unknown>[])[0];
  };
  const bulk = (size: string, number: number, file: StoredFile | null, other: StoredFile | null = null) =>
    dataSource
      .createQueryBuilder()
      .insert()
      .into(Order)
      .values({ size, number, file: file as never, other: other as never })
      .callListeners(false)
      .execute();

  it.each([[`"quoted"`], [`it's`], ['back\\slash'], ['ümläut 😀'], ['tab\tand\nline'], ['']])(
    'records the key %j as the hooks do',
    async (size) => {
      const [hooked, triggered] = [await files.stage(Order, 'other', 'a'), await files.stage(Order, 'other', 'a')];
      await bulk(size, 1, null, triggered);
      const recorded = await entry(triggered);
      await orders().delete({ size, number: 1 });
      await orders().save(orders().create({ size, number: 1, other: hooked }));
      expect(await entry(hooked)).toEqual(recorded);
      expect(recorded).toMatchObject({
        state: 'live',
        owner: 'order',
        pk: JSON.stringify([size, '1']),
        slot: 'of state',
      });
    },
  );

  it('applies onReplace and onDelete of the field', async () => {
    const [one, two] = [await files.stage(Order, 'other', 'a'), await files.stage(Order, 'other', 'b')];
    await bulk('policy', 1, null, one);
    await orders().update({ size: 'policy' }, { other: two as never });
    await orders().delete({ size: 'policy' });
    const states = async () => ({ replaced: (await entry(one))?.state, deleted: (await entry(two))?.state });
    expect(await states()).toEqual({ replaced: 'kept', deleted: 'released' });
    await files.sweep();
    expect(await states()).toEqual({ replaced: 'kept', deleted: 'released' });
  });

  it('keeps a shared file until its last row is deleted', async () => {
    const file = await files.stage(Order, 'file', 'shared');
    for (const number of [1, 2, 3]) await bulk('shared', number, file);
    expect(await entry(file)).toMatchObject({ state: 'live', owner: 'order', pk: null });
    for (const number of [1, 2]) await orders().delete({ size: 'shared', number });
    await files.sweep();
    expect(await entry(file)).toMatchObject({ state: 'live' });
    await orders().delete({ size: 'shared' });
    await files.sweep();
    expect(await entry(file)).toBeUndefined();
  });

  it('releases the file of a soft-deleted row and revives it when the row is restored, with onSoftDelete delete', async () => {
    const file = await files.stage(Order, 'file', 'soft');
    await bulk('soft', 1, file);
    await orders().softDelete({ size: 'soft' });
    expect(await entry(file)).toMatchObject({ state: 'released' });
    await orders().restore({ size: 'soft' });
    expect(await entry(file)).toMatchObject({ state: 'live' });
    await orders().softDelete({ size: 'soft' });
    await files.sweep();
    expect(await entry(file)).toBeUndefined();
    // A reconcile does not report the file of a row that is soft-deleted.
    expect((await files.reconcile({ repair: true })).unrecorded).toEqual([]);
    expect(await files.deleteMany(Order, { size: 'soft' })).toBe(1);
  });

  it('emits fault for an unreadable cell and reconciles all others', async () => {
    const faults: unknown[] = [];
    files.on('fault', (error) => void faults.push(error));
    const file = await files.stage(Order, 'other', 'lost');
    await bulk('readable', 1, null, file);
    await unprotectFiles(runner);
    await dataSource.query(`DELETE FROM file_ledger WHERE id = '${file.id}'`);
    await protectFiles(runner, { grace: 0 });
    const column = dataSource.driver.escape('slot');
    await dataSource.query(`UPDATE ${dataSource.driver.escape('order')} SET ${column} = '{"v":1}' WHERE id = 1`);
    expect((await files.reconcile({ repair: true })).unrecorded.map(({ id }) => id)).toEqual([file.id]);
    expect(faults.length).toBeGreaterThan(0);
    expect(await entry(file)).toMatchObject({ state: 'live' });
  });

  it('can be created twice and dropped twice', async () => {
    await protectFiles(runner, { grace: 0, entity: Order });
    await unprotectFiles(runner);
    await unprotectFiles(runner);
    const catalogs = {
      sqlite: `SELECT name FROM sqlite_master WHERE name LIKE 'filefield%'`,
      postgres: `SELECT proname FROM pg_proc WHERE proname LIKE 'filefield%' UNION ALL SELECT relname FROM pg_class WHERE relname LIKE 'filefield%'`,
      mariadb: `SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE() UNION ALL SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND generation_expression <> ''`,
    };
    expect(await dataSource.query(catalogs[database])).toEqual([]);
  });
});
