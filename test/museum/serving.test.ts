import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express, { type Express } from 'express';
import { virtualFile, xAccelRedirect, downloadView } from 'filefield';
import {
  fileErrors,
  httpDownloadView,
  objectDownloadView,
  pathDownloadView,
  toExpress,
  virtualDownloadView,
} from 'filefield/express';
import { askServer, head, serve, talk, until, type Asked, type Reply, type RunningServer } from '../adapters/server.js';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { accident } from './accidents.js';
import { inHall } from './halls.js';
import { Exhibit, openTypeormHall } from './typeorm-hall.js';

const MiB = 1024 * 1024;
const base = mkdtempSync(path.join(tmpdir(), 'museum-serving-'));
const root = path.join(base, 'static');
const large = path.join(root, 'large.bin');

let running: RunningServer;
let internalRequests = 0;

beforeAll(async () => {
  mkdirSync(path.join(root, 'admin'), { recursive: true });
  mkdirSync(`${root}-secret`);
  for (const secret of ['secret.txt', 'static-secret/secret.txt', 'static/admin/secret.html']) {
    writeFileSync(path.join(base, secret), 'SECRET');
  }
  writeFileSync(path.join(root, 'file.txt'), '0123456789'.repeat(100));
  writeFileSync(path.join(root, 'page.txt'), 'page');
  symlinkSync(path.join(base, 'secret.txt'), path.join(root, 'page.txt.gz'));
  writeFileSync(path.join(root, 'Report90%.pdf'), 'pdf');
  writeFileSync(path.join(root, 'what?.txt'), 'what');
  writeFileSync(large, '');
  truncateSync(large, 2048 * MiB);
  running = await serve(application() as unknown as RequestListener);
});
afterAll(async () => {
  await running?.close();
  rmSync(base, { recursive: true });
});

function application(): Express {
  const app = express();
  // What middleware of an application may have set.
  app.use((_request, response, next) => {
    response.set('cache-control', 'public, max-age=3600');
    next();
  });
  app.get('/internal', (_request, response) => void response.send(`internal ${(internalRequests += 1)}`));
  app.use('/guarded/admin', (_request, response) => void response.sendStatus(403));
  app.get('/guarded/*file', pathDownloadView({ root, path: (request) => request.params.file }));
  app.get('/files/*file', pathDownloadView({ root, path: (request) => request.params.file }));
  const follow = { root, symlinks: 'follow' } as const;
  app.get('/follow/*file', pathDownloadView({ ...follow, path: (request) => request.params.file }));
  const gzip = { root, precompressed: ['gzip'] } as const;
  app.get('/gzip/*file', pathDownloadView({ ...gzip, path: (request) => request.params.file }));
  const delivery = xAccelRedirect({ [root]: '/_static' });
  app.get('/nginx/*file', pathDownloadView({ root, path: (request) => request.params.file, delivery }));
  const failing = async function* () {
    yield 'a third of ';
    await new Promise((resolve) => setTimeout(resolve, 20));
    throw new Error('the source broke');
  };
  app.get(
    '/failing',
    virtualDownloadView(() => ({ name: 'a.txt', content: failing }), { onError: () => undefined }),
  );
  const names = { '/name': 'secret.pdf"\r\nLocation: http://evil.example\r\nSet-Cookie: "a=b' };
  for (const [place, name] of Object.entries(names)) {
    app.get(
      place,
      virtualDownloadView(() => ({ name: 'a.txt', content: 'x' }), { fileName: name }),
    );
  }
  const url = () => `http://127.0.0.1:${running.port}/internal`;
  app.get('/remote', httpDownloadView({ url }));
  app.get('/localhost', httpDownloadView({ url: () => url().replace('127.0.0.1', 'localhost') }));
  const tagged = { name: 'a.txt', content: 'new', etag: '"new"', modified: new Date(0) };
  app.get('/tagged', toExpress(downloadView(async () => ({ subject: 0, file: () => virtualFile(tagged) }))));
  app.use(fileErrors());
  return app;
}

const ask = (place: string, headers: Asked['headers'] = {}) => askServer(running.port, { path: place, headers });
const bytes = (reply: Reply) => reply.body.byteLength;

