import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoredFile } from 'filefield';
import { attachFiles, createLedger, FileField } from 'filefield/typeorm';
import { MemoryStorage } from 'filefield/storages/memory';
import { DeleteDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { reachableDatabases, type DatabaseName } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

@Entity()
class Script {
  @PrimaryGeneratedColumn() id!: number;
  @DeleteDateColumn() deletedAt!: Date | null;
  @FileField({ storage: 'media', onSoftDelete: 'delete' }) draft!: StoredFile | null;
  @FileField({ storage: 'media' }) plain!: StoredFile | null;
}

async function open(database: DatabaseName) {
  const { dataSource, close } = await openDataSource(database, { entities: [Script], logging: false });
  const runner = dataSource.createQueryRunner();
  await createLedger(runner);
  await runner.release();
  const media = new MemoryStorage();
  const files = await attachFiles(dataSource, { storages: { media }, grace: 0 });
  const scripts = dataSource.getRepository(Script);
  const states = async () => {
    const rows: { state: string }[] = await dataSource.query('SELECT state FROM file_ledger');
    return rows.map(({ state }) => state);
  };
  return { close, files, media, scripts, states };
}

/** The policy `onSoftDelete`, which MikroORM does not have: `attachFiles` refuses it there. */
describe.each(await reachableDatabases())('soft deletes in TypeORM on %s', (database) => {
  let site: Awaited<ReturnType<typeof open>>;
  beforeEach(async () => {
    site = await open(database);
  });
  afterEach(() => site.close());

  const saved = async (field: 'draft' | 'plain', text: string) =>
    site.scripts.save(site.scripts.create({ [field]: await site.files.stage(Script, field, text) }));
  const textOf = async (field: 'draft' | 'plain', id: number) =>
    (await site.scripts.findOneByOrFail({ id }))[field]?.text();

  it('keeps the files of a row that is soft-deleted and restored', async () => {
    const { scripts, files, states } = site;
    const script = await saved('plain', 'patient');
    await scripts.softRemove(script);
    expect(await states()).toEqual(['live']);
    await files.sweep();
    expect(await files.reconcile({ repair: true })).toMatchObject({ unreferenced: [] });
    await delay(5);
    await files.sweep();
    await scripts.recover(script);
    await files.sweep();
    expect(await textOf('plain', script.id)).toBe('patient');
  });

  it('releases the file of a soft-deleted row and revives it when the row is restored in time, with onSoftDelete delete', async () => {
    const { scripts, files, media, states } = site;
    const script = await saved('draft', 'rough');
    await scripts.softRemove(script);
    expect(await states()).toEqual(['released']);
    await scripts.recover(script);
    expect(await states()).toEqual(['live']);
    await files.sweep();
    expect(await textOf('draft', script.id)).toBe('rough');
    await scripts.softRemove(script);
    await delay(5);
    await files.sweep();
    expect(media.keys).toEqual([]);
    expect(await files.reconcile({ repair: true })).toMatchObject({ unrecorded: [], missing: [] });
    expect(await states()).toEqual([]);
    await expect(scripts.recover(script)).rejects.toMatchObject({ code: 'staged_expired' });
    await expect(scripts.recover({ id: script.id } as Script)).rejects.toMatchObject({ code: 'staged_expired' });
    expect(await scripts.findOneBy({ id: script.id })).toBeNull();
  });
});
