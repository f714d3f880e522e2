import { readFileSync } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';
import { BlobServiceClient } from '@azure/storage-blob';
import { Storage as Google } from '@google-cloud/storage';
import { DataSource } from 'typeorm';
import type { Storage } from 'filefield';
import { AzureBlobStorage } from 'filefield/storages/azure';
import { CachedStorage } from 'filefield/storages/cached';
import { DiskStorage } from 'filefield/storages/disk';
import { GoogleCloudStorage } from 'filefield/storages/google';
import { MemoryStorage } from 'filefield/storages/memory';
import { MirroredStorage } from 'filefield/storages/mirrored';
import { PrefixedStorage } from 'filefield/storages/prefixed';
import { S3Storage } from 'filefield/storages/s3';
import { databaseStorage } from 'filefield/typeorm';

/** With or without the option `publicUrl`. */
interface Public {
  readonly publicUrl?: string;
}
const client = new S3Client({ region: 'eu-central-1' });
const container = new BlobServiceClient('https://account.blob.core.windows.net').getContainerClient('c');
const bucket = new Google({ projectId: 'p' }).bucket('b');
const dataSource = new DataSource({ type: 'sqlite', database: ':memory:' });
const disk = () => new DiskStorage({ root: '/srv/files' });
const s3 = (options: Public = {}) => new S3Storage({ client, bucket: 'b', ...options });

/** The storages of the table; a new column needs a line here. */
const storages: Readonly<Record<string, (options?: Public) => Storage>> = {
  disk,
  memory: () => new MemoryStorage(),
  S3: s3,
  Azure: (options) => new AzureBlobStorage({ container, ...options }),
  Google: (options) => new GoogleCloudStorage({ bucket, ...options }),
  database: () => databaseStorage(dataSource),
};
const publicUrl = 'https://files.example';
beforeAll(() => dataSource.initialize());
afterAll(() => dataSource.destroy());

/** Storages that have the abilities of others. */
const wrappers: Readonly<Record<string, (storage: Storage, other: Storage) => Storage>> = {
  prefixed: (storage) => new PrefixedStorage({ storage, prefix: 'p' }),
  mirrored: (storage, other) => new MirroredStorage([storage, other]),
  cached: (storage) => new CachedStorage({ storage, root: 'var/cache', maxSize: '1 GB' }),
};

/** The rows of the table at the top of the page, by column. */
const [header = [], , ...rows] = readFileSync('docs/storages.md', 'utf8')
  .split('<!-- abilities -->')[1]!
  .trim()
  .split('\n\n')[0]!
  .split('\n')
  .map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
/** The cells of a row that is about members of the interface. */
const members = rows.flatMap(([ability = '', ...cells]) =>
  [...ability.matchAll(/`(\w+)`/g)].map(([, name = '']) => [name as keyof Storage, cells] as const),
);

/** Whether a storage has a member that counts: `volatile: false` is the same as none. */
const has = (storage: Storage, name: keyof Storage) => storage[name] !== undefined && storage[name] !== false;

describe('the table of abilities', () => {
  it('has a column for each storage, and a row for each optional member', () => {
    expect(header.slice(1)).toEqual([...Object.keys(storages), ...Object.keys(wrappers)]);
    const names = members.map(([name]) => name);
    expect(names).toEqual(['take', 'localPath', 'root', 'signedUrl', 'url', 'list', 'volatile']);
  });

  it.each(Object.keys(storages))('says of %s what the storage has', (column) => {
    const index = header.indexOf(column) - 1;
    for (const [name, cells] of members) {
      const cell = cells[index]!;
      // "with …" means that an option is needed.
      expect({ name, has: has(storages[column]!(), name) }).toEqual({ name, has: cell.startsWith('✓') });
      if (cell.startsWith('with')) expect(has(storages[column]!({ publicUrl }), name)).toBe(true);
    }
  });

  it.each(Object.keys(wrappers))('says of %s what it has of its storages', (column) => {
    const index = header.indexOf(column) - 1;
    const wrap = wrappers[column]!;
    const plain = new MemoryStorage();
    for (const inner of [disk(), new MemoryStorage(), s3({ publicUrl })]) {
      for (const [name, cells] of members) {
        const expected = {
          '–': false,
          'as its storage': has(inner, name),
          'as its first storage': has(inner, name),
          // Memory is volatile and lists, so the other storage decides.
          'if all storages list': has(inner, name),
          'if all storages are': has(inner, name),
        }[cells[index]!];
        expect({ name, has: has(wrap(inner, plain), name) }).toEqual({ name, has: expected });
      }
    }
  });
});
