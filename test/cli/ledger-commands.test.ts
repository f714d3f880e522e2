import 'reflect-metadata';
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DiskStorage } from 'filefield/storages/disk';
import { attachFiles, createLedger, type Files } from 'filefield/typeorm';
import { DataSource } from 'typeorm';
import { Letter } from '../support/copied-databases.js';
import { commandFolder, type Ran } from './run-filefield.js';

const folder = commandFolder();

/** A configuration as an application would have it: its own module attaches the files, and the command imports it. */
function writeConfig(name: string, database: string, table = 'letter'): void {
  folder.write(
    name,
    `import 'reflect-metadata';
     import { DataSource, EntitySchema } from 'typeorm';
     import { DiskStorage } from 'filefield/storages/disk';
     import { attachFiles, fileColumn } from 'filefield/typeorm';
     const columns = { id: { type: Number, primary: true, generated: true }, title: { type: String }, file: fileColumn({ storage: 'media' }) };
     const entities = [new EntitySchema({ name: 'Letter', tableName: '${table}', columns })];
     export const files = async () => {
       const dataSource = await new DataSource({ type: 'sqlite', database: '${database}', entities }).initialize();
       return attachFiles(dataSource, { storages: { media: new DiskStorage({ root: 'media' }), archive: new DiskStorage({ root: 'archive' }) }, grace: 0 });
     };`,
  );
}

const run = (config: string, ...args: string[]): Promise<Ran> => folder.run([...args, '--config', config]);
async function json(
  config: string,
  ...args: string[]
): Promise<{ code: number | null; result: Record<string, unknown> }> {
  const { code, stdout } = await run(config, ...args, '--json');
  return { code, result: JSON.parse(stdout) as Record<string, unknown> };
}