describe('ranges', () => {
  accident('overlapping-ranges-exhaust-memory', async () => {
    const range = `bytes=0-,${Array.from({ length: 1300 }, (_, index) => `5-${index}`).join(',')}`;
    const reply = await ask('/files/file.txt', { range });
    expect({ status: reply.status, bytes: bytes(reply) }).toEqual({ status: 200, bytes: 1000 });
    const few = await ask('/files/file.txt', { range: `bytes=${Array(40).fill('0-').join(',')}` });
    expect(bytes(few)).toBe(1000);
  });

  accident('thousands-of-tiny-ranges', async () => {
    for (const count of [2, 50, 51, 20_000]) {
      const reply = await ask('/files/file.txt', { range: `bytes=${Array(count).fill('0-0').join(',')}` });
      expect(bytes(reply)).toBeLessThanOrEqual(1000);
    }
    const apart = Array.from({ length: 40 }, (_, index) => `${index * 20}-${index * 20}`).join(',');
    expect(bytes(await ask('/files/file.txt', { range: `bytes=${apart}` }))).toBeLessThanOrEqual(1000);
  });

  accident('quadratic-range-header', async () => {
    const ranges = ['1'.repeat(100_000), '0-1,'.repeat(25_000), `${'9'.repeat(50_000)}-`, `${'0-'.repeat(50_000)}`];
    for (const range of ranges) {
      const before = process.cpuUsage();
      const { status } = await ask('/files/file.txt', { range: `bytes=${range}` });
      const { user } = process.cpuUsage(before);
      expect([200, 206, 416]).toContain(status);
      expect(user / 1000).toBeLessThan(500);
    }
  });

  accident('open-range-is-read-into-memory', async () => {
    await ask('/files/large.bin', { range: 'bytes=0-1000000' });
    const before = process.memoryUsage().arrayBuffers;
    const request = head('GET', '/files/large.bin', { range: 'bytes=0-' });
    const clients = await Promise.all(Array.from({ length: 4 }, () => talk(running.port, request, { paused: true })));
    await until(() => descriptorsBelow(large) === 4, 'all downloads were under way');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * MiB);
    for (const { socket } of clients) socket.destroy();
    await until(() => descriptorsBelow(large) === 0, 'all files were closed');
  });
});

describe('names and headers', () => {
  accident('client-configures-the-hand-over', async () => {
    const headers = {
      'x-sendfile-type': 'X-Accel-Redirect',
      'x-accel-mapping': `${root}/=/admin/`,
      'x-accel-redirect': '/admin/',
    };
    const streamed = await ask('/files/file.txt', headers);
    expect(bytes(streamed)).toBe(1000);
    expect(Object.keys(streamed.headers).filter((name) => /accel|sendfile/.test(name))).toEqual([]);
    const handed = await ask('/nginx/file.txt', headers);
    expect(handed.headers['x-accel-redirect']).toBe('/_static/file.txt');
  });

  accident('percent-sign-breaks-the-hand-over', async () => {
    for (const name of ['Report90%.pdf', 'what?.txt']) {
      const { headers } = await ask(`/nginx/${encodeURIComponent(name)}`);
      const address = new URL(String(headers['x-accel-redirect']), 'http://nginx');
      expect({ search: address.search, path: decodeURIComponent(address.pathname) }).toEqual({
        search: '',
        path: `/_static/${name}`,
      });
    }
  });

  accident('line-break-in-a-name-adds-headers', async () => {
    const { headers, rawHeaders } = await ask('/name');
    expect(headers.location ?? headers['set-cookie']).toBeUndefined();
    expect(rawHeaders.filter((_, index) => index % 2 === 1).join('')).not.toMatch(/[\r\n]/);
    expect(headers['content-disposition']).toMatch(/^attachment; filename/);
  });

  accident('shared-cache-keeps-a-private-file', async () => {
    const { headers } = await ask('/files/file.txt');
    expect(headers['cache-control']).toBe('private, no-cache');
  });

  accident('time-overrules-the-tag', async () => {
    const same = new Date(0).toUTCString();
    const changed = await ask('/tagged', { 'if-none-match': '"old"', 'if-modified-since': same });
    expect({ status: changed.status, body: changed.body.toString() }).toEqual({ status: 200, body: 'new' });
    expect((await ask('/tagged', { 'if-none-match': '"new"', 'if-modified-since': same })).status).toBe(304);
  });
});

