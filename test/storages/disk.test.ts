import { jest } from '@jest/globals';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs, { promises as fsp } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compile, type Compiled } from '../support/compiled.js';
import { checkKey, FileFieldError } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { storageContract } from 'filefield/testing';
import { descriptorsBelow } from '../support/descriptors-below.js';

const root = fs.mkdtempSync(path.join(tmpdir(), 'disk-storage-'));
afterAll(() => fsp.rm(root, { recursive: true }));

async function* bytes(size: number) {
  for (let rest = size; rest > 0; rest -= 65_536) yield Buffer.alloc(Math.min(rest, 65_536), 7);
}

/** All files in the root, unfinished ones too. */
function files(): string[] {
  const entries = fs.readdirSync(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

describe('DiskStorage', () => {
  // Flushing takes most of the time; a test below does it.
  const held = () => descriptorsBelow(root);
  const claims = storageContract(() => new DiskStorage({ root, sync: false }), { large: '3 MiB', held });
  for (const claim of claims) it(claim.title, claim.run);

  const storage = new DiskStorage({ root });

  it('refuses an empty root, which would be the working directory', () => {
    expect(() => new DiskStorage({ root: '' })).toThrow(expect.objectContaining({ code: 'invalid_option' }) as Error);
  });

  it('keeps its folder when the working directory changes', async () => {
    const [home, relative] = [process.cwd(), new DiskStorage({ root: path.relative(process.cwd(), root) })];
    process.chdir(tmpdir());
    try {
      await relative.write('moved/object', bytes(3));
    } finally {
      process.chdir(home);
    }
    expect(await storage.stat('moved/object')).toMatchObject({ size: 3 });
  });

  it('makes a folder again that was deleted since the last write', async () => {
    await storage.write('again/a', bytes(1));
    fs.rmSync(path.join(root, 'again'), { recursive: true });
    fs.rmSync(path.join(root, '.filefield'), { recursive: true });
    await storage.write('again/b', bytes(2));
    expect(await storage.stat('again/b')).toMatchObject({ size: 2 });
  });

  it('writes files that only owner and group can read', async () => {
    await storage.write('mode/flushed', bytes(10));
    expect(fs.statSync(storage.localPath('mode/flushed')).mode & 0o777).toBe(0o640 & ~process.umask());
  });

  it('names EROFS when the root is on a read-only file system, where Node would say ENOENT', async () => {
    const { mkdir } = fsp;
    const frozen = new DiskStorage({ root: path.join(root, 'mode/frozen') });
    const refuse = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));
    // As Node does it: seen with a tmpfs that is mounted with the option ro.
    jest
      .spyOn(fsp, 'mkdir')
      .mockImplementation(((folder: string, options?: { recursive?: boolean }) =>
        folder.startsWith(frozen.root)
          ? refuse(options?.recursive ? 'ENOENT' : 'EROFS')
          : mkdir(folder, options)) as never);
    await expect(frozen.write('a', bytes(1))).rejects.toMatchObject({
      code: 'storage_failed',
      message: 'The disk could not write an object (EROFS).',
      cause: { code: 'EROFS' },
    });
    jest.restoreAllMocks();
  });

  it('writes although an empty folder is removed after it was made', async () => {
    const fresh = new DiskStorage({ root: path.join(root, 'fresh'), sync: false });
    const open = fs.open as (...values: unknown[]) => void;
    jest.spyOn(fs, 'open').mockImplementationOnce(((file: string, ...rest: unknown[]) => {
      fs.rmdirSync(path.dirname(file));
      open(file, ...rest);
    }) as never);
    await fresh.write('a', bytes(1));
    jest.restoreAllMocks();
    expect(await fresh.stat('a')).toMatchObject({ size: 1 });
    await fresh.delete('a');
  });

  it('writes all bytes where the system takes a chunk in parts', async () => {
    const write = fs.write as (...values: unknown[]) => void;
    const parts = jest.spyOn(fs, 'write').mockImplementation(((fd: number, buffer: Uint8Array, ...rest: unknown[]) => {
      write(fd, buffer, 0, Math.min(3, buffer.byteLength), null, rest.at(-1));
    }) as never);
    expect(await storage.write('in/parts', bytes(10))).toMatchObject({ size: 10 });
    expect(parts.mock.calls.length).toBeGreaterThanOrEqual(4);
    jest.restoreAllMocks();
    const whole = await storage.write('in/one', bytes(10));
    expect(whole.size).toBe(10);
    expect(fs.readFileSync(storage.localPath('in/parts'))).toEqual(fs.readFileSync(storage.localPath('in/one')));
  });

  it('closes the file of a write that fails', async () => {
    const before = fs.readdirSync('/proc/self/fd').length;
    for (const sync of [true, false]) {
      const failing = new DiskStorage({ root, sync });
      await expect(
        failing.write(
          'never',
          (async function* () {
            yield new Uint8Array(5);
            throw new Error('no more');
          })(),
        ),
      ).rejects.toThrow();
    }
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
  });

  describe('flushing', () => {
    /** The files and folders that were flushed, relative to the root; a flush of `failing` fails. */
    function watchFlushes(failing?: string) {
      const flushed: string[] = [];
      const { fsync } = fs;
      jest.spyOn(fs, 'fsync').mockImplementation(((fd: number, done: (error: Error | null) => void) => {
        const place = path.relative(root, fs.readlinkSync(`/proc/self/fd/${fd}`));
        flushed.push(place.startsWith('.filefield/') ? 'the unfinished file' : place);
        if (flushed.at(-1) === failing) done(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }));
        else fsync(fd, done);
      }) as typeof fsync);
      return flushed;
    }
    afterEach(() => void jest.restoreAllMocks());

    it('flushes the bytes, then every new folder, then the folder with the new name', async () => {
      await storage.write('first', bytes(1));
      const flushed = watchFlushes();
      await storage.write('new/folder/object', bytes(10));
      expect(flushed).toEqual(['the unfinished file', 'new', '', 'new/folder']);
      flushed.length = 0;
      await storage.write('new/folder/other', bytes(10));
      expect(flushed).toEqual(['the unfinished file', 'new/folder']);
      await new DiskStorage({ root, sync: false }).write('unflushed/third', bytes(10));
      expect(flushed).toHaveLength(2);
    });

    it.each([
      ['its bytes', 'the unfinished file'],
      ['its folder', 'unlucky'],
    ])('has no object, and accepts its key again, when the flush of %s fails', async (_, failing) => {
      await storage.write(`unlucky/first ${failing}`, bytes(1));
      watchFlushes(failing);
      await expect(storage.write('unlucky/object', bytes(10))).rejects.toMatchObject({ code: 'storage_failed' });
      jest.restoreAllMocks();
      expect(await storage.stat('unlucky/object')).toBeNull();
      await storage.write('unlucky/object', bytes(5));
      expect(await storage.stat('unlucky/object')).toMatchObject({ size: 5 });
      await storage.delete('unlucky/object');
    });
  });

  it('leaves no unfinished file after a write that succeeds or fails', async () => {
    await storage.write('left/good', bytes(100));
    const failing = async function* () {
      yield Buffer.alloc(100_000);
      throw new Error('the body failed');
    };
    await expect(storage.write('left/bad', failing())).rejects.toMatchObject({ code: 'storage_failed' });
    await expect(storage.write('left/good', bytes(5))).rejects.toMatchObject({ code: 'already_exists' });
    expect(files().filter((file) => file.includes('.filefield'))).toEqual([]);
    expect(descriptorsBelow(root)).toBe(0);
  });

  it('rejects with the error of the body if it is one of this library', async () => {
    for (const signal of [undefined, new AbortController()]) {
      const failing = async function* () {
        yield Buffer.alloc(10);
        throw new FileFieldError('not_found', 'There is no such upload.');
      };
      const write = storage.write('left/none', failing(), { ...(signal && { signal: signal.signal }) });
      await expect(write).rejects.toMatchObject({ code: 'not_found', message: 'There is no such upload.' });
    }
  });

  it('refuses a key whose folder is another object as invalid', async () => {
    await storage.write('taken/a', bytes(1));
    await expect(storage.write('taken/a/b', bytes(1))).rejects.toMatchObject({ code: 'invalid_key' });
    await expect(storage.write('taken/a/b/c', bytes(1))).rejects.toMatchObject({ code: 'invalid_key' });
    await expect(storage.write('taken', bytes(1))).rejects.toMatchObject({ code: 'already_exists' });
    await expect(storage.read('taken')).rejects.toMatchObject({ code: 'not_found' });
    expect(await storage.stat('taken')).toBeNull();
  });

  it.each([
    '../secret',
    'a/../../secret',
    '/etc/passwd',
    'a//b',
    '.filefield/x',
    'a\\..\\b',
    'a\0b',
    '',
    'x'.repeat(513),
  ])('never gets the key %j, which checkKey refuses', (key) =>
    expect(() => checkKey(key)).toThrow(expect.objectContaining({ code: 'invalid_key' }) as FileFieldError),
  );

  it('rejects with not_found for a pipe, a loop of links and a broken link', async () => {
    fs.mkdirSync(path.join(root, 'odd'), { recursive: true });
    execFileSync('mkfifo', [path.join(root, 'odd/pipe')]);
    fs.symlinkSync('loop', path.join(root, 'odd/loop'));
    fs.symlinkSync('nowhere', path.join(root, 'odd/dangling'));
    for (const key of ['odd/pipe', 'odd/loop', 'odd/dangling']) {
      await expect(storage.read(key)).rejects.toMatchObject({ code: 'not_found' });
      expect(await storage.stat(key)).toBeNull();
    }
  });

  it('rejects with storage_failed when the root is not a folder', async () => {
    fs.writeFileSync(path.join(root, 'no-folder'), '');
    const misplaced = new DiskStorage({ root: path.join(root, 'no-folder') });
    await expect(misplaced.write('a', bytes(1))).rejects.toMatchObject({ code: 'storage_failed' });
    expect(await misplaced.stat('a')).toBeNull();
  });

  it.each(['../outside.txt', '/etc/passwd', 'a/../../b', 'a\\..\\b', '', '.', '.filefield/x', 'a//b', 'a\u0000b'])(
    'refuses the key %j in every method',
    async (key) => {
      const guarded = new DiskStorage({ root: path.join(root, 'guarded') });
      fs.writeFileSync(path.join(root, 'outside.txt'), 'outside');
      const invalid = { code: 'invalid_key' };
      await expect(guarded.write(key, bytes(1))).rejects.toMatchObject(invalid);
      await expect(guarded.read(key)).rejects.toMatchObject(invalid);
      await expect(guarded.stat(key)).rejects.toMatchObject(invalid);
      await expect(guarded.delete(key)).rejects.toMatchObject(invalid);
      expect(() => guarded.localPath(key)).toThrow('storage key');
      expect(fs.readFileSync(path.join(root, 'outside.txt'), 'utf8')).toBe('outside');
    },
  );

  let compiled: Compiled | undefined;
  afterAll(() => compiled?.remove());

  /** The arguments of Node for a process that has the storage. */
  function program(body: string): string[] {
    compiled ??= compile('test/storages');
    const storage = compiled.script('src/storages/disk.ts');
    const script = `import { DiskStorage } from ${JSON.stringify(storage)};
      const storage = new DiskStorage({ root: ${JSON.stringify(root)} });\n${body}`;
    return ['--input-type=module', '-e', script];
  }

  it('rejects with no_space when a file reaches a limit of the system, and keeps no bytes', () => {
    const script = program(`
      process.on('SIGXFSZ', () => {});
      const body = async function* () { for (let i = 0; i < 64; i += 1) yield Buffer.alloc(65536); };
      const error = await storage.write('full/object', body()).catch((error) => error);
      console.log(error.code, error.cause?.code, await storage.stat('full/object'));`);
    const shell = spawnSync('bash', ['-c', 'ulimit -f 1024; exec "$0" "$@"', process.execPath, ...script]);
    expect(shell.stdout.toString()).toBe('no_space EFBIG null\n');
    expect(files().filter((file) => file.includes('.filefield'))).toEqual([]);
  });

  it('has no object, and accepts its key again, when the process is killed while it writes', async () => {
    const script = program(`
      const body = async function* () {
        yield Buffer.alloc(300000);
        console.log('half');
        await new Promise((resolve) => setTimeout(resolve, 60000));
      };
      await storage.write('killed/object', body());`);
    const child = spawn(process.execPath, script, { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(await storage.stat('killed/object')).toBeNull();
    expect(files().filter((file) => file.includes('killed'))).toEqual([]);
    await storage.write('killed/object', bytes(10));
    expect((await storage.stat('killed/object'))?.size).toBe(10);
  });
});
