import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, protectFiles, createLedger, FileField } from 'filefield/typeorm';
import { Column, DeleteDateColumn, Entity, PrimaryGeneratedColumn, type Repository } from 'typeorm';
import { reachableDatabases } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

@Entity()
class Draft {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { default: '' }) title!: string;
  @DeleteDateColumn() deletedAt!: Date | null;
  @FileField({ storage: 'media', onSoftDelete: 'delete' }) file!: StoredFile | null;
}

const ways: Readonly<Record<string, (drafts: Repository<Draft>, draft: Draft) => Promise<unknown>>> = {
  'recover(entity)': (drafts, draft) => drafts.recover(draft),
  'restore(id)': (drafts, { id }) => drafts.restore(id),
  'restore(criteria)': (drafts, { id }) => drafts.restore({ id }),
  'save({ deletedAt: null })': (drafts, draft) => drafts.save(Object.assign(draft, { deletedAt: null })),
  'update(id, { deletedAt: null })': (drafts, { id }) => drafts.update(id, { deletedAt: null }),
};

describe.each(await reachableDatabases())('a soft-deleted row with triggers on %s', (database) => {
  const open = async () => {
    const { dataSource, close } = await openDataSource(database, { entities: [Draft], logging: false });
    const runner = dataSource.createQueryRunner();
    await createLedger(runner);
    await protectFiles(runner, { grace: 0 });
    await runner.release();
    const media = new MemoryStorage();
    const files = await attachFiles(dataSource, { storages: { media }, grace: 0 });
    return { close, files, media, drafts: dataSource.getRepository(Draft) };
  };
  let site: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    site = await open();
  });
  afterAll(() => site?.close());

  it.each(Object.keys(ways))('is not restored by %s once its bytes are deleted', async (name) => {
    const { drafts, files, media } = site;
    const draft = await drafts.save(drafts.create({ file: await files.stage(Draft, 'file', name) }));
    await drafts.softDelete(draft.id);
    await delay(5);
    await files.sweep();
    expect(media.keys).toEqual([]);
    const deleted = await drafts.findOneOrFail({ where: { id: draft.id }, withDeleted: true });
    await expect(ways[name]!(drafts, deleted)).rejects.toThrow(/staged_expired|no entry for this file/);
    expect(await drafts.findOneBy({ id: draft.id })).toBeNull();
  });

  it.each(Object.keys(ways))('is restored with its file by %s before a sweep', async (name) => {
    const { drafts, files } = site;
    const draft = await drafts.save(drafts.create({ file: await files.stage(Draft, 'file', name) }));
    await drafts.softDelete(draft.id);
    const deleted = await drafts.findOneOrFail({ where: { id: draft.id }, withDeleted: true });
    await ways[name]!(drafts, deleted);
    await files.sweep();
    expect(await (await drafts.findOneByOrFail({ id: draft.id })).file?.text()).toBe(name);
    await drafts.delete(draft.id);
    await delay(5);
    await files.sweep();
  });
});
