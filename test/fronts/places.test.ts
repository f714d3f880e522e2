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
  ])('maps %s to the prefix %s', (file, prefix, segments) => expect(map(file)).toEqual({ prefix, segments }));

  it.each([
    '/srv/files-evil/a.txt',
    '/srv/files',
    '/srv/files/',
    '/srv/filesa',
    '/srv/files/../secret',
    '/srv',
    '/etc/passwd',
  ])('maps %s to undefined', (file) => expect(map(file)).toBeUndefined());

  it('accepts the root as the prefix of a single folder', () => {
    expect(mapPaths({ '/srv': '/' }, 'uri')('/srv/a')).toEqual({ prefix: '', segments: ['a'] });
  });

  it('accepts folders of a disk that contain each other', () => {
    const map = mapPaths({ '/srv/a': '/mnt/a', '/srv': '/mnt' }, 'disk');
    expect(map('/srv/a/x')?.prefix).toBe('/mnt/a');
    expect(map('/srv/b/x')?.prefix).toBe('/mnt');
  });

  it('has a place for each storage with a folder: its name as a URI, its folder as a path on the disk', () => {
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
    ['a prefix without a slash', { '/srv': 'files' }, 'slash'],
    ['an empty mapping', {}, 'at least one folder'],
    ['one prefix for two folders', { '/srv/a': '/_files', '/srv/b': '/_files/' }, 'overlap'],
    ['a prefix below another', { '/srv/a': '/_files', '/srv/b': '/_files/b' }, 'overlap'],
    ['a prefix above all others', { '/srv/a': '/_files', '/srv/b': '/' }, 'overlap'],
    ['a folder below an earlier one', { '/srv': '/_files', '/srv/deep': '/_deep' }, 'never reached'],
    ['a folder twice', { '/srv': '/_files', '/srv/': '/_deep' }, 'never reached'],
    ['a prefix with dot segments', { '/srv': '/_files/../etc' }, 'dot segments'],
    ['a prefix with a line break', { '/srv': '/_files\nX-Other: 1' }, 'control characters'],
    ['a registry without a folder', new StorageRegistry({ cache: new MemoryStorage() }), 'at least one folder'],
  ])('throws invalid_option for %s', (_fault, folders, message) => {
    expect(() => mapPaths(folders, 'uri')).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(message) }),
    );
  });
});