describe('the commands that keep a ledger', () => {
  let dataSource: DataSource;
  let files: Files;

  beforeEach(async () => {
    const database = path.join(folder.path, 'a.db');
    dataSource = await new DataSource({ type: 'sqlite', database, entities: [Letter], synchronize: true }).initialize();
    await createLedger(dataSource);
    const media = new DiskStorage({ root: path.join(folder.path, 'media'), sync: false });
    files = await attachFiles(dataSource, { storages: { media }, grace: 0 });
    writeConfig('a.mjs', 'a.db');
    writeConfig('b.mjs', 'b.db');
  });
  afterEach(async () => {
    await dataSource.destroy();
    for (const name of ['a.db', 'b.db', 'media', 'archive', 'away']) {
      rmSync(path.join(folder.path, name), { recursive: true, force: true });
    }
  });

  const add = async (title: string) =>
    dataSource.getRepository(Letter).save({ title, file: await files.stage(Letter, 'file', title) });
  const remove = async (title: string) => void (await dataSource.getRepository(Letter).remove(await find(title)));
  const find = (title: string) => dataSource.getRepository(Letter).findOneByOrFail({ title });
  /** Two hours pass for a database. */
  const age = async (source: DataSource = dataSource) => {
    await source.query(`UPDATE file_state SET born_at = born_at - 7200000`);
    await source.query(`UPDATE file_fence SET token_at = token_at - 7200000`);
    await source.query(`UPDATE file_trash SET retired_at = retired_at - 7200000`);
  };

  it('doctor finds that a volume is not mounted, and leaves nothing in its place', async () => {
    await add('kept');
    renameSync(path.join(folder.path, 'media'), path.join(folder.path, 'away'));
    const { code, result } = await json('a.mjs', 'doctor');
    expect({ code, result }).toMatchObject({
      code: 1,
      result: { checks: { media: { link: 'marker' }, ledger: { link: 'storages' } } },
    });
    expect(existsSync(path.join(folder.path, 'media'))).toBe(false);
  });

  it('status counts what waits, and sweep deletes it; --dry-run changes nothing', async () => {
    await add('kept');
    await add('gone');
    await remove('gone');
    const before = await json('a.mjs', 'status');
    expect(before).toMatchObject({ code: 0, result: { entries: { live: 1, released: 1 }, due: 1 } });
    expect(before.result.storages).toMatchObject([
      { storage: 'media', condition: 'right' },
      { storage: 'archive', condition: 'unused' },
    ]);
    expect(await json('a.mjs', 'sweep', '--dry-run')).toMatchObject({ code: 0, result: { deleted: 1 } });
    expect(await json('a.mjs', 'sweep', '--batch', '10')).toMatchObject({
      code: 0,
      result: { deleted: 1, faults: [] },
    });
    expect(await json('a.mjs', 'sweep')).toMatchObject({ code: 0, result: { deleted: 0 } });
    const text = await run('a.mjs', 'status');
    expect(text.stdout).toMatch(/live +1\n/);
    expect(text.stdout).toMatch(/unprotected +letter.file: run protectFiles/);
    expect(text.stdout).toMatch(/storage media +right;/);
    expect(await run('a.mjs', 'sweep', '--batch', 'ten')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--batch'),
    });
  });

  it('reconcile reports first, exits with 1 for what is left, and mends with --repair', async () => {
    await add('raw');
    await dataSource.query(`DELETE FROM letter`);
    const report = await json('a.mjs', 'reconcile');
    expect(report).toMatchObject({ code: 1, result: { unreferenced: [{ storage: 'media' }], missing: [] } });
    expect((await run('a.mjs', 'reconcile', '--repair', '--dry-run')).code).toBe(1);
    expect((await run('a.mjs', 'reconcile', '--repair')).code).toBe(0);
    expect(await json('a.mjs', 'sweep')).toMatchObject({ code: 0, result: { deleted: 1 } });
    expect(await run('a.mjs', 'reconcile')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/unreferenced +0\n/),
    });
  });

  it('stuck lists deletions that failed ten times, and --retry lets the next sweep try again', async () => {
    await add('stuck');
    await remove('stuck');
    await dataSource.query(
      `INSERT INTO file_trash SELECT id, storage, object_key, 0, 0, 10, 'the disk is away', NULL FROM file_ledger`,
    );
    await dataSource.query(`DELETE FROM file_ledger`);
    const listed = await run('a.mjs', 'stuck');
    expect(listed).toMatchObject({ code: 1, stdout: expect.stringContaining('the disk is away') });
    expect((await run('a.mjs', 'status')).code).toBe(1);
    expect((await run('a.mjs', 'stuck', '--retry')).code).toBe(0);
    expect(await json('a.mjs', 'sweep')).toMatchObject({ code: 0, result: { deleted: 1 } });
  });

  it('accept takes a storage whose marker is missing, and no other', async () => {
    await add('one');
    expect(await run('a.mjs', 'accept', 'media')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not wrong'),
    });
    renameSync(path.join(folder.path, 'media'), path.join(folder.path, 'away'));
    const status = await run('a.mjs', 'status');
    expect(status).toMatchObject({ code: 1, stdout: expect.stringContaining('filefield accept media') });
    expect(await json('a.mjs', 'accept', 'media', '--dry-run')).toMatchObject({
      result: { storages: ['media'], dryRun: true },
    });
    expect(await run('a.mjs', 'doctor')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/ledger +failed +storages, after ledger/),
    });
    expect((await run('a.mjs', 'moved', 'media')).code).toBe(2);
    expect((await run('a.mjs', 'accept', 'media')).code).toBe(0);
    expect((await run('a.mjs', 'status')).code).toBe(0);
    expect(await run('a.mjs', 'accept')).toMatchObject({ code: 2, stderr: expect.stringContaining('give <storage>') });
    expect((await run('a.mjs', 'accept', 'nowhere')).code).toBe(2);
  });

  it('copied and moved settle a contest', async () => {
    await add('one');
    await add('two');
    await age();
    copyFileSync(path.join(folder.path, 'a.db'), path.join(folder.path, 'b.db'));
    const copy = await new DataSource({
      type: 'sqlite',
      database: path.join(folder.path, 'b.db'),
      entities: [Letter],
    }).initialize();
    await copy.query(`DELETE FROM letter`);
    await copy.destroy();
    expect((await run('b.mjs', 'reconcile', '--repair')).code).toBe(0);
    // The copy replaces the token, and the original finds it.
    expect((await run('b.mjs', 'sweep')).code).toBe(0);
    expect(await json('a.mjs', 'sweep')).toMatchObject({ code: 1, result: { faults: [{ code: 'contested' }] } });
    expect((await run('b.mjs', 'status')).code).toBe(1);
    expect((await run('b.mjs', 'copied', '--dry-run')).code).toBe(0);
    expect((await run('b.mjs', 'copied')).code).toBe(0);
    expect(await json('b.mjs', 'sweep')).toMatchObject({ code: 0, result: { deleted: 0 } });
    expect((await run('a.mjs', 'sweep')).code).toBe(0);
    expect(await (await find('one')).file!.text()).toBe('one');
    expect(await run('a.mjs', 'moved')).toMatchObject({ code: 0, stdout: 'No storage is contested.\n' });
    // A restore in place: the storage is ahead of the database.
    await dataSource.query(`UPDATE file_fence SET token = 'of yesterday'`);
    expect((await run('a.mjs', 'status')).code).toBe(1);
    expect((await run('a.mjs', 'moved', 'media')).code).toBe(0);
    expect((await run('a.mjs', 'status')).code).toBe(0);
  });

  it('forget deletes the files of a column that is gone, and refuses while it exists', async () => {
    await add('old');
    writeConfig('other.mjs', 'a.db', 'parcel');
    await dataSource.query(`CREATE TABLE parcel (id integer PRIMARY KEY, title text, file text)`);
    expect(await json('other.mjs', 'status')).toMatchObject({
      result: { foreign: [{ column: 'letter.file', files: 1 }] },
    });
    expect(await run('other.mjs', 'forget', 'letter.file')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('in the database'),
    });
    expect(await run('a.mjs', 'forget', 'letter.file', '--force')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('file field'),
    });
    await dataSource.query(`DROP TABLE letter`);
    expect(await json('other.mjs', 'forget', 'letter.file', '--dry-run')).toMatchObject({
      code: 0,
      result: { files: 1 },
    });
    expect(await json('other.mjs', 'sweep')).toMatchObject({ result: { deleted: 0 } });
    expect((await run('other.mjs', 'forget', 'letter.file')).code).toBe(0);
    expect(await json('other.mjs', 'sweep')).toMatchObject({ code: 0, result: { deleted: 1 } });
  });

  it('move gives every row its file in another storage; --dry-run says what would be moved', async () => {
    await add('first');
    const lost = await add('second');
    const options = ['move', '--from', 'media', '--to', 'archive'];
    const dry = await json('a.mjs', ...options, '--dry-run');
    expect(dry).toMatchObject({ code: 0, result: { moved: 2, bytes: 11 } });
    expect(existsSync(path.join(folder.path, 'archive'))).toBe(false);
    rmSync(path.join(folder.path, 'media', lost.file.toDescriptor().key));
    const moved = await json('a.mjs', ...options, '--rate', '1MB', '--concurrency', '2');
    expect(moved).toMatchObject({
      code: 1,
      result: { moved: 1, bytes: 5, missing: [{ storage: 'media' }], faults: [] },
    });
    expect((await find('first')).file!.toDescriptor().storage).toBe('archive');
    expect((await find('second')).file!.toDescriptor().storage).toBe('media');
    const { stdout } = await run('a.mjs', ...options);
    expect(stdout).toMatch(/moved +0\n/);
    expect(stdout).toContain(lost.file.toDescriptor().key);
    for (const [wrong, sentence] of [
      [['--from', 'media'], 'give --to <storage>'],
      [['--from', 'media', '--to', 'media'], 'same storage'],
      [['--from', 'media', '--to', 'cellar'], 'No storage is registered as "cellar"'],
      [[...options.slice(1), '--rate', 'fast'], 'bytesPerSecond'],
    ] as const) {
      expect(await run('a.mjs', 'move', ...wrong)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(sentence),
      });
    }
  });

  it('says what the configuration must export', async () => {
    folder.write('empty.mjs', `export const checks = {};`);
    const { code, stderr } = await run('empty.mjs', 'status');
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('must export "files"') });
    folder.write('broken.mjs', `export const files = () => { throw new Error('no database'); };`);
    expect(await run('broken.mjs', 'sweep')).toMatchObject({ code: 2, stderr: expect.stringContaining('no database') });
  });
});
