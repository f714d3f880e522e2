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
  it('opens nothing before it is served, and does not check that the file exists', () => {
    const before = descriptors();
    const source = localFile(path.join(folder, 'nowhere.txt'));
    expect({ name: source.name, size: source.size, descriptors: descriptors() }).toEqual({
      name: 'nowhere.txt',
      size: undefined,
      descriptors: before,
    });
  });

  it('uses the given name and type', () => {
    expect(localFile(file, { name: 'x', type: 'a/b' })).toMatchObject({ name: 'x', type: 'a/b' });
  });

  it('has size and time after load, and reads the whole file or a range', async () => {
    const loaded = await localFile(file).load!();
    expect({ size: loaded.size, modified: loaded.modified }).toEqual({
      size: 11,
      modified: new Date(1_700_000_000_000),
    });
    expect(await text(await loaded.open())).toBe('0123456789A');
    expect(await text(await localFile(file).open({ start: 2, end: 4 }))).toBe('234');
  });

  it('reads at positions of the range and never beyond its end', async () => {
    const body = await localFile(file).open({ start: 2, end: 4 });
    const buffer = Buffer.alloc(10);
    expect({ bytes: await body.read!(buffer, 1), text: buffer.toString('utf8', 0, 2) }).toEqual({
      bytes: 2,
      text: '34',
    });
    expect(await body.read!(buffer, 3)).toBe(0);
    body.close();
    await expect(body.read!(buffer, 0)).rejects.toMatchObject({ code: 'storage_failed' });
  });

  it('reads the file that was loaded when the path is replaced afterwards', async () => {
    const loaded = await localFile(file).load!();
    writeFileSync(`${file}.new`, 'quite another file');
    renameSync(`${file}.new`, file);
    expect(await text(await loaded.open())).toBe('0123456789A');
  });

  it('locates the file without opening it', async () => {
    const before = descriptors();
    const located = await localFile(file).locate!();
    expect(located).toEqual({ path: file, size: 11, modified: new Date(1_700_000_000_000) });
    expect(descriptors()).toBe(before);
  });

  it('holds one descriptor per load until it is closed', async () => {
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

  it('rejects with not_found for a missing file, a folder, and a file in place of a folder', async () => {
    mkdirSync(path.join(folder, 'folder'), { recursive: true });
    const before = descriptors();
    for (const name of ['nowhere', 'folder', 'plans.txt/x']) {
      await expect(localFile(path.join(folder, name)).load!()).rejects.toMatchObject({ code: 'not_found' });
      await expect(localFile(path.join(folder, name)).open()).rejects.toMatchObject({ code: 'not_found' });
      await expect(localFile(path.join(folder, name)).locate!()).rejects.toMatchObject({ code: 'not_found' });
    }
    expect(descriptors()).toBe(before);
  });

  it('names a file below a root by the last part of its path, unless a name is given', () => {
    expect(localFile('sub/plans.txt', { root: folder }).name).toBe('plans.txt');
    expect(localFile('plans.txt', { root: folder, name: 'x', type: 'a/b' })).toMatchObject({ name: 'x', type: 'a/b' });
  });

  it.each(['../plans.txt', 'sub/../plans.txt', '/plans.txt', '.hidden', 'a\\b', ''])(
    'rejects with not_found for the path %j below a root',
    async (below) => {
      writeFileSync(path.join(folder, '.hidden'), 'x');
      const source = localFile(below, { root: folder });
      for (const work of [source.load!(), source.open(), source.locate!()]) {
        await expect(work).rejects.toMatchObject({ code: 'not_found' });
      }
    },
  );

  it('loads, opens and locates a file below a root', async () => {
    const source = localFile('plans.txt', { root: folder });
    const loaded = await source.load!();
    expect(await text(await loaded.open({ start: 0, end: 2 }))).toBe('012');
    loaded.close!();
    expect(await text(await source.open())).toBe('0123456789A');
    expect(await source.locate!()).toMatchObject({ path: file, size: 11 });
  });
});
