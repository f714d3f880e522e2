import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { PrefixedStorage } from 'filefield/storages/prefixed';
import { placesOf, type AdoptSource } from '../../src/fields/adopt-source.js';
import type { Storage } from '../../src/file/storage.js';

interface Row {
  readonly text: string | null | undefined;
}

const textOf = (row: object) => (row as Row).text;

/** The key of each text, or the reason why it has none. */
async function placesIn(storage: Storage, source: AdoptSource<object>, texts: readonly Row['text'][]) {
  const placeOf = await placesOf(source, storage, 'uploads');
  return texts.map((text) => {
    const place = placeOf({ text });
    if (!place) return undefined;
    if ('key' in place) return place.key;
    expect(place.given).toBe(text);
    return { reason: place.reason };
  });
}

const outside = { reason: expect.stringContaining('leads out of the folder') as string };
const elsewhere = { reason: expect.stringContaining('does not begin with the base') as string };
const key = (words: string) => ({ reason: `A storage key ${words}.` });

describe('the path of a row that adopts', () => {
  let top: string;
  let root: string;
  beforeAll(() => {
    top = mkdtempSync(path.join(tmpdir(), 'filefield-places-'));
    root = path.join(top, 'uploads');
    mkdirSync(root);
    symlinkSync('uploads', path.join(top, 'link'));
  });
  afterAll(() => rmSync(top, { recursive: true }));

  const places = (folder: string, ...texts: Row['text'][]) =>
    placesIn(new DiskStorage({ root: folder }), { path: textOf }, texts);

  it('becomes the key below the folder of the storage, as it is', async () => {
    expect(await places(root, `${root}/a b.txt`, `${root}/2019/x/../%20.pdf`, `${root}//c`, null, undefined)).toEqual([
      'a b.txt',
      '2019/%20.pdf',
      'c',
      undefined,
      undefined,
    ]);
  });

  it('begins in the working directory if it is relative', async () => {
    const relative = path.relative(process.cwd(), root);
    expect(await places(root, `${relative}/8f3a`, `./${relative}/8f3a`)).toEqual(['8f3a', '8f3a']);
    expect(await places(path.resolve('uploads'), 'uploads/8f3a', '8f3a')).toEqual(['8f3a', outside]);
  });

  it('may go through the folder to which the folder of the storage is a link, and no other way', async () => {
    expect(await places(path.join(top, 'link'), `${top}/link/a`, `${root}/a`)).toEqual(['a', 'a']);
    expect(await places(root, `${top}/link/a`)).toEqual([outside]);
  });

  it('leads to no key outside of the folder, or where a storage can have none', async () => {
    const texts = ['/etc/passwd', root, `${root}/../secret`, `${root}-2/a`, '', `${root}/.env`, `${root}/a\\b`];
    expect(await places(root, ...texts)).toEqual([
      ...Array.from({ length: 5 }, () => outside),
      key('must not have segments that start with a dot'),
      key('must not contain control characters or a backslash'),
    ]);
  });

  it('is below the folder of a prefix', async () => {
    const storage = new PrefixedStorage({ storage: new DiskStorage({ root }), prefix: 'photos' });
    expect(await placesIn(storage, { path: textOf }, [`${root}/photos/a`, `${root}/a`])).toEqual(['a', outside]);
  });

  it('is refused for a storage without a folder', async () => {
    await expect(placesIn(new MemoryStorage(), { path: textOf }, [])).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('"uploads" is no folder') as string,
    });
  });
});

describe('the URL of a row that adopts', () => {
  const base = 'https://cdn.example.org/up%20loads/';
  const places = (start: string, ...texts: Row['text'][]) =>
    placesIn(new MemoryStorage(), { url: textOf, base: start }, texts);

  it('becomes the decoded key behind the base, without query and fragment', async () => {
    const texts = [`${base}2019/a%20b.txt?v=2#page`, `${base}100%25+1.txt`, 'https://CDN.example.org/up loads/é', null];
    expect(await places(base, ...texts)).toEqual(['2019/a b.txt', '100%+1.txt', 'é', undefined]);
    expect(await places(base.slice(0, -1), `${base}a`, `${base.slice(0, -1)}2/a`)).toEqual(['a', elsewhere]);
  });

  it('may be of http or https, begin with the host or the path, or be relative to the base', async () => {
    const texts = [
      'http://cdn.example.org/up%20loads/a',
      '//cdn.example.org/up%20loads/a',
      '/up%20loads/a',
      'a',
      './a',
    ];
    expect(await places(base, ...texts)).toEqual(texts.map(() => 'a'));
    expect(await places('s3://bucket/photos', 's3://bucket/photos/a b', 's3://another/photos/a')).toEqual([
      'a b',
      elsewhere,
    ]);
  });

  it('leads to no key on another host, below another folder, or where it is none', async () => {
    const texts = [
      ...['https://example.org/up%20loads/a', 'https://cdn.example.org:8443/up%20loads/a', `${base}../a`, '/a'],
      ...[`${base}%E0%A4`, 'https://', 'ftp://cdn.example.org/up%20loads/a'],
    ];
    expect(await places(base, ...texts)).toEqual(texts.map(() => elsewhere));
    expect(await places(base, base, `${base}a//b`, `${base}%2e%2e%2fa`)).toEqual([
      key('must not be empty'),
      key('must not have empty segments'),
      key('must not have segments that start with a dot'),
    ]);
  });

  it('begins with the public address of the storage unless there is a base', async () => {
    const storage = Object.assign(new MemoryStorage(), { url: (text: string) => `https://bucket.example.org/${text}` });
    const texts = ['https://bucket.example.org/a', `${base}a`];
    expect(await placesIn(storage, { url: textOf }, texts)).toEqual(['a', elsewhere]);
    expect(await placesIn(storage, { url: textOf, base }, texts)).toEqual([elsewhere, 'a']);
    const prefixed = new PrefixedStorage({ storage, prefix: 'photos' });
    expect(await placesIn(prefixed, { url: textOf }, ['https://bucket.example.org/photos/a'])).toEqual(['a']);
  });

  it('is refused without a base that is a URL', async () => {
    const signed = Object.assign(new MemoryStorage(), { url: (text: string) => `https://example.org/${text}?signed` });
    for (const storage of [new MemoryStorage(), signed]) {
      await expect(placesIn(storage, { url: textOf }, [])).rejects.toMatchObject({
        code: 'invalid_option',
        message: expect.stringContaining('give the option "base"') as string,
      });
    }
    await expect(places('/uploads/')).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('it is "/uploads/"') as string,
    });
  });
});

describe('the source of an adoption', () => {
  it.each([
    ['none', {}],
    ['two', { key: textOf, path: textOf }],
    ['one that is no function', { key: 'path' }],
  ])('is refused if there is %s', async (_, source) => {
    await expect(placesIn(new MemoryStorage(), source as AdoptSource<object>, [])).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('exactly one of') as string,
    });
  });

  it('ignores an option that is undefined', async () => {
    const source = { key: textOf, path: undefined } as unknown as AdoptSource<object>;
    expect(await placesIn(new MemoryStorage(), source, ['a', '/a'])).toEqual([
      'a',
      key('must not have empty segments'),
    ]);
  });
});