describe('paths', () => {
  const outside = ['../secret.txt', '%2e%2e/secret.txt', '..%2fsecret.txt', '%2e%2e%2fsecret.txt', '..%5csecret.txt'];

  async function expectRefused(places: readonly string[]): Promise<void> {
    for (const place of places) {
      const { status, body } = await ask(place);
      expect({ place, refused: [400, 403, 404].includes(status), leaked: body.includes('SECRET') }).toEqual({
        place,
        refused: true,
        leaked: false,
      });
    }
  }

  accident('following-links-opens-everything', async () => {
    await expectRefused(outside.map((below) => `/follow/${below}`));
    await expectRefused([`/follow/${encodeURIComponent(path.join(base, 'secret.txt'))}`, '/follow//etc/passwd']);
    expect((await ask('/follow/file.txt')).status).toBe(200);
  });

  accident('compressed-twin-is-a-link', async () => {
    const reply = await ask('/gzip/page.txt', { 'accept-encoding': 'gzip' });
    expect({ status: reply.status, body: reply.body.toString() }).toEqual({ status: 200, body: 'page' });
    expect(reply.headers['content-encoding']).toBeUndefined();
  });

  accident('sibling-folder-with-the-same-start', async () => {
    const below = [
      '..%2fstatic-secret/secret.txt',
      '../static-secret/secret.txt',
      '%2e%2e%2fstatic-secret%2fsecret.txt',
    ];
    await expectRefused(below.flatMap((place) => [`/files/${place}`, `/follow/${place}`]));
  });

  accident('encoded-slash-passes-the-guard', async () => {
    await expectRefused(['/guarded/admin/secret.html', '/guarded/admin%2Fsecret.html', '/guarded/admin%2fsecret.html']);
    await expectRefused(['/guarded/x/../admin/secret.html', '/guarded/x/%2E%2E/admin/secret.html']);
    expect((await ask('/guarded/file.txt')).status).toBe(200);
  });

  accident('remote-file-reaches-internal-hosts', async () => {
    for (const place of ['/remote', '/localhost']) {
      const { status, body } = await ask(place);
      expect({ status, leaked: body.includes('internal') }).toEqual({ status: 502, leaked: false });
    }
    expect(internalRequests).toBe(0);
  });
});

describe('connections', () => {
  accident('interrupted-download-leaks-a-descriptor', async () => {
    for (let turn = 0; turn < 20; turn += 1) {
      const { socket } = await talk(running.port, head('GET', '/files/large.bin'));
      await until(() => descriptorsBelow(large) === 1, 'the download was under way');
      socket.destroy();
      await until(() => descriptorsBelow(large) === 0, 'the file was closed');
    }
  });

  accident('failed-source-ends-cleanly', async () => {
    const client = await talk(running.port, head('GET', '/failing'));
    await client.closed;
    expect(client.received().toString()).toContain('a third of ');
    expect(client.received().toString()).not.toContain('\r\n0\r\n');
    await expect(ask('/failing')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });
});

describe('files of rows', () => {
  inHall(
    () => openTypeormHall('sqlite'),
    (t, hall) => {
      let site: RunningServer;
      beforeAll(async () => {
        const app = express();
        const options = { field: 'file', slugField: 'slug', disposition: 'inline' } as const;
        app.get('/:slug', objectDownloadView(hall().files, Exhibit, options));
        app.use(fileErrors());
        site = await serve(app as unknown as RequestListener);
      });
      afterAll(() => site?.close());

      accident('uploaded-svg-runs-scripts', async () => {
        const scripts = {
          'a.svg': '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
          'a.html': '<!doctype html><script>alert(1)</script>',
          'a.xml': '<?xml version="1.0"?><x xmlns:h="http://www.w3.org/1999/xhtml"><h:script>alert(1)</h:script></x>',
          'a.png': '<html><script>alert(1)</script></html>',
        };
        for (const [name, content] of Object.entries(scripts)) {
          await t.hall.unit().insert({ slug: name, file: await t.stage(content, 'file', name) });
          const { status, headers } = await askServer(site.port, { path: `/${name}` });
          expect({ status, nosniff: headers['x-content-type-options'] }).toEqual({ status: 200, nosniff: 'nosniff' });
          const runs = /html|svg|xml|script/.test(String(headers['content-type']));
          const shown = String(headers['content-disposition']).startsWith('inline');
          expect({ name, dangerous: runs && shown }).toEqual({ name, dangerous: false });
          if (runs) expect(headers['content-security-policy']).toContain('sandbox');
        }
      });

      accident('same-second-same-size', async () => {
        await t.insert('page', 'version 1');
        const first = await askServer(site.port, { path: '/page' });
        const unit = t.hall.unit();
        const row = (await unit.find('page'))!;
        row.file = await t.stage('version 2');
        await unit.save(row);
        const headers = { 'if-none-match': String(first.headers.etag) };
        const second = await askServer(site.port, { path: '/page', headers });
        expect({ status: second.status, body: second.body.toString() }).toEqual({ status: 200, body: 'version 2' });
        const ranged = { range: 'bytes=8-', 'if-range': String(first.headers.etag) };
        expect((await askServer(site.port, { path: '/page', headers: ranged })).body.toString()).toBe('version 2');
      });
    },
  );
});
