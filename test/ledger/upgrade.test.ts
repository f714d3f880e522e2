import { ledgerSchema } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { createLedger } from 'filefield/typeorm';
import { CopiedDatabases } from '../support/copied-databases.js';
import { reachableDatabases } from '../support/databases.js';

describe.each(await reachableDatabases())('the version of a ledger on %s', (database) => {
  const databases = new CopiedDatabases(database);
  afterAll(() => databases.close());

  /** A database with files, and with the tables that filefield 0.1 made. */
  async function oldLedger(storage: MemoryStorage) {
    const name = await databases.create();
    const application = await databases.open(name, storage);
    await application.add('kept');
    await application.add('gone');
    await application.remove('gone');
    const { dataSource } = application;
    for (const table of ['file_state', 'file_fence']) await dataSource.query(`DROP TABLE ${table}`);
    await dataSource.query(`DROP INDEX file_trash_due${database === 'mariadb' ? ' ON file_trash' : ''}`);
    await dataSource.query(`ALTER TABLE file_trash DROP COLUMN retired_at`);
    for (const table of ['file_ledger', 'file_trash'])
      await dataSource.query(`ALTER TABLE ${table} DROP COLUMN adopter`);
    return { name, dataSource };
  }

  it('1 is upgraded without losing an entry, and a release of version 1 may go on with the tables', async () => {
    const storage = new MemoryStorage();
    const name = await databases.create();
    const application = await databases.open(name, storage);
    await application.add('kept');
    const { dataSource } = application;
    for (const table of ['file_ledger', 'file_trash'])
      await dataSource.query(`ALTER TABLE ${table} DROP COLUMN adopter`);
    await dataSource.query('UPDATE file_state SET version = 1');
    await expect(databases.open(name, storage)).rejects.toMatchObject({ code: 'database_failed' });
    await createLedger(dataSource);
    await createLedger(dataSource);
    const { files, read } = await databases.open(name, storage);
    expect(await read('kept')).toBe('text of kept');
    expect((await files.status()).entries).toMatchObject({ live: 1 });
    const [state] = (await dataSource.query('SELECT version, oldest FROM file_state')) as Record<string, unknown>[];
    expect([Number(state!.version), Number(state!.oldest)]).toEqual([2, 1]);
  });

  it('is told by attachFiles, and createLedger upgrades it without losing an entry', async () => {
    const storage = new MemoryStorage();
    const { name, dataSource } = await oldLedger(storage);
    await expect(databases.open(name, storage)).rejects.toMatchObject({
      code: 'database_failed',
      message: expect.stringContaining('createLedger()'),
    });
    await createLedger(dataSource);
    // Once more changes nothing.
    await createLedger(dataSource);
    const { files, read, add } = await databases.open(name, storage);
    await add('new');
    await files.reconcile({ repair: true });
    await files.sweep();
    expect(await read('kept')).toBe('text of kept');
    expect(await read('new')).toBe('text of new');
    expect((await files.status()).entries).toMatchObject({ live: 2 });
  });

  it('of a newer release is refused if this release cannot work with it', async () => {
    const name = await databases.create();
    const { dataSource } = await databases.open(name, new MemoryStorage());
    await dataSource.query(`UPDATE file_state SET version = 9`);
    await databases.open(name, new MemoryStorage());
    await dataSource.query(`UPDATE file_state SET oldest = 9`);
    await expect(databases.open(name, new MemoryStorage())).rejects.toMatchObject({
      code: 'database_failed',
      message: expect.stringContaining('upgrade filefield'),
    });
  });

  it('has statements for an upgrade in SQL', () => {
    const dialect = database === 'mariadb' ? 'mysql' : database;
    const upgrade = ledgerSchema(dialect, { from: 0 }).create;
    expect(upgrade.some((statement) => statement.includes('file_state'))).toBe(true);
    expect(upgrade.some((statement) => /CREATE TABLE IF NOT EXISTS file_ledger/.test(statement))).toBe(false);
    expect(ledgerSchema(dialect, { from: 1 }).create).toHaveLength(3);
    expect(ledgerSchema(dialect, { from: 2 }).create).toEqual([]);
  });
});
