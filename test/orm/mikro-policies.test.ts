import { StorageRegistry, type StoredFile } from 'filefield';
import { attachFiles, FileField } from 'filefield/mikro-orm';
import { MemoryStorage } from 'filefield/storages/memory';
import { reachableDatabases, type DatabaseName } from '../support/databases.js';
import { legacy, major, openMikro } from '../support/mikro-orm.js';

const { Entity, PrimaryKey } = legacy;

@Entity()
class Shelf {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'media', onReplace: 'keep', onDelete: { retain: '1h' } }) archive!: StoredFile | null;
  @FileField({ storage: 'media', copies: 'copy' }) copied!: StoredFile | null;
  @FileField({ storage: 'media', copies: 'share' }) shared!: StoredFile | null;
}

async function open(database: DatabaseName) {
  const site = await openMikro(database, [Shelf]);
  const media = new MemoryStorage();
  const files = await attachFiles(site.orm, { storages: new StorageRegistry({ media }), grace: 0 });
  const { em } = site;
  const add = (values: Partial<Shelf>) => {
    const shelf = em.create(Shelf, { archive: null, copied: null, shared: null, ...values } as never) as Shelf;
    em.persist(shelf);
    return shelf;
  };
  const stage = (field: 'archive' | 'copied' | 'shared', text: string) => files.stage(Shelf, field, text);
  const states = async () => (await site.rows('SELECT state FROM file_ledger')).map(({ state }) => state).sort();
  const load = (shelf: Shelf) => site.em.findOneOrFail(Shelf, { id: shelf.id });
  return { media, files, em, add, stage, states, load, close: () => site.close() };
}

describe.each(await reachableDatabases())(`policies of fields in MikroORM ${major} on %s`, (database) => {
  it('keeps a replaced file, retains a deleted one and shares a file of two rows, as the options of each field say', async () => {
    const { add, close, em, files, load, media, stage, states } = await open(database);
    const one = add({ archive: await stage('archive', 'first'), shared: await stage('shared', 'common') });
    await em.flush();
    const two = add({ shared: one.shared });
    one.archive = await stage('archive', 'second');
    await em.flush();
    expect(await states()).toEqual(['kept', 'live', 'live']);

    em.remove(one);
    await em.flush();
    await files.sweep();
    // The second archive is retained. The shared file is revived, since the other shelf has it.
    expect(await states()).toEqual(['kept', 'live', 'released']);
    expect(await (await load(two)).shared?.text()).toBe('common');
    em.remove(two);
    await em.flush();
    await files.sweep();
    expect(await states()).toEqual(['kept', 'released']);
    expect(media.keys).toHaveLength(2);
    await close();
  });

  it('does not copy the file that the row has already when another column of the row changes', async () => {
    const { add, close, em, load, media, stage } = await open(database);
    const shelf = add({ copied: await stage('copied', 'once') });
    await em.flush();
    shelf.archive = await stage('archive', 'another');
    await em.flush();
    expect((await load(shelf)).copied?.id).toBe(shelf.copied?.id);
    expect(media.keys).toHaveLength(2);
    await close();
  });

  it.each(['implicit', 'explicit'])(
    'copies the file of another row while the row is saved, in an %s transaction',
    async (kind) => {
      const { add, close, em, files, load, media, stage } = await open(database);
      const one = add({ copied: await stage('copied', 'twice') });
      await em.flush();
      if (kind === 'explicit') await em.begin();
      const two = add({ copied: one.copied });
      await em.flush();
      if (kind === 'explicit') await em.commit();
      expect(two.copied?.id).not.toBe(one.copied?.id);
      em.remove(one);
      await em.flush();
      await files.sweep();
      expect(media.keys).toHaveLength(1);
      expect(await (await load(two)).copied?.text()).toBe('twice');
      await close();
    },
  );
});
