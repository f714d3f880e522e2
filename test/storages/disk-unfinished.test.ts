import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync, promises as fsp } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DiskStorage } from 'filefield/storages/disk';

const { readdir, unlink } = fsp;

async function* text(value: string) {
  yield Buffer.from(value);
}

/** A body that stops before its end, until it is let go. */
function halting() {
  let go: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (go = resolve));
  let arrive: () => void = () => undefined;
  const halted = new Promise<void>((resolve) => (arrive = resolve));
  async function* body() {
    yield Buffer.from('half');
    arrive();
    await gone;
    yield Buffer.from('whole');
  }
  return { body: body(), halted, go };
}

describe('the folder of unfinished files of DiskStorage', () => {
  let root: string;
  let storage: DiskStorage;
  const folder = () => path.join(root, '.filefield');
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'unfinished-'));
    storage = new DiskStorage({ root, sync: false });
  });
  afterEach(() => {
    Object.assign(fsp, { readdir, unlink });
    rmSync(root, { recursive: true });
  });

  const listed = async (after = '') => {
    const keys: string[] = [];
    for await (const { key } of storage.list({ after })) keys.push(key);
    return keys;
  };

  it('has nothing left when a write has settled, however slow the disk is', async () => {
    fsp.unlink = async (file) => {
      await delay(20);
      await unlink(file);
    };
    await storage.write('a/b', text('old'));
    expect(readdirSync(folder())).toEqual([]);
    await expect(storage.write('a/b', text('new'))).rejects.toMatchObject({ code: 'already_exists' });
    expect(readdirSync(folder())).toEqual([]);
  });

  it('lists no unfinished file', async () => {
    const { body, halted, go } = halting();
    await storage.write('a/b', text('done'));
    const write = storage.write('a/c', body);
    await halted;
    expect(readdirSync(folder())).toHaveLength(1);
    expect(await listed()).toEqual(['a/b']);
    go();
    await write;
    expect(await listed()).toEqual(['a/b', 'a/c']);
  });

  it('loses with its key what a killed process has left, and nothing of other keys', async () => {
    const [one, other] = [halting(), halting()];
    const writes = [storage.write('a/one', one.body), storage.write('a/other', other.body)];
    await Promise.all([one.halted, other.halted]);
    await storage.delete('a/one');
    expect(readdirSync(folder())).toHaveLength(1);
    one.go();
    other.go();
    await expect(writes[0]).rejects.toMatchObject({ code: 'storage_failed' });
    expect(await writes[1]).toMatchObject({ size: 9 });
    expect(await listed()).toEqual(['a/other']);
  });

  it('leaves no object when a write ends while its key is being deleted', async () => {
    const { body, halted, go } = halting();
    const write = storage.write('a/b', body);
    await halted;
    fsp.readdir = (async (...given: Parameters<typeof readdir>) => {
      go();
      await write;
      return readdir(...given);
    }) as typeof readdir;
    await storage.delete('a/b');
    expect(await storage.stat('a/b')).toBeNull();
  });

  it('is not needed to delete or list: before the first write there is nothing', async () => {
    const empty = new DiskStorage({ root: path.join(root, 'nowhere') });
    await empty.delete('a/b');
    for await (const { key } of empty.list()) expect(key).toBeUndefined();
    mkdirSync(path.join(root, 'a'));
    writeFileSync(path.join(root, 'a/b'), 'copied here by another program');
    await storage.delete('a/b');
    expect(await listed()).toEqual([]);
  });

  it('rejects with storage_failed where a folder cannot be read or a file not be deleted', async () => {
    writeFileSync(path.join(root, 'file'), '');
    const misplaced = new DiskStorage({ root: path.join(root, 'file') });
    const failed = { code: 'storage_failed' };
    await expect(misplaced.list().next()).rejects.toMatchObject(failed);
    await expect(misplaced.delete('a')).rejects.toMatchObject(failed);
    await storage.write('a/b', text('kept'));
    fsp.unlink = () => Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }));
    await expect(storage.delete('a/b')).rejects.toMatchObject(failed);
    expect(await storage.stat('a/b')).toMatchObject({ size: 4 });
  });

  it('reads no folder of which every key comes before the first one that is wanted', async () => {
    for (const key of ['a/1', 'b/1', 'b/2', 'c/1']) await storage.write(key, text(key));
    const read: string[] = [];
    fsp.readdir = (async (...given: Parameters<typeof readdir>) => {
      read.push(path.relative(root, String(given[0])));
      return readdir(...given);
    }) as typeof readdir;
    expect(await listed('b/1')).toEqual(['b/2', 'c/1']);
    expect(read).toEqual(['', 'b', 'c']);
  });
});
