import fs, {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  promises as fsp,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import type { TakenFile } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { OpenFile } from '../../src/file/open-file.js';
import { descriptorsBelow } from '../support/descriptors-below.js';

const { rename, open } = fsp;
const content = 'the bytes';

describe('DiskStorage.take', () => {
  let folder: string;
  let storage: DiskStorage;
  let file: string;
  let opened: OpenFile;
  let measured: number;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'take-'));
    storage = new DiskStorage({ root: path.join(folder, 'root') });
    file = path.join(folder, 'upload');
    writeFileSync(file, content);
    opened = await OpenFile.at(file);
    measured = 0;
  });
  afterEach(() => {
    Object.assign(fsp, { rename, open });
    opened.close();
    rmSync(folder, { recursive: true });
  });

  const taken = (measure: () => void = () => undefined): TakenFile => ({
    path: file,
    isAt: async (other) => opened.isUnchanged() && (await opened.isAt(other)),
    async measure() {
      measured += 1;
      measure();
    },
  });
  const unfinished = () => readdirSync(path.join(storage.root, '.filefield'));

  it('moves the file: the object is the same file, and nothing is left', async () => {
    const { ino } = statSync(file);
    expect(await storage.take('a/b', taken())).toMatchObject({ size: content.length });
    expect(statSync(storage.localPath('a/b')).ino).toBe(ino);
    expect(readFileSync(storage.localPath('a/b'), 'utf8')).toBe(content);
    expect([existsSync(file), measured, unfinished(), descriptorsBelow(storage.root)]).toEqual([false, 1, [], 1]);
  });

  it('gives the object the permissions, names and time of a written one', async () => {
    chmodSync(file, 0o666);
    utimesSync(file, 1, 1);
    opened.close();
    opened = await OpenFile.at(file);
    await storage.write('written', (async function* () {})());
    const info = await storage.take('taken', taken());
    const [one, other] = [statSync(storage.localPath('taken')), statSync(storage.localPath('written'))];
    expect([one.mode, one.uid, one.gid, one.nlink]).toEqual([other.mode, other.uid, other.gid, 1]);
    expect(Math.abs(one.mtimeMs - other.mtimeMs)).toBeLessThan(60_000);
    expect(info?.modified).toEqual(one.mtime);
  });

  it('flushes the file after its last change and before it gets its name, and then its folder', async () => {
    const order: string[] = [];
    const { fsync } = fs;
    const watched = jest.spyOn(fs, 'fsync').mockImplementation(((fd: number, done: (error: Error | null) => void) => {
      const name = path.basename(fs.readlinkSync(`/proc/self/fd/${fd}`));
      order.push(`${name.slice(0, 4)} ${existsSync(storage.localPath('a/b'))}`);
      fsync(fd, done);
    }) as typeof fsync);
    await storage.take('a/b', taken());
    expect(order.filter((step) => /^[\da-f]{4} /.test(step))).toEqual([expect.stringMatching(/ false$/)]);
    expect(order.at(-1)).toBe('a true');
    watched.mockRestore();
  });

  // Only root can give files away.
  const isRoot = process.getuid?.() === 0;
  const unmovable: [string, () => void][] = [
    ['has a second name', () => linkSync(file, `${file}-2`)],
    [
      'is on another file system',
      () => void (fsp.rename = () => Promise.reject(Object.assign(new Error(), { code: 'EXDEV' }))),
    ],
    ['belongs to another user', () => chownSync(file, 12345, statSync(file).gid)],
    ['belongs to another group', () => chownSync(file, statSync(file).uid, 12345)],
    [
      'was replaced by another file',
      () => {
        writeFileSync(`${file}-2`, 'another');
        rmSync(file);
        linkSync(`${file}-2`, file);
        rmSync(`${file}-2`);
      },
    ],
    [
      'is a symbolic link',
      () => {
        linkSync(file, `${file}-2`);
        rmSync(file);
        symlinkSync(`${file}-2`, file);
      },
    ],
    ['was written to since it was opened', () => writeFileSync(file, 'other text')],
  ];
  const possible = unmovable.filter(([what]) => isRoot || !what.startsWith('belongs'));

  it.each(possible)('leaves a file at its path, and reads nothing, if it %s', async (_what, prepare) => {
    prepare();
    expect(await storage.take('a/b', taken())).toBeUndefined();
    expect([existsSync(file), measured, await storage.stat('a/b'), unfinished()]).toEqual([true, 0, null, []]);
  });

  it('leaves a symbolic link at its path if the file itself is where it leads', async () => {
    const place = `${file}-2`;
    symlinkSync(file, place);
    expect(await storage.take('a/b', { ...taken(), path: place, isAt: async () => true })).toBeUndefined();
    expect([existsSync(place), existsSync(file), measured, await storage.stat('a/b')]).toEqual([true, true, 0, null]);
  });

  it('keeps nothing of a file that is refused when it is measured', async () => {
    const refused = taken(() => {
      throw new RangeError('refused');
    });
    await expect(storage.take('a/b', refused)).rejects.toMatchObject({ cause: new RangeError('refused') });
    expect([await storage.stat('a/b'), unfinished()]).toEqual([null, []]);
  });

  it('keeps nothing of a file that is changed while it is measured', async () => {
    const handle = await open(file, 'r+');
    const changed: TakenFile = {
      ...taken(),
      measure: async () => void (await handle.write('longer than it was before')),
    };
    await expect(storage.take('a/b', changed)).rejects.toMatchObject({ code: 'incomplete' });
    await handle.close();
    expect([await storage.stat('a/b'), unfinished()]).toEqual([null, []]);
  });

  it('does not replace an object whose key is taken', async () => {
    await storage.write('a/b', (async function* () {})());
    await expect(storage.take('a/b', taken())).rejects.toMatchObject({ code: 'already_exists' });
    expect((await storage.stat('a/b'))?.size).toBe(0);
  });
});
