import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import path from 'node:path';
import {
  deliveryRules,
  storageFile,
  virtualFile,
  xAccelRedirect,
  xSendfile,
  type DeliveryRule,
  type FileSource,
} from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { ask, fileIn, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const all = xAccelRedirect({ [folder]: '/_all' });
const other = xAccelRedirect({ [folder]: '/_other' });

async function placeOf(rules: readonly DeliveryRule[], file: FileSource, url = '/x'): Promise<string> {
  const answer = await ask(deliveryRules(rules, { explain: true }), file, { url });
  answer.close();
  const { 'x-accel-redirect': place, 'x-sendfile': path, 'x-filefield-delivery': said } = answer.headers;
  return place ?? path ?? said ?? '';
}

describe('deliveryRules', () => {
  it('lets the first rule decide that fits', async () => {
    const rules = [{ directory: path.join(folder, 'a'), delivery: other }, { delivery: all }];
    expect(await placeOf(rules, fileIn(folder, 'a/b'))).toBe('/_other/a/b');
    expect(await placeOf(rules, fileIn(folder, 'ab'))).toBe('/_all/ab');
  });

  it('looks for a file once, however many folders are asked about', async () => {
    let looks = 0;
    const found = fileIn(folder, 'z/x');
    const file: FileSource = { ...found, locate: () => ((looks += 1), found.locate!()) };
    const rules = ['a', 'b', 'z'].map((name) => ({ directory: path.join(folder, name), delivery: 'none' as const }));
    expect(await placeOf(rules, file)).toBe('streamed; reason=none');
    expect(looks).toBe(1);
  });

  it('stays with the rule that fits though its delivery cannot hand over', async () => {
    const nothing = xAccelRedirect({ '/elsewhere': '/_x' }, { explain: true });
    const rules = [{ directory: path.join(folder, 'a'), delivery: nothing }, { delivery: all }];
    expect(await placeOf(rules, fileIn(folder, 'a/b'))).toBe('streamed; reason=no_place');
  });

  it('may choose another server, or none', async () => {
    const rules = [
      { directory: path.join(folder, 'none'), delivery: 'none' as const },
      { directory: path.join(folder, 'sent'), delivery: xSendfile({ [folder]: '/srv' }, { server: 'apache' }) },
      { delivery: all },
    ];
    expect(await placeOf(rules, fileIn(folder, 'none/a'))).toBe('streamed; reason=none');
    expect(await placeOf(rules, fileIn(folder, 'sent/a'))).toBe('/srv/sent/a');
  });

  it('knows the files of a storage', async () => {
    const storage = new DiskStorage({ root: path.join(folder, 'kept') });
    fileIn(folder, 'kept/key');
    const rules = [{ storage, delivery: other }, { delivery: all }];
    expect(await placeOf(rules, storageFile(storage, 'key'))).toBe('/_other/kept/key');
    expect(await placeOf(rules, fileIn(folder, 'kept/key'))).toBe('/_all/kept/key');
  });

  it.each([
    ['/documents', true],
    ['/documents/', true],
    ['/documents/7/file?x=/other', true],
    ['//documents/7', true],
    ['/docu%6Dents/7', true],
    ['/documents-old/7', false],
    ['/Documents', false],
    ['/x/documents', false],
    ['/x?/documents', false],
    ['/documents/../x', false],
    ['/documents%2F7', false],
    ['/documents/%', false],
    ['/', false],
  ])('takes %s for a request below /documents: %s', async (url, fits) => {
    const rules = [{ url: '/documents/', delivery: other }, { delivery: all }];
    expect(await placeOf(rules, fileIn(folder, 'f'), url)).toBe(fits ? '/_other/f' : '/_all/f');
  });

  it('wants everything that a rule gives', async () => {
    const rules = [{ url: '/a', directory: path.join(folder, 'a'), delivery: other }];
    expect(await placeOf(rules, fileIn(folder, 'a/x'), '/a/x')).toBe('/_other/a/x');
    expect(await placeOf(rules, fileIn(folder, 'a/x'), '/b/x')).toBe('streamed; reason=no_rule');
    expect(await placeOf(rules, fileIn(folder, 'b/x'), '/a/x')).toBe('streamed; reason=no_rule');
    expect(await placeOf(rules, virtualFile({ name: 'v', content: '' }), '/a/x')).toBe('streamed; reason=no_rule');
  });

  it.each<[string, readonly DeliveryRule[], RegExp]>([
    ['no rule', [], /at least one/],
    ['a folder that depends on where the program was started', [{ directory: 'var', delivery: all }], /absolute/],
    ['a URL that is no path', [{ url: 'documents', delivery: all }], /slash/],
    ['a query', [{ url: '/a?b', delivery: all }], /without query/],
    ['dot segments', [{ url: '/a/../b', delivery: all }], /dot segments/],
    ['a rule without a delivery', [{ url: '/a', delivery: undefined as never }], /no "delivery"/],
    ['a rule behind one for everything', [{ delivery: all }, { url: '/a', delivery: other }], /never reached/],
    [
      'a folder behind one that holds it',
      [
        { directory: '/a', delivery: all },
        { directory: '/a/b', delivery: other },
      ],
      /never/,
    ],
    [
      'a URL behind a shorter one',
      [
        { url: '/a', delivery: all },
        { url: '/a/b', delivery: other },
      ],
      /Rule 2 is never/,
    ],
  ])('refuses %s at start-up', (_what, rules, why) => expect(() => deliveryRules(rules)).toThrow(why));

  it('does not take /a for the start of /ab', () => {
    expect(() =>
      deliveryRules([
        { url: '/a', delivery: all },
        { url: '/ab', delivery: other },
      ]),
    ).not.toThrow();
    expect(() =>
      deliveryRules([
        { directory: '/a', delivery: all },
        { directory: '/ab', delivery: other },
      ]),
    ).not.toThrow();
  });
});

it('tells those who listen what became of each download', async () => {
  const told: unknown[] = [];
  const listen = (event: unknown) => told.push(event);
  subscribe('filefield:delivery', listen);
  await ask(all, fileIn(folder, 'f'), { url: '/7' });
  (await ask(all, virtualFile({ name: 'v', content: 'x' }), { url: '/8' })).close();
  unsubscribe('filefield:delivery', listen);
  expect(told).toEqual([
    { delivery: 'nginx', outcome: 'handed_over', reason: undefined, method: 'GET', url: '/7', name: 'f' },
    { delivery: 'nginx', outcome: 'streamed', reason: 'no_path', method: 'GET', url: '/8', name: 'v' },
  ]);
});
