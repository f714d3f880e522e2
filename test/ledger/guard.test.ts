import { columnProtection, ledgerSchema, type ProtectedColumn } from 'filefield';
import { DataSource, type QueryRunner } from 'typeorm';
import { createDatabase, onDatabases, uniqueName } from '../support/databases.js';

const column: ProtectedColumn = { table: 'document', column: 'file', deletedColumn: 'deleted', onSoftDelete: 'delete' };

async function opened(database: 'postgres' | 'mariadb') {
  const { name, drop, host, port, user } = await createDatabase(database, '');
  const options = { type: database, host, port, username: user, password: '', database: name } as const;
  const dataSource = await new DataSource(options).initialize();
  const runner = dataSource.createQueryRunner();
  const close = async () => {
    await runner.release();
    await dataSource.destroy();
    await drop();
  };
  return { runner, close, dialect: database === 'mariadb' ? 'mysql' : database } as const;
}

const run = async (runner: QueryRunner, statements: readonly string[]) => {
  for (const statement of statements) await runner.query(statement);
};
const insert = (runner: QueryRunner, table: string, file: string, id: string) =>
  run(runner, [
    `INSERT INTO file_ledger (id, storage, object_key, state, created_at) VALUES ('${id}', 's', '${id}', 'pending', 0)`,
    `INSERT INTO ${table} (${file}) VALUES ('{"id":"${id}","storage":"s","key":"${id}","size":1,"sha256":"x"}')`,
  ]);
const forget = (runner: QueryRunner, id: string) => runner.query(`DELETE FROM file_ledger WHERE id = '${id}'`);

