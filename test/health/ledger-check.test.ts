import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ledgerCheck, type CheckResult } from 'filefield/health';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, protectFiles, type AttachOptions } from 'filefield/typeorm';
import { CopiedDatabases, openApplication, type Application } from '../support/copied-databases.js';
import { reachableDatabases } from '../support/databases.js';
import { brokenLink } from './broken-link.js';

describe.each(await reachableDatabases())('ledgerCheck on %s', (database) => {
  const copies = new CopiedDatabases(database);
  let folder: string;
  let storage: DiskStorage;
  let letters: Application;

  beforeAll(async () => {
    letters = await copies.open(await copies.create(), new DiskStorage({ root: '/nowhere' }), { protection: 'off' });
    await protectFiles(letters.dataSource, { grace: 0 });
  });
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'filefield-ledger-'));
    storage = new DiskStorage({ root: folder, sync: false });
    for (const table of ['letter', 'file_ledger', 'file_trash', 'file_fence']) await query(`DELETE FROM ${table}`);
    letters.dataSource.subscribers.splice(0);
    letters = await openApplication(letters.dataSource, storage, { protection: 'off' });
    await letters.add('one');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  afterAll(() => copies.close());

  /** The same database, attached anew as a process with other options would. */
  const attached = (options: Partial<AttachOptions> = {}) => {
    letters.dataSource.subscribers.splice(0);
    return attachFiles(letters.dataSource, { storages: { media: storage }, grace: 0, ...options });
  };
  const names = ({ links }: CheckResult) => links.map(({ link }) => link).join(' ');
  const query = (sql: string) => letters.dataSource.query(sql);
  const dropIndex = (name: string, table: string) =>
    query(`DROP INDEX ${name}${database === 'mariadb' ? ` ON ${table}` : ''}`);

  it('passes all links of a ledger that is in order, and says how many objects it has not looked for', async () => {
    await letters.add('two');
    const files = await attached();
    const result = await ledgerCheck(files).run();
    expect(result).toMatchObject({ ok: true });
    expect(result.notChecked).toBeUndefined();
    expect(names(result)).toBe('ledger storages sweep stuck objects indexes protection');
    const { notChecked } = await ledgerCheck(files, { sample: 1 }).run();
    expect(notChecked).toEqual(['objects: 1 of 2; "filefield reconcile" looks at all']);
  });

  it('fails at indexes and names the index of the ledger that is missing', async () => {
    await dropIndex('file_ledger_due', 'file_ledger');
    const { link, error } = await brokenLink(ledgerCheck(letters.files));
    expect({ link, cause: String(error?.cause) }).toEqual({
      link: 'indexes',
      cause: 'Error: Missing: file_ledger_due.',
    });
    await query('CREATE INDEX file_ledger_due ON file_ledger (not_before)');
  });

  it('fails at protection when a trigger was dropped after the start; says so with protection off', async () => {
    const files = await attached();
    expect((await ledgerCheck(files).run()).ok).toBe(true);
    const catalogs = {
      sqlite: `SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%file%delete'`,
      postgres: `SELECT tgname AS name FROM pg_trigger WHERE tgname LIKE '%file%delete'`,
      mariadb: `SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_NAME LIKE '%file%delete' AND TRIGGER_SCHEMA = DATABASE()`,
    };
    const [trigger] = (await query(catalogs[database])) as { name: string }[];
    await query(`DROP TRIGGER ${trigger!.name}${database === 'postgres' ? ' ON letter' : ''}`);
    const { link, error } = await brokenLink(ledgerCheck(files));
    expect({ link, cause: String(error?.cause) }).toEqual({
      link: 'protection',
      cause: 'Error: Missing: letter.file.',
    });
    const { ok, notChecked } = await ledgerCheck(letters.files).run();
    await protectFiles(letters.dataSource, { grace: 0 });
    expect({ ok, notChecked }).toEqual({ ok: true, notChecked: [expect.stringMatching(/^protection: it is off/)] });
  });

  it('fails at sweep when files wait for longer than overdue, and passes after a sweep', async () => {
    await letters.remove('one');
    expect((await ledgerCheck(letters.files).run()).ok).toBe(true);
    await query('UPDATE file_ledger SET not_before = not_before - 90000000, released_at = released_at - 90000000');
    const { link, error } = await brokenLink(ledgerCheck(letters.files));
    expect({ link, cause: String(error?.cause) }).toEqual({
      link: 'sweep',
      cause: expect.stringMatching(/waited since 20\d\d-/) as string,
    });
    expect((await ledgerCheck(letters.files, { overdue: '2d' }).run()).ok).toBe(true);
    await letters.files.sweep();
    expect(await ledgerCheck(letters.files).run()).toMatchObject({ ok: true });
    expect(await letters.files.status()).toMatchObject({ due: 0, swept: expect.any(Date) as Date });
    expect((await letters.files.status()).dueSince).toBeUndefined();
  });

  it('fails at sweep when the trash waits and no sweep runs any more', async () => {
    await letters.files.sweep();
    await query(`UPDATE file_fence SET swept_at = swept_at - 90000000`);
    expect((await ledgerCheck(letters.files).run()).ok).toBe(true);
    await query(
      `INSERT INTO file_trash (id, storage, object_key, retired_at, not_before, attempts) VALUES ('x', 'media', 'x', 0, 0, 0)`,
    );
    expect((await brokenLink(ledgerCheck(letters.files))).link).toBe('sweep');
  });

  it('does not count files of columns that this application does not map as overdue', async () => {
    await letters.remove('one');
    await query(`UPDATE file_ledger SET not_before = 1, released_at = 1, owner_type = 'elsewhere'`);
    expect(await ledgerCheck(letters.files).run()).toMatchObject({ ok: true });
  });

  it('fails at stuck when a deletion has failed ten times', async () => {
    await query(
      `INSERT INTO file_trash (id, storage, object_key, retired_at, not_before, attempts) VALUES ('x', 'media', 'x', 0, 0, 10)`,
    );
    expect((await brokenLink(ledgerCheck(letters.files))).link).toBe('stuck');
  });

  it('fails at objects when the bytes of a live file are gone, and has the key in the cause only', async () => {
    const key = await letters.add('two');
    await storage.delete(key);
    const { link, error } = await brokenLink(ledgerCheck(letters.files));
    expect({ link, cause: String(error?.cause) }).toEqual({
      link: 'objects',
      cause: `Error: 1 of 2 are missing: media:${key}.`,
    });
    expect(error?.message).not.toContain(key);
    expect((await ledgerCheck(letters.files, { sample: 0 }).run()).ok).toBe(true);
  });

  it('says that it checks nothing without a ledger, and no storage that is lost with the process', async () => {
    const { notChecked, ok } = await ledgerCheck(await attached({ ledger: false })).run();
    expect({ notChecked, ok }).toEqual({ ok: true, notChecked: [expect.stringMatching(/^everything: /)] });
    const result = await ledgerCheck(await attached({ storages: { media: new MemoryStorage() } })).run();
    expect(result.notChecked).toContain('storages: "media" is lost with the process');
  });

  it.each(['soon', 0])('throws invalid_option for overdue %p', (overdue) => {
    expect(() => ledgerCheck(letters.files, { overdue: overdue as '1d' })).toThrow(/"overdue" must be a duration/);
  });

  // Last, since the table is not made again.
  it('fails at ledger and names createLedger when a table is missing', async () => {
    await query('DROP TABLE file_fence');
    const broken = await brokenLink(ledgerCheck(letters.files));
    expect(broken).toMatchObject({ link: 'ledger', error: { cause: { code: 'database_failed' } } });
    expect(String((broken.error?.cause as Error).message)).toMatch(/createLedger/);
  });
});
