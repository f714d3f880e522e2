import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { FileStorage } from '@flystorage/file-storage';
import { LocalStorageAdapter } from '@flystorage/local-fs';
import { Disk } from 'flydrive';
import { FSDriver } from 'flydrive/drivers/fs';
import { FileFieldError, type Storage } from 'filefield';
import { fromFilesSdk, type FilesSdk } from 'filefield/storages/files-sdk';
import { fromFlydrive } from 'filefield/storages/flydrive';
import { fromFlystorage } from 'filefield/storages/flystorage';
import { contractExcept, races } from '../support/contract-except.js';
import { descriptorsBelow } from '../support/descriptors-below.js';

const root = mkdtempSync(path.join(tmpdir(), 'borrowed-'));
afterAll(() => rmSync(root, { recursive: true }));

const held = () => descriptorsBelow(root);
const filesOf = (name: string) =>
  readdirSync(path.join(root, name), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

async function* body(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(storage: Storage, key: string): Promise<string> {
  const opened = await storage.read(key);
  const chunks: Buffer[] = [];
  for await (const chunk of opened.stream()) chunks.push(Buffer.from(chunk));
  opened.close();
  return Buffer.concat(chunks).toString();
}

const flydrive = () => new Disk(new FSDriver({ location: path.join(root, 'flydrive'), visibility: 'private' }));
const flystorage = () => new FileStorage(new LocalStorageAdapter(path.join(root, 'flystorage')));

describe('fromFlydrive', () => {
  const storage = fromFlydrive(flydrive());

  describe('with its driver for disks', () => {
    contractExcept(races, () => storage, { held });
  });

  it('writes keys of this library as they are, and encodes what flydrive refuses or changes', async () => {
    const key = 'k3v9x0q2m7ab/2026/11/22/0123456789abcdef0123456789abcdef';
    await storage.write(key, body('x'));
    expect(existsSync(path.join(root, 'flydrive', key))).toBe(true);
    for (const odd of ['keys/a  b', 'keys/a b.', 'keys/a../b', 'keys/a.!é@b', 'keys/2026.csv']) {
      await storage.write(odd, body(odd));
      expect(await textOf(storage, odd)).toBe(odd);
    }
    const names = readdirSync(path.join(root, 'flydrive/keys')).sort();
    expect(names).toEqual(['2026.csv', 'a!20!20b', 'a!20b!2e', 'a!2e!2e', 'a.!21!c3!a9!40b'].sort());
  });
});

describe('fromFlystorage', () => {
  const storage = fromFlystorage(flystorage());

  describe('with its adapter for disks', () => {
    // The streams of flystorage do not close the file when they are destroyed.
    contractExcept([...races, 'holds nothing for a reader that stops in the middle of a large object'], () => storage, {
      held,
      large: '2 MiB',
    });
  });

  it('refuses a key with a character that flystorage refuses', async () => {
    for (const call of [() => storage.stat('a\u200db'), () => storage.write('a\u200db', body('x'))])
      await expect(call()).rejects.toMatchObject({ code: 'invalid_key' });
  });
});

const sdk = path.resolve('compat/files-sdk/node_modules/files-sdk');
const haveSdk = existsSync(sdk);
if (!haveSdk) {
  if (process.env.CI) throw new Error('files-sdk is not installed: npm ci --prefix compat/files-sdk');
  console.warn('*** SKIPPED: files-sdk is not installed: npm ci --prefix compat/files-sdk ***');
}

(haveSdk ? describe : describe.skip)('fromFilesSdk', () => {
  const load = async (name: string) => {
    const { exports } = createRequire(import.meta.url)(path.join(sdk, 'package.json')) as {
      exports: Record<string, { import: string }>;
    };
    return (await import(pathToFileURL(path.join(sdk, exports[name]!.import)).href)) as never;
  };
  const make = async (): Promise<FilesSdk> => {
    const { Files } = (await load('.')) as { Files: new (options: { adapter: unknown }) => FilesSdk };
    const { fs } = (await load('./fs')) as { fs: (options: { root: string }) => unknown };
    return new Files({ adapter: fs({ root: path.join(root, 'files-sdk') }) });
  };

  // A second file beside each object has a longer name than the object.
  const broken = [...races, 'keeps an object under a key of 512 bytes, or refuses it with invalid_key'];

  describe('with its adapter for disks', () => {
    contractExcept(broken, async () => fromFilesSdk(await make()), { held });
  });

  describe('with an adapter without ranges', () => {
    const plain = async () => {
      const files = await make();
      return fromFilesSdk({
        capabilities: { rangeRead: false },
        ...Object.fromEntries(
          (['upload', 'head', 'move', 'delete'] as const).map((name) => [name, files[name].bind(files)]),
        ),
        download: (key: string) => files.download(key),
      } as FilesSdk);
    };
    contractExcept(broken, plain);
  });
});

describe('a storage of another library', () => {
  const disk = flydrive();
  const storage = fromFlydrive(disk);

  it('has no optional member, and leaves nothing of writes that fail', async () => {
    const before = filesOf('flydrive').length;
    const own = new FileFieldError('too_large', 'The file is too large.');
    const failing = async function* () {
      yield Buffer.alloc(100_000);
      throw own;
    };
    await expect(storage.write('fails/a', failing())).rejects.toBe(own);
    const stopped = new AbortController();
    const aborting = async function* () {
      yield Buffer.alloc(100_000);
      stopped.abort();
      yield Buffer.alloc(1);
    };
    const write = storage.write('fails/a', aborting(), { signal: stopped.signal });
    await expect(write).rejects.toMatchObject({ code: 'aborted' });
    expect(filesOf('flydrive')).toHaveLength(before);
    for (const name of ['take', 'localPath', 'root', 'signedUrl', 'url', 'list', 'volatile'])
      expect(name in storage).toBe(false);
  });

  it('deletes the part that a failed move has left, but not the object of another write', async () => {
    for (const [left, rest] of [
      ['par', null],
      ['other', { size: 5 }],
    ] as const) {
      const moving = Object.assign(flydrive(), {
        move: async (_from: string, to: string) => {
          await disk.put(to, left);
          throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        },
      });
      await expect(fromFlydrive(moving).write('moved/a', body('hello'))).rejects.toMatchObject({ code: 'no_space' });
      const found = await storage.stat('moved/a');
      expect(found && { size: found.size }).toEqual(rest);
    }
  });

  it.each([
    ['not_found', { code: 'ENOENT' }],
    ['not_found', { $metadata: { httpStatusCode: 404 } }],
    ['unavailable', { code: 'ECONNREFUSED' }],
    ['unavailable', { $metadata: { httpStatusCode: 503 } }],
    ['storage_failed', { code: 'EACCES' }],
  ])('rejects with %s for a driver that throws %j', async (code, fields) => {
    const driver = Object.assign(new FSDriver({ location: root, visibility: 'private' }), {
      getMetaData: () => Promise.reject(Object.assign(new Error('at /secret/path'), fields)),
    });
    const error = await fromFlydrive(new Disk(driver))
      .read('a')
      .catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).not.toContain('secret');
  });

  it.each(['../a', '/a', 'a//b', ''])('refuses the key %j in every method', async (key) => {
    const calls = [() => storage.write(key, body('x')), () => storage.read(key), () => storage.stat(key)];
    for (const call of [...calls, () => storage.delete(key)])
      await expect(call()).rejects.toMatchObject({ code: 'invalid_key' });
  });
});
