import type { EntityManager } from '@mikro-orm/core';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, FileField } from 'filefield/mikro-orm';
import { onDatabases, reachableDatabases, type DatabaseName } from '../support/databases.js';
import { legacy, major, openMikro, type OpenMikro } from '../support/mikro-orm.js';

const { Entity, PrimaryKey } = legacy;

@Entity({ tableName: 'letter' })
class Letter {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

async function opened(database: DatabaseName) {
  const open = await openMikro(database, [Letter]);
  const media = new MemoryStorage();
  const files = await attachFiles(open.orm, { storages: { media }, grace: 0 });
  return { open, media, files };
}

describe.each(await reachableDatabases())(`MikroORM ${major} on %s`, (database) => {
  it('releases a file when its property is set to undefined, as it does for null', async () => {
    const { open, media, files } = await opened(database);
    const em = open.em;
    const letter = em.create(Letter, { file: await files.stage(Letter, 'file', 'old') } as Letter);
    await em.persist(letter).flush();
    letter.file = undefined as unknown as null;
    await em.flush();
    expect(await open.rows('SELECT file FROM letter')).toEqual([{ file: null }]);
    await files.sweep();
    expect(media.keys).toEqual([]);
    await open.close();
  });
});

await onDatabases(['postgres'], `MikroORM ${major} on %s, one schema per tenant`, (database) => {
  let site: Awaited<ReturnType<typeof opened>>;
  let tenants: readonly EntityManager[];

  beforeAll(async () => {
    site = await opened(database);
    const run = (sql: string) => site.open.orm.em.getConnection().execute(sql, [], 'run');
    for (const schema of ['t1', 't2']) {
      await run(`CREATE SCHEMA ${schema}`);
      await run(`CREATE TABLE ${schema}.letter (LIKE letter INCLUDING ALL)`);
      await run(`CREATE SEQUENCE ${schema}.letter_id`);
      await run(`ALTER TABLE ${schema}.letter ALTER COLUMN id SET DEFAULT nextval('${schema}.letter_id')`);
    }
    tenants = ['t1', 't2'].map((schema) => site.open.orm.em.fork({ schema }));
  });
  afterAll(() => site?.open.close());

  const textIn = async (open: OpenMikro, schema: string) =>
    (await open.orm.em.fork({ schema }).findOneOrFail(Letter, { id: 1 })).file?.text();

  it('keeps the file of one tenant when the same row of another tenant gets a new file or is deleted', async () => {
    const { open, files } = site;
    const letters: Letter[] = [];
    for (const [index, em] of tenants.entries()) {
      const letter = em.create(Letter, { file: await files.stage(Letter, 'file', `tenant ${index + 1}`) } as Letter);
      await em.persist(letter).flush();
      letters.push(letter);
    }
    expect(letters.map(({ id }) => id)).toEqual([1, 1]);
    letters[1]!.file = await files.stage(Letter, 'file', 'replaced');
    await tenants[1]!.flush();
    await files.reconcile({ repair: true });
    await files.sweep();
    expect({ t1: await textIn(open, 't1'), t2: await textIn(open, 't2') }).toEqual({ t1: 'tenant 1', t2: 'replaced' });
    tenants[1]!.remove(letters[1]!);
    await tenants[1]!.flush();
    await files.sweep();
    expect(await textIn(open, 't1')).toBe('tenant 1');
  });

  it('binds a file to the table of the schema of the entity manager, whatever the search path finds', async () => {
    const file = await site.files.stage(Letter, 'file', 'of t1');
    await tenants[0]!.transactional(async (em) => {
      await em.getConnection().execute('SET LOCAL search_path TO t2, public', [], 'run', em.getTransactionContext());
      await em.persist(em.create(Letter, { file } as Letter)).flush();
    });
    const entries: unknown = await site.open.rows(`SELECT owner_type FROM file_ledger WHERE id = '${file.id}'`);
    expect(entries).toEqual([{ owner_type: 't1.letter' }]);
  });

  it('binds a file to the schema of the entity, or else to that of the entity manager', async () => {
    const owners = async (em: EntityManager, make: (file: StoredFile) => Letter) => {
      const file = await site.files.stage(Letter, 'file', 'of one schema');
      const letter = make(file);
      await em.persist(letter).flush();
      const [row] = await site.open.rows(`SELECT owner_type AS owner FROM file_ledger WHERE id = '${file.id}'`);
      return row?.owner;
    };
    const { em } = site.open;
    expect(await owners(em, (file) => em.create(Letter, { file } as Letter, { schema: 't2' }))).toBe('t2.letter');
    expect(await owners(tenants[0]!, (file) => Object.assign(new Letter(), { file }))).toBe('t1.letter');
    const upserted = await site.files.stage(Letter, 'file', 'upserted');
    await tenants[0]!.upsert(Letter, { id: 77, file: upserted });
    const rows = await site.open.rows(`SELECT owner_type AS owner FROM file_ledger WHERE id = '${upserted.id}'`);
    expect(rows).toEqual([{ owner: 't1.letter' }]);
  });

  it('reports the files of tables in other schemas as foreign', async () => {
    const { foreign, unreferenced } = await site.files.reconcile({ repair: true });
    expect(foreign.length).toBeGreaterThanOrEqual(1);
    expect(unreferenced).toEqual([]);
  });
});
