import 'reflect-metadata';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger } from 'filefield/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { ledgerTables } from '../../src/ledger/schema.js';
import { Letter } from '../support/copied-databases.js';
import { createDatabase, onDatabases } from '../support/databases.js';

class Bucket extends MemoryStorage {
  override readonly volatile = false;
}

await onDatabases(['postgres'], 'a copied schema on %s', () => {
  it('deletes nothing of the schema that it was copied from, also while the ledger is young', async () => {
    const { host, port, user, name, drop } = await createDatabase('postgres', '');
    const media = new Bucket();
    const open = async (schema: string) => {
      const server = { type: 'postgres', host, port, username: user, password: '', database: name } as const;
      const extra = { options: `-c search_path=${schema}` };
      return new DataSource({ ...server, extra, entities: [Letter] } as DataSourceOptions).initialize();
    };
    const attach = (dataSource: DataSource) => attachFiles(dataSource, { storages: { media }, grace: 0 });
    const original = await open('public');
    await original.synchronize();
    await createLedger(original);
    const files = await attach(original);
    const letters = original.getRepository(Letter);
    await letters.save({ title: 'a', file: await files.stage(Letter, 'file', 'still here') });

    await original.query('CREATE SCHEMA copied');
    for (const table of ['letter', ...ledgerTables]) {
      await original.query(`CREATE TABLE copied.${table} (LIKE ${table} INCLUDING ALL)`);
      await original.query(`INSERT INTO copied.${table} SELECT * FROM ${table}`);
    }
    const copied = await open('copied');
    const copiedFiles = await attach(copied);
    await copied.getRepository(Letter).remove(await copied.getRepository(Letter).find());
    expect(await copiedFiles.sweep()).toMatchObject({ deleted: 0, waiting: 1 });
    expect(await (await letters.findOneByOrFail({ title: 'a' })).file?.text()).toBe('still here');

    await letters.remove(await letters.find());
    expect(await files.sweep()).toMatchObject({ deleted: 1 });
    for (const dataSource of [original, copied]) await dataSource.destroy();
    await drop();
  });
});
