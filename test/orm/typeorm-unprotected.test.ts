import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, protectFiles, type StoredFile } from 'filefield/typeorm';
import { DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { reachableDatabases, servers, uniqueName } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

@Entity()
class Memo {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
  @FileField({ storage: 'media' }) cover!: StoredFile | null;
}

const storages = { media: new MemoryStorage() };

/** The warnings and events of one attachment. */
async function attached(dataSource: DataSource, options: { readonly protection?: 'warn' | 'off' } = {}) {
  const warnings: string[] = [];
  const events: unknown[] = [];
  const heard = (event: unknown) => void events.push(event);
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error) => void warnings.push(String(warning));
  subscribe('filefield:unprotected', heard);
  try {
    // As a restart would, since files are attached once.
    dataSource.subscribers.splice(0);
    const files = await attachFiles(dataSource, { storages, ...options });
    return { warnings, events, unprotected: files.unprotected };
  } finally {
    process.emitWarning = emitWarning;
    unsubscribe('filefield:unprotected', heard);
  }
}

describe.each(await reachableDatabases())('attachFiles on %s', (database) => {
  let site: Awaited<ReturnType<typeof openDataSource>>;
  beforeAll(async () => {
    site = await openDataSource(database, { entities: [Memo] });
    await createLedger(site.dataSource);
  });
  afterAll(() => site?.close());

  it('warns once of columns that are not protected, and tells their names', async () => {
    const { warnings, events, unprotected } = await attached(site.dataSource);
    expect(unprotected).toEqual(['memo.file', 'memo.cover']);
    expect(warnings).toEqual([expect.stringContaining('not protected: memo.file, memo.cover.')]);
    expect(events).toEqual([{ columns: unprotected }]);
  });

  it('prints nothing with protection off', async () => {
    const { warnings, unprotected } = await attached(site.dataSource, { protection: 'off' });
    expect(warnings).toEqual([]);
    expect(unprotected).toHaveLength(2);
  });

  it('finds nothing to report after protectFiles, and one missing trigger', async () => {
    await protectFiles(site.dataSource);
    expect(await attached(site.dataSource)).toEqual({ warnings: [], events: [], unprotected: [] });
    const catalogs = {
      sqlite: `SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%cover%delete'`,
      postgres: `SELECT tgname AS name FROM pg_trigger WHERE tgname LIKE '%cover%delete'`,
      mariadb: `SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_NAME LIKE '%cover%delete' AND TRIGGER_SCHEMA = DATABASE()`,
    };
    const [trigger] = (await site.dataSource.query(catalogs[database])) as { name: string }[];
    await site.dataSource.query(`DROP TRIGGER ${trigger!.name}${database === 'postgres' ? ' ON memo' : ''}`);
    expect((await attached(site.dataSource)).unprotected).toEqual(['memo.cover']);
    await protectFiles(site.dataSource);
  });

  it('asks the catalogue one question', async () => {
    const queries: string[] = [];
    const { dataSource } = site;
    dataSource.setOptions({ logging: true });
    dataSource.logger = { ...dataSource.logger, logQuery: (sql: string) => void queries.push(sql) } as never;
    await attached(dataSource);
    expect(queries.filter((sql) => /sqlite_master|pg_trigger|information_schema/.test(sql))).toHaveLength(1);
  });

  it('does not fail or complain for a role that may only read and write rows', async () => {
    if (database === 'sqlite') return;
    const role = uniqueName();
    const name = site.dataSource.options.database as string;
    const admin = (sql: string) => site.dataSource.query(sql);
    if (database === 'postgres') {
      await admin(`CREATE ROLE ${role} LOGIN`);
      await admin(
        `GRANT SELECT, INSERT, UPDATE, DELETE ON memo, file_ledger, file_trash, file_state, file_fence TO ${role}`,
      );
    } else {
      await admin(`CREATE USER ${role}@'%'`);
      await admin(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO ${role}@'%'`);
    }
    const { host, port } = servers[database];
    const address = { type: database, host, port, username: role, password: '', database: name } as const;
    const dataSource = await new DataSource({ ...address, entities: [Memo] }).initialize();
    expect(await attached(dataSource)).toEqual({ warnings: [], events: [], unprotected: [] });
    await dataSource.destroy();
    await admin(database === 'postgres' ? `DROP OWNED BY ${role}` : `DROP USER ${role}@'%'`);
    if (database === 'postgres') await admin(`DROP ROLE ${role}`);
  });
});
