import { ledgerSchema, StorageRegistry, type StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, FileField } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { expectCode } from '../contracts/orm/context.js';
import { openDataSource } from '../support/typeorm.js';

@Entity()
class Scan {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { default: '' }) title!: string;
  @FileField({ storage: 'scans' }) file!: StoredFile | null;
}

describe('insert() and update() outside a transaction', () => {
  it('writes no row when its file was swept, and otherwise keeps the file', async () => {
    const { dataSource, close } = await openDataSource('sqlite', { entities: [Scan] });
    for (const sql of ledgerSchema('sqlite').create) await dataSource.query(sql);
    const storages = new StorageRegistry({ scans: new MemoryStorage() });
    const files = await attachFiles(dataSource, { storages, grace: 0 });
    const repository = dataSource.getRepository(Scan);
    const swept = await files.stage(Scan, 'file', 'swept');
    await files.discard(swept);
    await files.sweep();
    await repository.insert({ title: 'kept', file: await files.stage(Scan, 'file', 'old') });
    await expectCode(repository.insert({ file: swept }), 'staged_expired');
    await expectCode(repository.update({ title: 'kept' }, { file: swept }), 'staged_expired');
    // Neither statement has written its row.
    expect(await Promise.all((await repository.find()).map((row) => row.file?.text()))).toEqual(['old']);
    await repository.update({ title: 'kept' }, { file: await files.stage(Scan, 'file', 'new') });
    const rows = await repository.find();
    expect(await Promise.all(rows.map((row) => row.file?.text()))).toEqual(['new']);
    await close();
  });
});
