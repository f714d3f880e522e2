import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { localFile, type FileBody } from 'filefield';
import { descriptorsBelow } from '../support/descriptors-below.js';

const folder = mkdtempSync(path.join(tmpdir(), 'local-'));
const file = path.join(folder, 'plans.txt');
const descriptors = () => descriptorsBelow(folder);

async function text(body: FileBody): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.stream()) chunks.push(chunk);
  body.close();
  return Buffer.concat(chunks).toString();
}

beforeEach(() => {
  writeFileSync(file, '0123456789A');
  utimesSync(file, 1_700_000_000, 1_700_000_000);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('localFile', () => {
  it('opens nothing until it is served, not even to see whether it is there', () => {
    const before = descriptors();
    const source = localFile(path.join(folder, 'nowhere.txt'));
    expect([source.name, source.size, descriptors()]).toEqual(['nowhere.txt', undefined, before]);
  });

  it('takes the name and the type it is given', () => {
    expect(localFile(file, { name: 'x', type: 'a/b' })).toMatchObject({ name: 'x', type: 'a/b' });
  });

  it('knows size and time once it is loaded, and reads whole or in part', async () => {
    const loaded = await localFile(file).load!();
    expect([loaded.size, loaded.modified]).toEqual([11, new Date(1_700_000_000_000)]);
    expect(await text(await loaded.open())).toBe('0123456789A');
    expect(await text(await localFile(file).open({ start: 2, end: 4 }))).toBe('234');
  });

  it('reads by position within the range, never beyond it', async () => {
    const body = await localFile(file).open({ start: 2, end: 4 });
    const buffer = Buffer.alloc(10);
    expect([await body.read!(buffer, 1), buffer.toString('utf8', 0, 2)]).toEqual([2, '34']);
    expect(await body.read!(buffer, 3)).toBe(0);
    body.close();
    await expect(body.read!(buffer, 0)).rejects.toMatchObject({ code: 'storage_failed' });
  });

  it('reads the bytes whose size it told, though the path has been replaced', async () => {
    const loaded = await localFile(file).load!();
    writeFileSync(`${file}.new`, 'quite another file');
    renameSync(`${file}.new`, file);
    expect(await text(await loaded.open())).toBe('0123456789A');
  });

  it('is located by a look at the path, which opens nothing', async () => {
    const before = descriptors();
    const located = await localFile(file).locate!();
    expect(located).toEqual({ path: file, size: 11, modified: new Date(1_700_000_000_000) });
    expect(descriptors()).toBe(before);
  });

  it('holds one descriptor for each load, and lets go of it once', async () => {
    const before = descriptors();
    const source = localFile(file);
    const [one, two] = [await source.load!(), await source.load!()];
    expect(descriptors()).toBe(before + 2);
    one.close!();
    one.close!();
    expect(await text(await two.open())).toBe('0123456789A');
    two.close!();
    expect(descriptors()).toBe(before);
  });

  it('is not found where there is nothing, a folder, or a file in the way', async () => {
    mkdirSync(path.join(folder, 'folder'), { recursive: true });
    const before = descriptors();
    for (const name of ['nowhere', 'folder', 'plans.txt/x']) {
      await expect(localFile(path.join(folder, name)).load!()).rejects.toMatchObject({ code: 'not_found' });
      await expect(localFile(path.join(folder, name)).open()).rejects.toMatchObject({ code: 'not_found' });
      await expect(localFile(path.join(folder, name)).locate!()).rejects.toMatchObject({ code: 'not_found' });
    }
    expect(descriptors()).toBe(before);
  });
});
