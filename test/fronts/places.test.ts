import path from 'node:path';
import { StorageRegistry, storagePlaces } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { mapPaths } from '../../src/fronts/places.js';

describe('mapPaths', () => {
  const map = mapPaths({ '/srv/files/deep/': '/_deep/', '/srv/files': '/_files', '/var/x/../y': '/_y/z' }, 'uri');

  it.each([
    ['/srv/files/a.txt', '/_files', ['a.txt']],
    ['/srv/files/b/c/a.txt', '/_files', ['b', 'c', 'a.txt']],
    ['/srv/files/./b//a.txt', '/_files', ['b', 'a.txt']],
    ['/srv/files/deep/a.txt', '/_deep', ['a.txt']],
    ['/srv/files/deeper/a.txt', '/_files', ['deeper', 'a.txt']],
    ['/srv/files/..a', '/_files', ['..a']],
    ['/var/y/a', '/_y/z', ['a']],
  ])('finds %s at %s', (file, prefix, segments) => expect(map(file)).toEqual({ prefix, segments }));

  it.each([
    '/srv/files-evil/a.txt',
    '/srv/files',
    '/srv/files/',
    '/srv/filesa',
    '/srv/files/../secret',
    '/srv',
    '/etc/passwd',
  ])('finds %s nowhere', (file) => expect(map(file)).toBeUndefined());

  it('may have the root of the server for one folder, and folders that hold each other as they do here', () => {
    expect(mapPaths({ '/srv': '/' }, 'uri')('/srv/a')).toEqual({ prefix: '', segments: ['a'] });
    const folders = mapPaths({ '/srv/a': '/mnt/a', '/srv': '/mnt' }, 'disk');
    expect([folders('/srv/a/x')?.prefix, folders('/srv/b/x')?.prefix]).toEqual(['/mnt/a', '/mnt']);
  });

  it('has a place for each storage with a folder: under its name for servers that are told URLs, else the folder', () => {
    const storages = new StorageRegistry({
      documents: new DiskStorage({ root: 'var/documents' }),
      cache: new MemoryStorage(),
      photos: new DiskStorage({ root: '/srv/photos' }),
    });
    const documents = path.resolve('var/documents');
    expect(storagePlaces(storages)).toEqual([
      { folder: documents, prefix: '/_filefield/documents' },
      { folder: '/srv/photos', prefix: '/_filefield/photos' },
    ]);
    expect(mapPaths(storages, 'uri')('/srv/photos/a')?.prefix).toBe('/_filefield/photos');
    expect(mapPaths(storages, 'disk')(`${documents}/a`)?.prefix).toBe(documents);
  });

  it.each([
    ['a place without a slash', { '/srv': 'files' }, 'slash'],
    ['nothing at all', {}, 'at least one'],
    ['one place for two folders', { '/srv/a': '/_files', '/srv/b': '/_files/' }, 'a place of its own'],
    ['a place within another', { '/srv/a': '/_files', '/srv/b': '/_files/b' }, 'a place of its own'],
    ['a place that holds all others', { '/srv/a': '/_files', '/srv/b': '/' }, 'a place of its own'],
    ['a folder within an earlier one', { '/srv': '/_files', '/srv/deep': '/_deep' }, 'never reached'],
    ['a folder twice', { '/srv': '/_files', '/srv/': '/_deep' }, 'never reached'],
    ['a place with dot segments', { '/srv': '/_files/../etc' }, 'dot segments'],
    ['a place with a line break', { '/srv': '/_files\nX-Other: 1' }, 'control characters'],
    ['a registry without a folder', new StorageRegistry({ cache: new MemoryStorage() }), 'at least one'],
  ])('refuses %s at start-up', (_what, places, why) => {
    expect(() => mapPaths(places, 'uri')).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(why) }),
    );
  });
});
