import { ledgerSchema } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, fileColumn, type StoredFile } from 'filefield/typeorm';
import { DataSource, EntitySchema } from 'typeorm';
import { createDatabase, onDatabases } from '../support/databases.js';

/** Tenants of one database, each with a schema, a table and a ledger of its own. All use one bucket. */
const tenants = 500;

/** Every fifth tenant stores and sweeps: all of them would take 45 seconds. */
const active = Array.from({ length: tenants / 5 }, (_, index) => index * 5);

const Letter = new EntitySchema<{ id: number; file: StoredFile | null }>({
  name: 'letter',
  columns: { id: { type: Number, primary: true, generated: true }, file: fileColumn({ storage: 'media' }) },
});

await onDatabases(['postgres'], 'a ledger per tenant on %s', (database) => {
  let server: Awaited<ReturnType<typeof createDatabase>>;
  const connect = async (tenant?: number) => {
    const { host, port, user: username, name } = server;
    const address = { type: 'postgres', host, port, username, password: '', database: name, poolSize: 1 } as const;
    const extra = tenant === undefined ? {} : { options: `-c search_path=tenant_${tenant}` };
    return new DataSource({ ...address, extra, entities: [Letter] }).initialize();
  };
  beforeAll(async () => {
    server = await createDatabase(database, '');
  });
  afterAll(() => server?.drop());

  async function createTenants(): Promise<void> {
    const dataSource = await connect();
    const forgotten = `INSERT INTO file_ledger (id, storage, object_key, state, lease_until, created_at, owner_type, slot) VALUES`;
    for (let tenant = 0; tenant < tenants; tenant += 1) {
      const statements = [
        `CREATE SCHEMA tenant_${tenant}`,
        `SET LOCAL search_path = tenant_${tenant}`,
        'SET LOCAL synchronous_commit = off',
        'CREATE TABLE letter (id serial PRIMARY KEY, file jsonb)',
        ...ledgerSchema('postgres').create,
        // An upload that was forgotten: one that any sweep that sees it lets go.
        `${forgotten} ('forgotten ${tenant}', 'media', 'other/${tenant}', 'pending', 0, 0, 'letter', 'file')`,
      ];
      // One round trip, and a transaction of its own.
      await dataSource.query(statements.join(';\n'));
    }
    await dataSource.destroy();
  }

  it('is swept without a look at the others', async () => {
    await createTenants();
    const media = new MemoryStorage();
    const queue = active.values();
    const worker = async () => {
      for (const tenant of queue) {
        const dataSource = await connect(tenant);
        const files = await attachFiles(dataSource, { storages: { media }, grace: 0 });
        const [kept, discarded] = await files.stageAll(Letter, 'file', [`kept ${tenant}`, 'discarded']);
        await dataSource.getRepository(Letter).save({ file: kept! });
        await files.discard(discarded!);
        expect({ tenant, ...(await files.sweep()) }).toMatchObject({ tenant, expired: 2, deleted: 1, revived: 0 });
        const entries = await dataSource.query('SELECT id, state FROM file_ledger');
        expect(entries).toEqual([{ id: kept!.id, state: 'live' }]);
        await dataSource.destroy();
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    expect(media.keys).toHaveLength(active.length);
    const passive = await connect(1);
    expect(await passive.query('SELECT id FROM file_ledger')).toEqual([{ id: 'forgotten 1' }]);
    await passive.destroy();
  }, 60_000);
});
