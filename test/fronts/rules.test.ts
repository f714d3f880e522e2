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

async function sentBy(rules: readonly DeliveryRule[], file: FileSource, url = '/x'): Promise<string> {
  const answer = await ask(deliveryRules(rules, { explain: true }), file, { url });
  answer.close();
  const { 'x-accel-redirect': uri, 'x-sendfile': path, 'x-filefield-delivery': reason } = answer.headers;
  return uri ?? path ?? reason ?? '';
}

describe('deliveryRules', () => {
  it('uses the delivery of the first rule that matches', async () => {
    const rules = [{ directory: path.join(folder, 'a'), delivery: other }, { delivery: all }];
    expect(await sentBy(rules, fileIn(folder, 'a/b'))).toBe('/_other/a/b');
    expect(await sentBy(rules, fileIn(folder, 'ab'))).toBe('/_all/ab');
  });

  it('locates a file once for several rules with a directory', async () => {
    let lookups = 0;
    const local = fileIn(folder, 'z/x');
    const file: FileSource = { ...local, locate: () => ((lookups += 1), local.locate!()) };
    const rules = ['a', 'b', 'z'].map((name) => ({ directory: path.join(folder, name), delivery: 'none' as const }));
    expect(await sentBy(rules, file)).toBe('streamed; reason=none');
    expect(lookups).toBe(1);
  });

  it('tries no further rule when the delivery of the first match streams', async () => {
    const nothing = xAccelRedirect({ '/elsewhere': '/_x' }, { explain: true });
    const rules = [{ directory: path.join(folder, 'a'), delivery: nothing }, { delivery: all }];
    expect(await sentBy(rules, fileIn(folder, 'a/b'))).toBe('streamed; reason=no_place');
  });

  it('chooses between servers and none', async () => {
    const rules = [
      { directory: path.join(folder, 'none'), delivery: 'none' as const },
      { directory: path.join(folder, 'sent'), delivery: xSendfile({ [folder]: '/srv' }, { server: 'apache' }) },
      { delivery: all },
    ];
    expect(await sentBy(rules, fileIn(folder, 'none/a'))).toBe('streamed; reason=none');
    expect(await sentBy(rules, fileIn(folder, 'sent/a'))).toBe('/srv/sent/a');
  });

  it('matches the files of a storage', async () => {
    const storage = new DiskStorage({ root: path.join(folder, 'kept') });
    fileIn(folder, 'kept/key');
    const rules = [{ storage, delivery: other }, { delivery: all }];
    expect(await sentBy(rules, storageFile(storage, 'key'))).toBe('/_other/kept/key');
    expect(await sentBy(rules, fileIn(folder, 'kept/key'))).toBe('/_all/kept/key');
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
  ])('matches the URL %s with the rule /documents/: %s', async (url, matches) => {
    const rules = [{ url: '/documents/', delivery: other }, { delivery: all }];
    expect(await sentBy(rules, fileIn(folder, 'f'), url)).toBe(matches ? '/_other/f' : '/_all/f');
  });

  it('matches only if all conditions of a rule are true', async () => {
    const rules = [{ url: '/a', directory: path.join(folder, 'a'), delivery: other }];
    expect(await sentBy(rules, fileIn(folder, 'a/x'), '/a/x')).toBe('/_other/a/x');
    expect(await sentBy(rules, fileIn(folder, 'a/x'), '/b/x')).toBe('streamed; reason=no_rule');
    expect(await sentBy(rules, fileIn(folder, 'b/x'), '/a/x')).toBe('streamed; reason=no_rule');
    expect(await sentBy(rules, virtualFile({ name: 'v', content: '' }), '/a/x')).toBe('streamed; reason=no_rule');
  });

  it.each<[string, readonly DeliveryRule[], RegExp]>([
    ['no rule', [], /at least one/],
    ['a relative directory', [{ directory: 'var', delivery: all }], /absolute/],
    ['a URL without a slash', [{ url: 'documents', delivery: all }], /slash/],
    ['a URL with a query', [{ url: '/a?b', delivery: all }], /without query/],
    ['a URL with dot segments', [{ url: '/a/../b', delivery: all }], /dot segments/],
    ['a rule without a delivery', [{ url: '/a', delivery: undefined as never }], /no "delivery"/],
    ['a rule after one that matches all', [{ delivery: all }, { url: '/a', delivery: other }], /never reached/],
    [
      'a directory after one that contains it',
      [
        { directory: '/a', delivery: all },
        { directory: '/a/b', delivery: other },
      ],
      /never/,
    ],
    [
      'a URL after a shorter one',
      [
        { url: '/a', delivery: all },
        { url: '/a/b', delivery: other },
      ],
      /Rule 2 is never/,
    ],
  ])('throws invalid_option for %s', (_fault, rules, message) => {
    expect(() => deliveryRules(rules)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
    );
  });

  it('accepts /ab after /a', () => {
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

it('publishes each decision on the channel filefield:delivery', async () => {
  const events: unknown[] = [];
  const listen = (event: unknown) => events.push(event);
  subscribe('filefield:delivery', listen);
  await ask(all, fileIn(folder, 'f'), { url: '/7' });
  (await ask(all, virtualFile({ name: 'v', content: 'x' }), { url: '/8' })).close();
  unsubscribe('filefield:delivery', listen);
  expect(events).toEqual([
    { delivery: 'nginx', outcome: 'handed_over', reason: undefined, method: 'GET', url: '/7', name: 'f' },
    { delivery: 'nginx', outcome: 'streamed', reason: 'no_path', method: 'GET', url: '/8', name: 'v' },
  ]);
});
