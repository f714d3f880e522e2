import { StorageRegistry, type StoredFile } from 'filefield';
import { attachFiles, FileField } from 'filefield/mikro-orm';
import { MemoryStorage } from 'filefield/storages/memory';
import { reachableDatabases } from '../support/databases.js';
import { legacy, major, openMikro } from '../support/mikro-orm.js';

const { Entity, PrimaryKey } = legacy;

@Entity()
class Shelf {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'media', onReplace: 'keep', onDelete: { retain: '1h' } }) archive!: StoredFile | null;
  @FileField({ storage: 'media', copies: 'copy' }) copied!: StoredFile | null;
  @FileField({ storage: 'media', copies: 'share' }) shared!: StoredFile | null;
}

describe.each(await reachableDatabases())(`policies of MikroORM ${major} on %s`, (database) => {
  it('are those of the field: keep what is replaced, retain what is deleted, share what is copied', async () => {
    const open = await openMikro(database, [Shelf]);
    const media = new MemoryStorage();
    const files = await attachFiles(open.orm, { storages: new StorageRegistry({ media }), grace: 0 });
    const states = async () => (await open.rows('SELECT state FROM file_ledger')).map(({ state }) => state).sort();
    const { em } = open;
    const stage = (field: 'archive' | 'shared', text: string) => files.stage(Shelf, field, text);
    const create = (values: Partial<Shelf>) => {
      const shelf = em.create(Shelf, { archive: null, copied: null, shared: null, ...values } as never) as Shelf;
      em.persist(shelf);
      return shelf;
    };

    const one = create({ archive: await stage('archive', 'first'), shared: await stage('shared', 'common') });
    await em.flush();
    const two = create({ shared: one.shared });
    one.archive = await stage('archive', 'second');
    await em.flush();
    expect(await states()).toEqual(['kept', 'live', 'live']);

    em.remove(one);
    await em.flush();
    await files.sweep();
    // The second archive is retained, the shared file revived, since the other shelf has it.
    expect(await states()).toEqual(['kept', 'live', 'released']);
    expect(await (await open.em.findOneOrFail(Shelf, { id: two.id })).shared?.text()).toBe('common');
    em.remove(two);
    await em.flush();
    await files.sweep();
    expect(await states()).toEqual(['kept', 'released']);
    expect(media.keys).toHaveLength(2);
    await open.close();
  });

  it.each(['implicit', 'explicit'])(
    'copy a file of another row while it is saved, in an %s transaction',
    async (kind) => {
      const open = await openMikro(database, [Shelf]);
      const media = new MemoryStorage();
      const files = await attachFiles(open.orm, { storages: new StorageRegistry({ media }), grace: 0 });
      const { em } = open;
      const add = (values: Partial<Shelf>) => {
        const shelf = em.create(Shelf, { archive: null, copied: null, shared: null, ...values } as never) as Shelf;
        em.persist(shelf);
        return shelf;
      };
      const one = add({ copied: await files.stage(Shelf, 'copied', 'twice') });
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
      expect(await (await open.em.findOneOrFail(Shelf, { id: two.id })).copied?.text()).toBe('twice');
      await open.close();
    },
  );
});
