import { jest } from '@jest/globals';
import express from 'express';
import express4 from 'express-4';
import type { RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import { objectView, StorageRegistry, StoredFile, type ObjectFinder, type ObjectViewOptions } from 'filefield';
import { objectDownloadView } from 'filefield/express';
import { MemoryStorage } from 'filefield/storages/memory';
import { expectDownload, runView } from 'filefield/testing';
import { askServer, serve } from '../adapters/server.js';

class Row {
  slug = '';
  file: StoredFile | null = null;
}

const storage = new MemoryStorage();
const storages = new StorageRegistry({ s: storage });
await storage.write('a/b', Readable.from([Buffer.from('alert(1)')]));

/** Finds a row for each slug but `none`, with a file of this type and name. */
function finder(type: string | undefined, name: string): ObjectFinder {
  return {
    findObject: async (_entity: unknown, where: { slug?: unknown }) => {
      if (where.slug === 'none') return null;
      const descriptor = { v: 1, id: 'id-1', storage: 's', key: 'a/b', name, size: 8, type } as const;
      const file = StoredFile.of(descriptor as never, { storages, onMissing: () => undefined });
      return Object.assign(new Row(), { slug: where.slug, file });
    },
    checkFileField: () => undefined,
    primaryKey: () => 'id',
    columnKind: () => 'text',
  } as ObjectFinder;
}
const options: ObjectViewOptions<Row, unknown> = { field: 'file', slugField: 'slug' };

describe('a file field with JavaScript or a style sheet', () => {
  const get = (type: string | undefined, name: string, more: Partial<ObjectViewOptions<Row, unknown>> = {}) =>
    runView(objectView(finder(type, name), Row, { ...options, ...more }), { params: { slug: 'a' } });

  it.each([
    ['text/javascript', 'a.js'],
    ['application/javascript', 'a.png'],
    ['application/x-javascript', 'a.js'],
    ['text/css', 'a.css'],
    ['text/css', 'a'],
  ])('of the type %s and the name %s is served as plain text', async (type, name) => {
    await expectDownload(await get(type, name), { type: 'text/plain', name, text: 'alert(1)' });
    const inline = await get(type, name, { disposition: 'inline' });
    await expectDownload(inline, { type: 'text/plain' });
  });

  it('is served as such if the view names the type', async () => {
    const result = await get('text/plain', 'a.js', { contentType: 'text/javascript' });
    await expectDownload(result, { type: 'text/javascript', disposition: 'attachment' });
  });
});

describe.each([
  ['Express 5', express, '/m/*slug', '/optional{/:slug}'],
  ['Express 4', express4, undefined, '/optional/:slug?'],
] as const)('%s', (_version, make, wildcard, optional) => {
  it('finds a row by the segments of a wildcard, and none for an optional parameter that is absent', async () => {
    const app = make();
    const view = objectDownloadView(finder('text/plain', 'a.txt'), Row, {
      ...options,
      fileName: (_request, row) => `${row.slug.replaceAll('/', '-')}.txt`,
    });
    if (wildcard) app.get(wildcard, view);
    app.get(optional, view);
    app.get('/wrong/:other', view);
    app.set('env', 'test');
    jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const server = await serve(app as unknown as RequestListener);
    const get = async (path: string) => {
      const { status, headers } = await askServer(server.port, { path });
      return [status, headers['content-disposition']];
    };
    if (wildcard) {
      expect(await get('/m/a/b')).toEqual([200, 'attachment; filename=a-b.txt']);
      // A guard on /m/a has not seen it.
      expect(await get('/m/a%2Fb')).toEqual([404, undefined]);
    }
    expect(await get('/optional/a')).toEqual([200, 'attachment; filename=a.txt']);
    expect(await get('/optional/none')).toEqual([404, undefined]);
    expect(await get('/optional')).toEqual([404, undefined]);
    expect(await get('/wrong/a')).toEqual([500, undefined]);
    await server.close();
    jest.restoreAllMocks();
  });
});
