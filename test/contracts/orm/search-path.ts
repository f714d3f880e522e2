import type { Files, ReconcileReport, StoredFile } from 'filefield';
import type { MemoryStorage } from '../../../src/storages/memory.js';
import { uniqueName } from '../../support/databases.js';

/** The letters of one schema, in a transaction of which the search path begins with it. */
export interface Letters {
  /** Resolves to the key of the new row. */
  add(file: StoredFile): Promise<number>;
  /** Loads the row, sets its file, and saves it. */
  set(id: number, file: StoredFile | null): Promise<void>;
  /** Updates the row without loading it. */
  update(id: number, file: StoredFile): Promise<void>;
  remove(id: number): Promise<void>;
  text(id: number): Promise<string | undefined>;
}

/**
 * One PostgreSQL database and one ledger, in the schema `public`. The schemas `public`, `t1` and `t2` each have a table `letter`.
 */
export interface PathSite {
  readonly media: MemoryStorage;
  /** Attached to connections whose search path is `public`. */
  readonly files: Files;
  /** Attached to connections whose search path begins with the schema. */
  readonly tenants: Readonly<Record<'t1' | 't2', Files>>;
  within<Result>(schema: string, work: (letters: Letters) => Promise<Result>): Promise<Result>;
  stage(text: string): Promise<StoredFile>;
  query(sql: string): Promise<Readonly<Record<string, unknown>>[]>;
  /** Attaches files as another role. Resolves to the faults that the work caused. */
  faultsAs(role: string, work: (files: Files) => Promise<unknown>): Promise<string[]>;
  close(): Promise<void>;
}

/** Reconciles and sweeps twice, so that the second run deletes the files that the first has released. */
async function cleanUp(files: Files): Promise<ReconcileReport> {
  const report = await files.reconcile({ repair: true });
  for (let run = 0; run < 2; run += 1) {
    await files.sweep();
    await files.reconcile({ repair: true });
  }
  await files.sweep();
  return report;
}

