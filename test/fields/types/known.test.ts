import { readFileSync } from 'node:fs';
import { supportedMimeTypes } from 'file-type';
import { knownTypes, typeInstead } from '../../../src/fields/types/known.js';

it('docs/types.md lists every type that an upload can get, and no other', () => {
  const [, table = ''] = /^## What is recognised\n\n([^]*?)\n\n/m.exec(readFileSync('docs/types.md', 'utf8')) ?? [];
  const listed = [...table.matchAll(/`([\w.+-]+\/[\w.+-]+)`/g)].map(([, type]) => type!);
  expect(listed.sort()).toEqual([...knownTypes].sort());
});

it('every type of file-type is known, except one that is stored as bytes', () => {
  const types = [...supportedMimeTypes].map((type) => type.split(';', 1)[0]!.toLowerCase());
  expect(types.filter((type) => !knownTypes.has(type))).toEqual(['application/wasm']);
});

it.each(['image/jpg', 'text/javascript', 'text/xml', 'text/x-python', 'application/rss+xml', 'video/x-msvideo'])(
  'the type to write instead of %s is known',
  (type) => expect(knownTypes).toContain(typeInstead(type)),
);
