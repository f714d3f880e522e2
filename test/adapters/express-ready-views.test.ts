import { writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import express, { type Express, type Request } from 'express';
import express4 from 'express-4';
import { StorageRegistry } from 'filefield';
import {
  fileErrors,
  httpDownloadView,
  pathDownloadView,
  sendFile,
  storageDownloadView,
  virtualDownloadView,
} from 'filefield/express';
import { expectDownload, temporaryStorage, type TemporaryStorage } from 'filefield/testing';
import { serve, type RunningServer } from './server.js';

let exports: TemporaryStorage;
let running: RunningServer | undefined;

beforeAll(async () => {
  exports = await temporaryStorage();
  await exports.write('2026/a.csv', Readable.from([Buffer.from('id\n')]));
  writeFileSync(path.join(exports.root, 'manual.pdf'), '%PDF');
});
afterAll(() => exports.remove());
afterEach(() => running?.close());

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
] as [string, () => Express][])('the ready-made views of %s', (_version, make) => {
  const start = async (mount: (app: Express) => void) => {
    const app = make();
    mount(app);
    app.use(fileErrors());
    running = await serve(app as unknown as RequestListener);
    const { port } = running;
    return (place: string, headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${port}${place}`, { headers });
  };

  it('serve objects of a storage by a route parameter', async () => {
    const storages = new StorageRegistry({ exports });
    const get = await start((app) => {
      const name = (request: Request) => request.params.name as string;
      app.get('/exports/:name', storageDownloadView(storages.get('exports'), { name, anyEncoding: true }));
      app.get('/strict/:name', storageDownloadView(storages.get('exports'), { name }));
    });
    expect((await get('/strict/2026%2Fa.csv')).status).toBe(404);
    await expectDownload(await get('/exports/2026%2Fa.csv'), { name: 'a.csv', text: 'id\n', type: 'text/csv' });
    expect((await get('/exports/..%2Fa.csv')).status).toBe(404);
    expect(await (await get('/exports/nope')).json()).toEqual({
      statusCode: 404,
      error: 'Not Found',
      code: 'not_found',
      message: 'Not Found',
    });
  });

  it('serve a file of a folder, of another server, and generated content', async () => {
    const get = await start((app) => {
      app.get('/manual.pdf', pathDownloadView({ root: exports.root, path: 'manual.pdf', disposition: 'inline' }));
      app.get(
        '/mirror',
        httpDownloadView({ url: () => `http://127.0.0.1:${running!.port}/manual.pdf`, allowPrivate: true }),
      );
      app.get(
        '/report.csv',
        virtualDownloadView((req: Request) => ({ name: 'report.csv', content: [req.path, '\n'] })),
      );
    });
    const expected = { name: 'manual.pdf', type: 'application/pdf', text: '%PDF' };
    await expectDownload(await get('/manual.pdf'), { ...expected, disposition: 'inline' });
    await expectDownload(await get('/mirror'), { ...expected, disposition: 'attachment' });
    await expectDownload(await get('/mirror', { range: 'bytes=1-2' }), { text: 'PD', range: '1-2/4' });
    await expectDownload(await get('/report.csv'), { name: 'report.csv', text: '/report.csv\n' });
  });

  it('report each failure once with the original error', async () => {
    const reports: unknown[] = [];
    const onError = (error: unknown, request: Request) => reports.push([error, request.path]);
    const get = await start((app) => {
      app.get(
        '/broken',
        virtualDownloadView(() => Promise.reject(new Error('a secret')), { onError }),
      );
      app.get('/gone', (req) => sendFile(req, 'nope', { root: exports.root, onError }));
    });
    expect({ broken: (await get('/broken')).status, gone: (await get('/gone')).status }).toEqual({
      broken: 500,
      gone: 404,
    });
    expect(reports).toEqual([
      [expect.objectContaining({ message: 'a secret' }), '/broken'],
      [expect.objectContaining({ code: 'not_found' }), '/gone'],
    ]);
  });

  it('send one file with sendFile, below a root or by its path', async () => {
    const get = await start((app) => {
      app.get('/rooted', (req) =>
        sendFile(req, String(req.query.file), { root: exports.root, cacheControl: 'immutable' }),
      );
      app.get('/own', (req) => sendFile(req, path.join(exports.root, 'manual.pdf'), { fileName: 'x.pdf' }));
    });
    await expectDownload(await get('/rooted?file=manual.pdf'), {
      text: '%PDF',
      headers: { 'cache-control': /immutable/ },
    });
    expect((await get('/rooted?file=../../etc/passwd')).status).toBe(404);
    await expectDownload(await get('/own', { range: 'bytes=0-0' }), { name: 'x.pdf', text: '%', range: '0-0/4' });
  });
});