/** Transactions that choose the schema of their tables by `SET LOCAL search_path`. */
export function searchPathClaims(open: (isProtected: boolean) => Promise<PathSite>): void {
  describe.each([
    ['without triggers', false],
    ['with triggers', true],
  ])('a search path that a transaction sets, %s', (_, isProtected) => {
    let site: PathSite;
    beforeAll(async () => {
      site = await open(isProtected);
    });
    afterAll(() => site?.close());

    const everybodyCleansUp = async () => {
      for (const files of [site.files, site.tenants.t1, site.tenants.t2]) await cleanUp(files);
    };
    const textIn = (schema: string, id: number) => site.within(schema, (letters) => letters.text(id));
    const addIn = async (schema: string, text: string) => {
      const file = await site.stage(text);
      return { file, id: await site.within(schema, (letters) => letters.add(file)) };
    };
    const ownerOf = async ({ id }: StoredFile) =>
      (await site.query(`SELECT owner_type AS owner FROM file_ledger WHERE id = '${id}'`))[0]?.owner;
    const endLease = ({ id }: StoredFile) =>
      site.query(`UPDATE file_ledger SET lease_until = 0 WHERE id = '${id}' AND state = 'pending'`);

    it('tells apart rows with one key in two schemas', async () => {
      const rows = [await addIn('t1', 'one'), await addIn('t2', 'two')];
      expect(rows.map(({ id }) => id)).toEqual([1, 1]);
      expect(await Promise.all(rows.map(({ file }) => ownerOf(file)))).toEqual(['t1.letter', 't2.letter']);
      const replaced = await site.stage('replaced');
      await site.within('t2', (letters) => letters.set(1, replaced));
      await everybodyCleansUp();
      expect(await textIn('t1', 1)).toBe('one');
      await site.within('t2', (letters) => letters.remove(1));
      await everybodyCleansUp();
      expect(await textIn('t1', 1)).toBe('one');
      expect(site.media.keys).toEqual([rows[0]!.file.toDescriptor().key]);
    });

    it('knows a schema by its name, whatever is in it', async () => {
      await site.query('CREATE SCHEMA "Sales ""2"".x"');
      await site.query('CREATE TABLE "Sales ""2"".x".letter (id serial PRIMARY KEY, file json)');
      const { file } = await addIn('"Sales ""2"".x"', 'quoted');
      expect(await ownerOf(file)).toBe('Sales "2".x.letter');
      await site.query('DROP SCHEMA "Sales ""2"".x" CASCADE');
    });

    it('keeps the files of other schemas, reports them as foreign, and does not erase them', async () => {
      const { file, id } = await addIn('t1', 'foreign');
      const { foreign, unreferenced } = await cleanUp(site.files);
      expect(foreign.map((object) => object.id)).toContain(file.id);
      expect(unreferenced).toEqual([]);
      await site.query(`UPDATE file_ledger SET state = 'released', not_before = 0 WHERE id = '${file.id}'`);
      await expect(site.files.erase(file)).rejects.toMatchObject({ code: 'in_use' });
      await cleanUp(site.tenants.t2);
      await cleanUp(site.files);
      expect(await textIn('t1', id)).toBe('foreign');
      expect((await site.files.status()).foreign.map(({ column }) => column)).toContain('t1.letter.file');
      await expect(site.files.forget('t1.letter.file')).rejects.toMatchObject({ code: 'in_use' });
    });

    it('lets a process with the search path of a schema delete what that schema no longer has, and nothing else', async () => {
      const [gone, kept] = [await addIn('t1', 'gone'), await addIn('t2', 'kept')];
      await site.query(`DELETE FROM t1.letter WHERE id = ${gone.id}`);
      await cleanUp(site.files);
      await cleanUp(site.tenants.t2);
      expect(site.media.keys).toContain(gone.file.toDescriptor().key);
      await cleanUp(site.tenants.t1);
      expect(site.media.keys).not.toContain(gone.file.toDescriptor().key);
      expect(await textIn('t2', kept.id)).toBe('kept');
    });

    it('keeps a staged file that SQL wrote to a row of another schema', async () => {
      const file = await site.stage('by SQL');
      await endLease(file);
      const rows = await site.query(
        `INSERT INTO t2.letter (file) VALUES ('${JSON.stringify(file.toDescriptor())}') RETURNING id`,
      );
      await everybodyCleansUp();
      expect(await textIn('t2', Number(rows[0]!.id))).toBe('by SQL');
    });

    it('keeps a file that an update without loading wrote to a row of another schema', async () => {
      const { id } = await addIn('t2', 'first');
      const file = await site.stage('updated');
      await site.within('t2', (letters) => letters.update(id, file));
      await endLease(file);
      await everybodyCleansUp();
      expect(await textIn('t2', id)).toBe('updated');
    });

    it('deletes a staged file that no row of any schema has', async () => {
      const file = await site.stage('abandoned');
      await endLease(file);
      await cleanUp(site.files);
      expect(site.media.keys).not.toContain(file.toDescriptor().key);
    });

    it('keeps a staged file, and says so once, where a role cannot read the table of another schema', async () => {
      const role = uniqueName();
      await site.query(`CREATE ROLE ${role} LOGIN`);
      await site.query(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`);
      const file = await site.stage('for somebody');
      await endLease(file);
      try {
        const faults = await site.faultsAs(role, async (files) => {
          await cleanUp(files);
          await cleanUp(files);
        });
        expect(faults).toEqual([expect.stringContaining('cannot see every row of t1.letter.file')]);
        expect(site.media.keys).toContain(file.toDescriptor().key);
      } finally {
        await site.query(`DROP OWNED BY ${role}`);
        await site.query(`DROP ROLE ${role}`);
      }
    });

    if (isProtected) {
      it('guards the files of every schema', async () => {
        for (const schema of ['t1', 't2']) {
          const { file } = await addIn(schema, 'guarded');
          await expect(site.query(`DELETE FROM file_ledger WHERE id = '${file.id}'`)).rejects.toThrow('referenced');
        }
        expect([site.files, site.tenants.t1, site.tenants.t2].map(({ unprotected }) => unprotected)).toEqual([
          [],
          [],
          [],
        ]);
      });
    }

    it('deletes a staged file where only other schemas have the table', async () => {
      await site.query('DROP TABLE public.letter CASCADE');
      const file = await site.stage('no table at home');
      await endLease(file);
      await cleanUp(site.files);
      expect(site.media.keys).not.toContain(file.toDescriptor().key);
    });

    it('refuses a file of one ledger in a transaction that finds another', async () => {
      const file = await site.stage('other ledger');
      for (const table of ['file_ledger', 'file_trash', 'file_state', 'file_fence'])
        await site.query(`CREATE TABLE t2.${table} (LIKE ${table} INCLUDING ALL)`);
      await expect(site.within('t2', (letters) => letters.add(file))).rejects.toMatchObject({
        code: 'staged_expired',
      });
    });
  });
}
