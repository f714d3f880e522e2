import { promises as fsp } from 'node:fs';
import path from 'node:path';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { PrefixedStorage } from 'filefield/storages/prefixed';
import { S3Storage } from 'filefield/storages/s3';
import { FailingStorage, storageContract, temporaryStorage, type TemporaryStorage } from 'filefield/testing';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { s3Client, TestBucket } from '../support/s3-bucket.js';
import { haveS3 } from '../support/signing-storage.js';

async function* bytes(size: number) {
  yield Buffer.alloc(size, 7);
}

async function keysOf(storage: PrefixedStorage, after = ''): Promise<string[]> {
  const keys = [];
  for await (const { key } of storage.list!({ after })) keys.push(key);
  return keys;
}

describe('PrefixedStorage', () => {
  let disk: TemporaryStorage;
  beforeAll(async () => void (disk = await temporaryStorage()));
  afterAll(() => disk.remove());

  describe('in memory', () => {
    const memory = new MemoryStorage();
    const make = () => new PrefixedStorage({ storage: memory, prefix: 'é f/g%2Fh' });
    for (const claim of storageContract(make)) it(claim.title, claim.run);
  });

  describe('on a disk', () => {
    const make = () => new PrefixedStorage({ storage: disk, prefix: 'a/b' });
    const held = () => descriptorsBelow(disk.root);
    for (const claim of storageContract(make, { held })) it(claim.title, claim.run);
  });

  describe('in itself', () => {
    const memory = new MemoryStorage();
    const outer = new PrefixedStorage({ storage: memory, prefix: 'a' });
    const make = () => new PrefixedStorage({ storage: outer, prefix: 'b' });
    for (const claim of storageContract(make)) it(claim.title, claim.run);
  });

  it('has the optional members of its storage, and no others', () => {
    const members = ['take', 'localPath', 'root', 'signedUrl', 'url', 'list', 'volatile'] as const;
    const present = (storage: object) => members.filter((name) => name in storage);
    const all = {
      ...Object.fromEntries(['write', 'read', 'stat', 'delete'].map((name) => [name, async () => undefined])),
      ...{ take: async () => undefined, localPath: (key: string) => `/r/${key}`, root: '/r', volatile: false },
      ...{ signedUrl: async (key: string) => `signed:${key}`, url: (key: string) => `url:${key}` },
      list: async function* () {},
    };
    const folder = (storage: object) => new PrefixedStorage({ storage: storage as never, prefix: 'f' });
    expect(present(folder(all)).sort()).toEqual([...members].sort());
    for (const name of members) {
      expect(present(folder({ ...all, [name]: undefined }))).not.toContain(name);
    }
    expect(folder(all).root).toBe('/r/f');
    expect(folder(all).url!('a b')).toBe('url:f/a b');
  });

  it('neither lists nor deletes the objects of neighbours', async () => {
    const memory = new MemoryStorage();
    const [one, other] = ['t/a', 't/ab'].map((prefix) => new PrefixedStorage({ storage: memory, prefix }));
    for (const key of ['t', 't/0', 't/a', 't/a-', 't/a/x', 't/ab/x', 't/a0', 'z']) await memory.write(key, bytes(1));
    await one!.write('b/c', bytes(1));
    expect(await keysOf(one!)).toEqual(['b/c', 'x']);
    expect(await keysOf(one!, 'b/c')).toEqual(['x']);
    expect(await keysOf(other!)).toEqual(['x']);
    await one!.delete('x');
    expect(await keysOf(other!)).toEqual(['x']);
    expect(memory.keys).toContain('t/a');
  });

  it('has its root where its files are', async () => {
    const folder = new PrefixedStorage({ storage: new DiskStorage({ root: disk.root }), prefix: 'x/y' });
    await folder.write('k', bytes(3));
    expect(folder.root).toBe(path.join(disk.root, 'x/y'));
    expect((await fsp.stat(path.join(folder.root!, 'k'))).size).toBe(3);
  });

  it.each(['', '/', '../x', 'a//b', '/a', '.x'])('refuses the prefix %j', (prefix) => {
    expect(() => new PrefixedStorage({ storage: new MemoryStorage(), prefix })).toThrow(
      expect.objectContaining({ code: 'invalid_option' }) as Error,
    );
  });

  it.each(['', '../a', '/a', 'a//b', 'x'.repeat(255) + '/' + 'y'.repeat(255)])(
    'refuses the key %j in every method',
    async (key) => {
      const memory = new MemoryStorage();
      const folder = new PrefixedStorage({ storage: memory, prefix: 'folder' });
      const invalid = { code: 'invalid_key' };
      await expect(folder.write(key, bytes(1))).rejects.toMatchObject(invalid);
      await expect(folder.read(key)).rejects.toMatchObject(invalid);
      await expect(folder.stat(key)).rejects.toMatchObject(invalid);
      await expect(folder.delete(key)).rejects.toMatchObject(invalid);
      expect(memory.keys).toEqual([]);
    },
  );

  it('passes the failures of its storage on', async () => {
    const failing = new FailingStorage(new MemoryStorage());
    const folder = new PrefixedStorage({ storage: failing, prefix: 'f' });
    failing.outage();
    for (const call of [folder.write('a', bytes(1)), folder.read('a'), folder.stat('a'), folder.delete('a')])
      await expect(call).rejects.toMatchObject({ code: 'storage_failed', context: { key: 'f/a' } });
  });
});

const reachable = await haveS3();

(reachable ? describe : describe.skip)('PrefixedStorage in S3Storage', () => {
  const { client, sockets } = s3Client();
  const bucket = new TestBucket(client);
  beforeAll(() => bucket.create());
  afterAll(() => bucket.remove());
  const make = () =>
    new PrefixedStorage({ storage: new S3Storage({ client, bucket: bucket.name, prefix: 'outer' }), prefix: 'in ner' });
  for (const claim of storageContract(make, { held: sockets })) it(claim.title, claim.run);
});
