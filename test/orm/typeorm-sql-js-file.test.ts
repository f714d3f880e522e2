import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type StoredFile } from 'filefield/typeorm';
import { DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
class Note {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'notes' }) file!: StoredFile | null;
}

describe('a file of sql.js', () => {
  it('has an entry of the ledger before the first byte of a file is stored', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'filefield-sql-js-'));
    const location = path.join(folder, 'notes.db');
    const open = () =>
      new DataSource({ type: 'sqljs', location, autoSave: true, entities: [Note], synchronize: true }).initialize();
    const dataSource = await open();
    await createLedger(dataSource);
    const storage = new MemoryStorage();
    const files = await attachFiles(dataSource, { storages: { notes: storage }, protection: 'off' });
    const { id } = await files.stage(Note, 'file', 'hello');
    // As after a crash: sql.js writes the whole file, and TypeORM lets it do so after transactions only.
    const after = await open();
    const entries: unknown = await after.query('SELECT id, state FROM file_ledger');
    expect(entries).toEqual([{ id, state: 'pending' }]);
    await after.destroy();
    await dataSource.destroy();
    await rm(folder, { recursive: true });
  });
});
