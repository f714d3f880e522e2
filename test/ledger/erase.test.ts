import { ledgerSchema, type StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, FileField } from 'filefield/typeorm';
import { Entity, PrimaryGeneratedColumn } from 'typeorm';
import { expectCode } from '../contracts/orm/context.js';
import { openDataSource } from '../support/typeorm.js';

@Entity('erased_scan')
class Scan {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'scans' }) file!: StoredFile | null;
}

describe('erase() beside transactions on the one connection of SQLite', () => {
  it('keeps the bytes of a file that was bound, although the statement that let it go counts a row', async () => {
    const { dataSource, close } = await openDataSource('sqlite', { entities: [Scan] });
    for (const statement of ledgerSchema('sqlite').create) await dataSource.query(statement);
    const files = await attachFiles(dataSource, { storages: { scans: new MemoryStorage() }, grace: 0 });
    const file = await files.stage(Scan, 'file', 'bytes');
    const { database } = files.ledger;
    const execute = database.execute.bind(database);
    database.execute = async (statement, options) => {
      if (!statement.text().startsWith('DELETE FROM file_ledger')) return execute(statement, options);
      database.execute = execute;
      // It ran in a transaction that was rolled back; before it runs again, another transaction binds the file.
      await dataSource.getRepository(Scan).save({ file });
      return { rows: [], affected: Math.max(1, (await execute(statement, options)).affected) };
    };
    await expectCode(files.erase(file), 'in_use');
    const [row] = await dataSource.getRepository(Scan).find();
    expect(await row!.file!.text()).toBe('bytes');
    await files.sweep();
    expect(await row!.file!.text()).toBe('bytes');
    await close();
  });
});
