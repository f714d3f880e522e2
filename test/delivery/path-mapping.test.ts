import { mapPaths } from '../../src/delivery/path-mapping.js';

describe('mapPaths', () => {
  const map = mapPaths({ '/srv/files': '/_files', '/srv/files/deep/': '/_deep/', '/var/x/../y': '/' });

  it.each([
    ['/srv/files/a.txt', '/_files', ['a.txt']],
    ['/srv/files/b/c/a.txt', '/_files', ['b', 'c', 'a.txt']],
    ['/srv/files/./b//a.txt', '/_files', ['b', 'a.txt']],
    ['/srv/files/deep/a.txt', '/_deep', ['a.txt']],
    ['/srv/files/deeper/a.txt', '/_files', ['deeper', 'a.txt']],
    ['/srv/files/..a', '/_files', ['..a']],
    ['/var/y/a', '', ['a']],
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

  it('refuses at start-up what cannot work', () => {
    expect(() => mapPaths({ '/srv': 'files' })).toThrow(/slash/);
    expect(() => mapPaths({})).toThrow(/at least one/);
  });
});