await onDatabases(['postgres'], 'the guard on %s', (database) => {
  let site: Awaited<ReturnType<typeof opened>>;
  let runner: QueryRunner;
  const [owner, app, schema] = [uniqueName(), uniqueName(), 'shop'];
  beforeAll(async () => {
    site = await opened(database as 'postgres');
    ({ runner } = site);
    await run(runner, [`CREATE ROLE ${owner}`, `CREATE ROLE ${app}`, `CREATE SCHEMA ${schema} AUTHORIZATION ${owner}`]);
    await run(runner, [`SET search_path TO ${schema}`, `GRANT USAGE ON SCHEMA ${schema} TO ${app}`]);
  });
  beforeEach(async () => {
    await run(runner, [`SET ROLE ${owner}`, ...ledgerSchema('postgres').create]);
    await run(runner, [
      'CREATE TABLE document (id serial PRIMARY KEY, file json, deleted timestamptz, tenant text)',
      ...columnProtection('postgres', column).create,
      `GRANT SELECT, UPDATE, DELETE ON file_ledger TO ${app}`,
    ]);
    await insert(runner, 'document', 'file', 'used');
  });
  afterEach(() =>
    run(runner, [
      'RESET ROLE',
      `DROP SCHEMA IF EXISTS ${schema} CASCADE`,
      'DROP SCHEMA IF EXISTS moved CASCADE',
      `CREATE SCHEMA ${schema} AUTHORIZATION ${owner}`,
      `GRANT USAGE ON SCHEMA ${schema} TO ${app}`,
      `SET search_path TO ${schema}`,
    ]),
  );
  afterAll(async () => {
    await run(runner, ['RESET ROLE', `DROP OWNED BY ${owner}, ${app}`, `DROP ROLE ${owner}, ${app}`]);
    await site.close();
  });

  it('refuses with the error code of a foreign key', async () => {
    await expect(forget(runner, 'used')).rejects.toMatchObject({ code: '23503', detail: 'used' });
  });

  it('lets go of a file that no row has, and of one whose row is soft-deleted where that releases it', async () => {
    await run(runner, ['UPDATE document SET deleted = now()']);
    await forget(runner, 'used');
    expect(await runner.query('SELECT id FROM file_ledger')).toEqual([]);
  });

  it('sees rows that row level security hides from the role', async () => {
    await run(runner, [
      `GRANT SELECT ON document TO ${app}`,
      'ALTER TABLE document ENABLE ROW LEVEL SECURITY',
      `CREATE POLICY own_tenant ON document USING (tenant = 'none')`,
      `SET ROLE ${app}`,
    ]);
    expect(await runner.query('SELECT id FROM document')).toEqual([]);
    await expect(forget(runner, 'used')).rejects.toThrow('referenced: a row of document.file has this file');
  });

  it('sees rows of a table that the role may not read', async () => {
    await run(runner, [`SET ROLE ${app}`]);
    await expect(runner.query('SELECT id FROM document')).rejects.toThrow('permission denied');
    await expect(forget(runner, 'used')).rejects.toThrow('referenced: ');
  });

  it('refuses every deletion where a policy hides rows from the owner too', async () => {
    await run(runner, [
      'ALTER TABLE document ENABLE ROW LEVEL SECURITY',
      'ALTER TABLE document FORCE ROW LEVEL SECURITY',
      `CREATE POLICY own_tenant ON document USING (tenant = 'none')`,
    ]);
    await expect(forget(runner, 'used')).rejects.toThrow('row-level security');
  });

  it('follows a table, a column and a schema that are renamed', async () => {
    await run(runner, [
      'ALTER TABLE document RENAME TO paper',
      'ALTER TABLE paper RENAME COLUMN file TO attachment',
      'ALTER TABLE paper RENAME COLUMN deleted TO gone',
    ]);
    await expect(forget(runner, 'used')).rejects.toThrow('referenced: ');
    await run(runner, ['RESET ROLE', `ALTER SCHEMA ${schema} RENAME TO moved`, 'SET search_path TO moved']);
    await expect(forget(runner, 'used')).rejects.toThrow('referenced: ');
  });

  it('finds the table by its name where somebody dropped the triggers of the rows', async () => {
    const triggers = (await runner.query(
      `SELECT tgname AS name FROM pg_trigger WHERE tgrelid = CAST('document' AS regclass)`,
    )) as { name: string }[];
    await run(
      runner,
      triggers.map(({ name }) => `DROP TRIGGER "${name}" ON document`),
    );
    expect(triggers).toHaveLength(3);
    await expect(forget(runner, 'used')).rejects.toThrow('referenced: ');
  });

  it('lets go of the files of a table that was dropped', async () => {
    await run(runner, ['DROP TABLE document']);
    await forget(runner, 'used');
    expect(await runner.query('SELECT id FROM file_ledger')).toEqual([]);
  });

  it('sees the rows of all partitions', async () => {
    await run(runner, [
      'CREATE TABLE parted (id int, file jsonb, PRIMARY KEY (id)) PARTITION BY RANGE (id)',
      'CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)',
      ...columnProtection('postgres', { table: 'parted', column: 'file' }).create,
      `INSERT INTO file_ledger (id, storage, object_key, state, created_at) VALUES ('part', 's', 'part', 'live', 0)`,
      `INSERT INTO parted VALUES (1, '{"id":"part","storage":"s","key":"part"}')`,
    ]);
    await expect(forget(runner, 'part')).rejects.toThrow('referenced: a row of parted.file');
  });

  it('makes its index online, and again after an attempt that was interrupted', async () => {
    const { create } = columnProtection('postgres', column, { online: true });
    await run(runner, create);
    await run(runner, create);
    await expect(forget(runner, 'used')).rejects.toThrow('referenced: ');
  });
});

await onDatabases(['postgres', 'mariadb'], 'fifty columns on one ledger on %s', (database) => {
  it('are all guarded, and a batch of a hundred entries is deleted in less than a second', async () => {
    const site = await opened(database as 'postgres' | 'mariadb');
    const { runner, dialect, close } = site;
    const key = dialect === 'mysql' ? 'integer AUTO_INCREMENT PRIMARY KEY' : 'serial PRIMARY KEY';
    await run(runner, ledgerSchema(dialect).create);
    for (let table = 0; table < 50; table += 1) {
      await run(runner, [
        `CREATE TABLE table_${table} (id ${key}, file json)`,
        ...columnProtection(dialect, { table: `table_${table}`, column: 'file' }).create,
      ]);
    }
    await insert(runner, 'table_7', 'file', 'used');
    for (let index = 0; index < 100; index += 1) {
      await run(runner, [
        `INSERT INTO file_ledger (id, storage, object_key, state, created_at) VALUES ('free-${index}', 's', 'free-${index}', 'released', 0)`,
      ]);
    }
    await expect(runner.query('DELETE FROM file_ledger')).rejects.toThrow('referenced: a row of table_7.file');
    const start = performance.now();
    await run(runner, [`DELETE FROM file_ledger WHERE state = 'released'`]);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(await runner.query('SELECT id FROM file_ledger')).toEqual([{ id: 'used' }]);
    await close();
  });
});
