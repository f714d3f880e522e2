import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { StorageRegistry, type StoredFile } from 'filefield';
import { attachFiles, FileField } from 'filefield/typeorm';
import { MemoryStorage } from 'filefield/storages/memory';
import { Entity, PrimaryGeneratedColumn } from 'typeorm';
import { reachableDatabases } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

@Entity()
class Leaflet {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

describe.each(await reachableDatabases())('TypeORM without a ledger on %s', (database) => {
  it('deletes nothing in a sweep, and reports the objects that no row has in a reconcile', async () => {
    const { dataSource, close } = await openDataSource(database, { entities: [Leaflet], logging: false });
    const media = new MemoryStorage();
    const storages = new StorageRegistry({ media });
    const files = await attachFiles(dataSource, { storages, ledger: false, lease: 1000, grace: 1000 });
    const leaflets = dataSource.getRepository(Leaflet);
    const one = await leaflets.save(leaflets.create({ file: await files.stage(Leaflet, 'file', 'old') }));
    const old = one.file!.toDescriptor().key;
    one.file = await files.stage(Leaflet, 'file', 'new');
    await leaflets.save(one);
    expect(await files.sweep()).toEqual({ expired: 0, revived: 0, deleted: 0, failed: 0, waiting: 0 });
    // The object is so new that its row might still be saved.
    expect((await files.reconcile()).unknown).toEqual([]);
    await delay(2100);
    expect((await files.reconcile({ repair: true })).unknown).toEqual([{ storage: 'media', key: old }]);
    expect(media.keys).toHaveLength(2);
    await files.reconcile({ deleteUnknown: true });
    expect(media.keys).toEqual([one.file.toDescriptor().key]);
    expect(await (await leaflets.findOneByOrFail({ id: one.id })).file?.text()).toBe('new');
    await close();
  });
});
