import { attachFiles, createLedger, FileField, type StoredFile } from 'filefield/typeorm';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { adoptingFromBucketClaims, type PageRow } from '../contracts/orm/adopting-from-bucket.js';
import { reachableDatabases } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

@Entity('page')
class Page implements PageRow {
  @PrimaryColumn('varchar', { length: 40 }) tenant!: string;
  @PrimaryColumn('int') number!: number;
  @Column('varchar', { nullable: true }) url!: string | null;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

describe.each(await reachableDatabases())('objects of a bucket that are adopted with TypeORM on %s', (database) => {
  adoptingFromBucketClaims(async (media) => {
    const { dataSource, close } = await openDataSource(database, { entities: [Page] });
    await createLedger(dataSource);
    const files = await attachFiles(dataSource, { storages: { media }, grace: 0, protection: 'off' });
    const pages = dataSource.getRepository(Page);
    return {
      files,
      Page,
      insert: async (row) => void (await pages.save({ ...row, file: null })),
      find: (tenant, number) => pages.findOneByOrFail({ tenant, number }),
      remove: async (row) => void (await pages.remove(row as Page)),
      close,
    };
  });
});
