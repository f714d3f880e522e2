import { randomUUID } from 'node:crypto';
import { columnProtection, ledgerSchema } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { DataSource, type QueryRunner } from 'typeorm';
import { FileEvents } from '../../src/events.js';
import { StorageRegistry } from '../../src/file/registry.js';
import type { LedgerConnection } from '../../src/ledger/connection.js';
import * as dialects from '../../src/ledger/dialects/index.js';
import { RecordedLedger } from '../../src/ledger/recorded.js';
import type { FileReference } from '../../src/ledger/file-reference.js';
import { References } from '../../src/ledger/references.js';
import type { Sql } from '../../src/ledger/sql.js';
import { Sweeper } from '../../src/ledger/sweep.js';
import { createDatabase, reachableDatabases, type DatabaseName } from '../support/databases.js';

const rows = 50_000;
const columns = { sqlite: ['json', 'text'], postgres: ['json', 'jsonb', 'text'], mariadb: ['json', 'longtext'] };

/** A table whose rows have the ids row-1, row-2 and so on. The planner has no statistics. */
async function filled(database: DatabaseName, runner: QueryRunner, type: string): Promise<void> {
  const numbers = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${rows})`;
  const text = (n: string) => (database === 'mariadb' ? `CONCAT('row-', ${n})` : `'row-' || ${n}`);
  const descriptor = {
    sqlite: `json_object('id', ${text('n')}, 'name', '${'x'.repeat(200)}')`,
    postgres: `CAST(json_build_object('id', ${text('n')}, 'name', '${'x'.repeat(200)}') AS ${type})`,
    mariadb: `JSON_OBJECT('id', ${text('n')}, 'name', '${'x'.repeat(200)}')`,
  }[database];
  const key = { sqlite: 'integer', postgres: 'serial', mariadb: 'integer AUTO_INCREMENT' }[database];
  const options = database === 'postgres' ? ' WITH (autovacuum_enabled = false)' : '';
  if (database === 'mariadb') await runner.query(`SET SESSION max_recursive_iterations = ${rows + 1}`);
  await runner.query(`CREATE TABLE note (id ${key} PRIMARY KEY, file ${type}, deleted integer)${options}`);
  await runner.query(`INSERT INTO note (file) ${numbers} SELECT ${descriptor} FROM numbers`);
}

async function opened(database: DatabaseName) {
  const { name, drop, host, port, user } = await createDatabase(database, ':memory:');
  const options =
    database === 'sqlite'
      ? ({ type: 'sqlite', database: name } as const)
      : ({ type: database, host, port, username: user, password: '', database: name } as const);
  const dataSource = await new DataSource(options).initialize();
  const runner = dataSource.createQueryRunner();
  const dialect = dialects[database === 'mariadb' ? 'mysql' : database];
  const statements: Sql[] = [];
  const unfiltered = new Set<Sql>();
  const connection: LedgerConnection = {
    dialect,
    async execute(statement, options) {
      statements.push(statement);
      if (options?.unfiltered) unfiltered.add(statement);
      const result = await runner.query(statement.text(dialect.placeholder), [...statement.values], true);
      return { rows: (result.records ?? []) as never, affected: result.affected ?? 0 };
    },
  };
  const plan = async (statement: Sql) => {
    const explain = database === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN';
    await runner.startTransaction();
    if (unfiltered.has(statement) && dialect.unfiltered !== '') await runner.query(dialect.unfiltered);
    const lines: unknown = await runner.query(`${explain} ${statement.text(dialect.placeholder)}`, [
      ...statement.values,
    ]);
    await runner.rollbackTransaction();
    return JSON.stringify(lines);
  };
  const close = async () => {
    await runner.release();
    await dataSource.destroy();
    await drop();
  };
  opening.push(close);
  return { runner, connection, statements, plan, dialect };
}

const opening: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opening.splice(0)) await close();
});

const reference = (dialect: { quote(name: string): string }, more: Partial<FileReference> = {}): FileReference => ({
  table: dialect.quote('note'),
  column: dialect.quote('file'),
  owner: 'note',
  slot: 'file',
  name: { table: 'note', column: 'file' },
  ...more,
});

const wanted = ['row-7', ...Array.from({ length: 98 }, () => randomUUID()), `row-${rows}`];

describe.each(await reachableDatabases())('with 50,000 rows on %s, before any ANALYZE', (database) => {
  it.each(columns[database])('the look for a hundred files in a column of type %s uses the index', async (type) => {
    const { runner, connection, statements, plan, dialect } = await opened(database);
    await filled(database, runner, type);
    for (const statement of ledgerSchema(dialect.name).create) await runner.query(statement);
    const column = { table: 'note', column: 'file' };
    const among = async (more?: Partial<FileReference>) => {
      const references = await new References([reference(dialect, more)]).readable(connection, new FileEvents());
      const found = await references.among(connection, wanted);
      expect([...found].sort()).toEqual(['row-50000', 'row-7']);
      return plan(statements.at(-1)!);
    };
    const index = dialect.index(column, false).at(-1)!.name;
    expect(await among()).not.toContain(index);
    for (const statement of columnProtection(dialect.name, column).create) await runner.query(statement);
    expect(await among()).toContain(index);
    expect(await among({ counts: 'deleted IS NULL' })).toContain(index);
  });

  it('the looks of a sweep for what is due use the indexes of the ledger', async () => {
    const { runner, connection, statements, plan, dialect } = await opened(database);
    const [, ...indexes] = ledgerSchema(dialect.name).create;
    for (const statement of ledgerSchema(dialect.name).create) await runner.query(statement);
    expect(indexes.length).toBeGreaterThan(0);
    await filled(database, runner, 'json');
    const id = dialect.descriptorText('file', 'id');
    await runner.query(
      `INSERT INTO file_ledger (id, storage, object_key, state, created_at, owner_type, owner_pk, slot) SELECT ${id}, 's', ${id}, 'live', 0, 'note', ${dialect.cast('id', 'text')}, 'file' FROM note`,
    );
    const references = new References([reference(dialect)]);
    const storages = new StorageRegistry({ s: new MemoryStorage() });
    const events = new FileEvents();
    const ledger = new RecordedLedger(connection, storages, events);
    await new Sweeper(ledger, storages, references, events).sweep();
    const due = statements.filter((one) => /^SELECT id FROM file_ledger.*(lease_until|not_before)/.test(one.text()));
    expect(due.length).toBeGreaterThanOrEqual(3);
    // Entries without an owner are rare, so the index of the owners finds them as well.
    const expected = (text: string) =>
      text.includes('owner_type IS NULL') ? /file_ledger_/ : /file_ledger_(lease|due)/;
    for (const statement of due) {
      const text = await plan(statement);
      expect({ statement: statement.text(), text }).toEqual({
        statement: statement.text(),
        text: expect.stringMatching(expected(statement.text())),
      });
    }
  });

  it('a cell that is not JSON keeps no look from finding all others', async () => {
    if (database === 'postgres') return; // Its types json and jsonb refuse such a value.
    const { runner, connection, dialect } = await opened(database);
    for (const statement of ledgerSchema(dialect.name).create) await runner.query(statement);
    const key = database === 'mariadb' ? 'integer AUTO_INCREMENT PRIMARY KEY' : 'integer PRIMARY KEY';
    await runner.query(`CREATE TABLE note (id ${key}, file text)`);
    await runner.query(`INSERT INTO note (file) VALUES ('not JSON'), ('{"id":"row-7"}')`);
    const look = async () => [
      ...(await (
        await new References([reference(dialect)]).readable(connection, new FileEvents())
      ).among(connection, ['row-7', 'row-8'])),
    ];
    expect(await look()).toEqual(['row-7']);
    for (const part of dialect.index({ table: 'note', column: 'file' }, false)) {
      for (const statement of part.create) await runner.query(statement);
    }
    expect(await look()).toEqual(['row-7']);
  });
});

it('MariaDB: the generated column of a table is not taken for one of a table of that name in another schema', async () => {
  if (!(await reachableDatabases()).includes('mariadb')) return;
  const { runner, connection, statements, plan, dialect } = await opened('mariadb');
  const other = await createDatabase('mariadb', '');
  opening.unshift(() => other.drop());
  const name = { schema: other.name, table: 'note', column: 'file' };
  const elsewhere = reference(dialect, { table: `${other.name}.note`, owner: `${other.name}.note`, name });
  const found = async (one: FileReference) => {
    const references = await new References([one, elsewhere]).readable(connection, new FileEvents());
    return [...(await references.among(connection, ['row-7', 'row-8']))].sort();
  };
  const makeColumn = async (column: typeof name | Omit<typeof name, 'schema'>) => {
    for (const { create } of dialect.index(column, false))
      for (const statement of create) await runner.query(statement);
  };
  const plain = '(id integer PRIMARY KEY, file json, file_id varchar(36))';

  await runner.query(`CREATE TABLE note ${plain}`);
  await runner.query(`CREATE TABLE ${other.name}.note (id integer PRIMARY KEY, file json)`);
  await runner.query(`INSERT INTO note VALUES (1, '{"id":"row-7"}', 'other')`);
  await runner.query(`INSERT INTO ${other.name}.note VALUES (1, '{"id":"row-8"}')`);
  await makeColumn(name);
  expect(await found(reference(dialect))).toEqual(['row-7', 'row-8']);
  expect(await plan(statements.at(-1)!)).toContain(dialect.index(name, false).at(-1)!.name);

  await runner.query('DROP TABLE note');
  await runner.query(`DROP TABLE ${other.name}.note`);
  await runner.query(`CREATE TABLE note (id integer PRIMARY KEY, file json)`);
  await runner.query(`CREATE TABLE ${other.name}.note ${plain}`);
  await runner.query(`INSERT INTO note VALUES (1, '{"id":"row-7"}')`);
  await runner.query(`INSERT INTO ${other.name}.note VALUES (1, '{"id":"row-8"}', 'other')`);
  await makeColumn({ table: 'note', column: 'file' });
  expect(await found(reference(dialect))).toEqual(['row-7', 'row-8']);
});

it('MariaDB: a column of an application that is called like the generated one is not taken for it', async () => {
  if (!(await reachableDatabases()).includes('mariadb')) return;
  const { runner, connection, dialect } = await opened('mariadb');
  await runner.query('CREATE TABLE note (id integer PRIMARY KEY, file json, file_id varchar(36))');
  await runner.query(`INSERT INTO note VALUES (1, '{"id":"row-7"}', 'other')`);
  const references = await new References([reference(dialect)]).readable(connection, new FileEvents());
  expect([...(await references.among(connection, ['row-7']))]).toEqual(['row-7']);
});
