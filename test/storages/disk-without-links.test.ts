import { promises as fsp, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiskStorage } from 'filefield/storages/disk';
import { storageContract } from 'filefield/testing';
import { descriptorsBelow } from '../support/descriptors-below.js';

const { link, rename } = fsp;

function failing(code: string): () => Promise<never> {
  return async () => {
    throw Object.assign(new Error(code), { code });
  };
}

async function* text(value: string) {
  yield Buffer.from(value);
}

describe('DiskStorage on a file system without hard links', () => {
  let root: string;
  let storage: DiskStorage;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'without-links-'));
    storage = new DiskStorage({ root, sync: false });
    fsp.link = failing('EPERM');
  });
  afterEach(() => {
    Object.assign(fsp, { link, rename });
    rmSync(root, { recursive: true });
  });

  const unfinished = () => readdirSync(path.join(root, '.filefield'));

  for (const claim of storageContract(() => storage)) it(claim.title, claim.run);

  it.each(['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'])('writes a file where a link fails with %s', async (code) => {
    fsp.link = failing(code);
    await storage.write('a/b', text('bytes'));
    expect(await fsp.readFile(path.join(root, 'a/b'), 'utf8')).toBe('bytes');
    expect(unfinished()).toEqual([]);
    expect(descriptorsBelow(root)).toBe(0);
  });

  it('keeps the old bytes of a key that is taken', async () => {
    await storage.write('a/b', text('old'));
    await expect(storage.write('a/b', text('new'))).rejects.toMatchObject({ code: 'already_exists' });
    expect(await fsp.readFile(path.join(root, 'a/b'), 'utf8')).toBe('old');
    expect(unfinished()).toEqual([]);
  });

  it('leaves nothing behind when the file cannot be renamed', async () => {
    fsp.rename = failing('EIO');
    await expect(storage.write('a/b', text('bytes'))).rejects.toMatchObject({ code: 'storage_failed' });
    expect(await storage.stat('a/b')).toBeNull();
    expect(unfinished()).toEqual([]);
  });

  it('writes nothing where a link fails for another reason', async () => {
    fsp.link = failing('EACCES');
    await expect(storage.write('a/b', text('bytes'))).rejects.toMatchObject({ name: 'FileFieldError' });
    expect(await storage.stat('a/b')).toBeNull();
  });
});
