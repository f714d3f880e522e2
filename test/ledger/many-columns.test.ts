import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, fileColumn, type StoredFile } from 'filefield/typeorm';
import { DataSource, EntitySchema, type DataSourceOptions } from 'typeorm';
import { createDatabase, reachableDatabases } from '../support/databases.js';

interface Row {
  id: number;
  file: StoredFile | null;
}

const tables = 500;
const entities = Array.from(
  { length: tables },
  (_, index) =>
    new EntitySchema<Row>({
      name: `letter_${index}`,
      columns: { id: { type: Number, primary: true, generated: true }, file: fileColumn({ storage: 'media' }) },
    }),
);

const databases = (await reachableDatabases()).filter((name) => name !== 'mariadb');

describe.each(databases)('a ledger of 500 file columns on %s', (database) => {
  it('is swept with one statement per table, and one more for each batch of expired and of released files', async () => {
    const { drop, name, user: username, ...address } = await createDatabase(database, ':memory:');
    const options = { type: database, ...address, username, password: '', database: name, entities };
    const dataSource = await new DataSource(options as DataSourceOptions).initialize();
    const columns =
      database === 'sqlite' ? 'id integer PRIMARY KEY AUTOINCREMENT, file text' : 'id serial PRIMARY KEY, file jsonb';
    for (const { options: entity } of entities) await dataSource.query(`CREATE TABLE ${entity.name} (${columns})`);
    await createLedger(dataSource);
    const media = new MemoryStorage();
    const files = await attachFiles(dataSource, { storages: { media }, grace: 0 });
    let statements = 0;
    const { database: connection } = files.ledger;
    const execute = connection.execute.bind(connection);
    connection.execute = (...values) => {
      statements += 1;
      return execute(...values);
    };
    const sweep = async () => {
      statements = 0;
      const { expired, deleted } = await files.sweep();
      return { expired, deleted, perTable: Math.floor(statements / tables), others: statements % tables };
    };
    expect(await sweep()).toEqual({ expired: 0, deleted: 0, perTable: 1, others: expect.any(Number) });
    const last = dataSource.getRepository(entities.at(-1)!);
    const [kept, removed, discarded] = await files.stageAll(entities.at(-1)!, 'file', ['kept', 'removed', 'discarded']);
    await last.save({ file: kept! });
    await last.remove(await last.save({ file: removed! }));
    expect(await sweep()).toMatchObject({ expired: 0, deleted: 1, perTable: 2 });
    await files.discard(discarded!);
    const report = await sweep();
    // An expired file is released and then deleted in the same sweep.
    expect(report).toMatchObject({ expired: 1, deleted: 1, perTable: 3 });
    expect(report.others).toBeLessThan(20);
    expect(media.keys).toEqual([kept!.toDescriptor().key]);
    await dataSource.destroy();
    await drop();
  }, 60_000);
});
