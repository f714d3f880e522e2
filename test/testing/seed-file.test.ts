import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { expectNoOrphans, seedFile } from 'filefield/testing';
import { attachFiles, createLedger, FileField, type Files } from 'filefield/typeorm';
import { DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
class Seed {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media', maxSize: 1000 }) file!: StoredFile | null;
}

describe('a seeded file', () => {
  let dataSource: DataSource;
  let files: Files;
  const open = async (ledger: boolean) => {
    dataSource = await new DataSource({ type: 'sqljs', entities: [Seed], synchronize: true }).initialize();
    if (ledger) await createLedger(dataSource);
    const options = {
      storages: { media: new MemoryStorage() },
      ledger,
      lease: 1,
      grace: 0,
      protection: 'off',
    } as const;
    files = await attachFiles(dataSource, options);
  };
  afterEach(() => dataSource.destroy());

  it('waits for its row longer than the lease, and is deleted with it', async () => {
    await open(true);
    const staged = await files.stage(Seed, 'file', 'staged');
    const file = await seedFile(files, Seed, 'file', 'seeded', { name: 'seed.txt' });
    // The lease of one millisecond has ended.
    await dataSource.query('UPDATE file_ledger SET lease_until = lease_until - 1000');
    expect(await files.sweep()).toMatchObject({ expired: 1, deleted: 1 });
    const seeds = dataSource.getRepository(Seed);
    await expect(seeds.save({ file: staged })).rejects.toMatchObject({ code: 'staged_expired' });
    const row = await seeds.save({ file });
    expect([row.file.name, await row.file.text()]).toEqual(['seed.txt', 'seeded']);
    await expectNoOrphans(files);
    await seeds.remove(row);
    expect(await files.sweep()).toMatchObject({ deleted: 1 });
  });

  it('passes the rules of the field, and needs no ledger', async () => {
    await open(false);
    await expect(seedFile(files, Seed, 'file', 'x'.repeat(2000))).rejects.toMatchObject({ code: 'too_large' });
    expect(await (await seedFile(files, Seed, 'file', new Uint8Array([1]))).bytes()).toHaveLength(1);
  });
});
