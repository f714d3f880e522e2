import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadView, localFile, virtualFile, xAccelRedirect, type FileSource } from 'filefield';
import { toNode } from 'filefield/node';
import { askServer, serve, type RunningServer } from '../adapters/server.js';
import { documentedConfiguration, freePort, haveNginx, startNginx } from './start-nginx.js';

const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_byte, index) => index % 251));
const names = [
  'a b',
  '100%',
  'a%41',
  'pct%2Fx',
  'what?',
  'a#b',
  'a+b',
  'a;b',
  'a&b=c',
  'é',
  '日本',
  '🎉',
  `"q"`,
  "it's",
  'a\\b',
  '..a',
  'a,b',
  '~x',
  '$uri',
  '[a]',
  'x ',
  'deep/er',
];

(haveNginx() ? describe : describe.skip)('nginx, configured as docs/nginx.md shows', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'nginx-'));
  const root = path.join(folder, 'documents');
  let application: RunningServer;
  let stop: () => Promise<void>;
  let port = 0;
  let served = 0;

  const ask = (name: string, asked: Parameters<typeof askServer>[1] = {}) =>
    askServer(port, { ...asked, path: `/${encodeURIComponent(name)}` });

  beforeAll(async () => {
    mkdirSync(path.join(root, 'deep'), { recursive: true });
    for (const name of [...names, 'plain.bin', 'page.html']) writeFileSync(path.join(root, name), content);
    writeFileSync(path.join(folder, 'outside.bin'), 'outside');
    const view = downloadView<IncomingMessage, null>(
      async ({ raw }) => {
        const name = decodeURIComponent(raw.url!.slice(1));
        const file: FileSource =
          name === 'virtual'
            ? virtualFile({ name, content: 'streamed' })
            : localFile(name === 'outside' ? path.join(folder, 'outside.bin') : path.join(root, name));
        return { subject: null, file: () => file };
      },
      { delivery: xAccelRedirect({ [root]: '/_documents' }) },
    );
    application = await serve((request, response) => {
      response.on('finish', () => (served += response.req.socket.bytesWritten));
      void toNode(view)(request, response);
    });
    port = await freePort();
    const server = documentedConfiguration({
      '127.0.0.1:8080': `127.0.0.1:${port}`,
      '127.0.0.1:3000': `127.0.0.1:${application.port}`,
      '/srv/var/documents': root,
    });
    stop = await startNginx(path.join(folder, 'run'), port, server);
  });
  afterAll(async () => {
    await stop?.();
    await application?.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => (served = 0));

  it('sends the bytes, and the program sends none', async () => {
    const reply = await ask('plain.bin');
    expect([reply.status, reply.body.equals(content)]).toEqual([200, true]);
    expect(served).toBeLessThan(2_000);
  });

  it.each(names)('finds %j', async (name) => {
    const reply = await ask(name);
    expect([reply.status, reply.body.equals(content)]).toEqual([200, true]);
  });

  it('sends ranges, and refuses those that cannot be', async () => {
    const reply = await ask('plain.bin', { headers: { range: 'bytes=100000-100009' } });
    expect([reply.status, reply.headers['content-range']]).toEqual([206, 'bytes 100000-100009/300000']);
    expect(reply.body.equals(content.subarray(100_000, 100_010))).toBe(true);
    const suffix = await ask('plain.bin', { headers: { range: 'bytes=-7' } });
    expect(suffix.body.equals(content.subarray(-7))).toBe(true);
    const beyond = await ask('plain.bin', { headers: { range: 'bytes=300000-' } });
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */300000']);
  });

  it('answers HEAD with the length of the file', async () => {
    const reply = await ask('plain.bin', { method: 'HEAD' });
    expect([reply.status, reply.headers['content-length'], reply.body.byteLength]).toEqual([200, '300000', 0]);
  });

  it('answers 304 and resumes by the tag it sent itself', async () => {
    const { etag = '' } = (await ask('plain.bin')).headers;
    expect((await ask('plain.bin', { headers: { 'if-none-match': etag } })).status).toBe(304);
    const resumed = await ask('plain.bin', { headers: { 'if-range': etag, range: 'bytes=299999-' } });
    expect([resumed.status, resumed.body.byteLength]).toEqual([206, 1]);
    const stale = await ask('plain.bin', { headers: { 'if-range': '"other"', range: 'bytes=299999-' } });
    expect([stale.status, stale.body.byteLength]).toEqual([200, 300_000]);
  });

  it.each([{}, { range: 'bytes=0-0' }])(
    'keeps what the view said of type, name, caching and safety (%j)',
    async (asked) => {
      const reply = await ask('page.html', { headers: asked as Record<string, string> });
      expect(reply.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-disposition': 'attachment; filename=page.html',
        'cache-control': 'private, no-cache',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "sandbox; default-src 'none'",
      });
      expect(reply.rawHeaders.join()).not.toMatch(/x-accel|_documents/i);
    },
  );

  it('keeps nosniff on 304', async () => {
    const { etag = '' } = (await ask('page.html')).headers;
    const reply = await ask('page.html', { headers: { 'if-none-match': etag } });
    expect([reply.status, reply.headers['x-content-type-options']]).toEqual([304, 'nosniff']);
  });

  it('lets no client reach the files without the view', async () => {
    for (const wanted of [
      '/_documents/plain.bin',
      '/%5fdocuments/plain.bin',
      '//_documents/plain.bin',
      '/x/../_documents/plain.bin',
    ]) {
      const reply = await askServer(port, { path: wanted, headers: { 'x-accel-redirect': '/_documents/plain.bin' } });
      expect([wanted, reply.status]).toEqual([wanted, 404]);
    }
  });

  it('answers 404 for a file that is missing from the disk', async () => {
    const reply = await ask('gone.bin');
    expect([reply.status, reply.headers['x-content-type-options']]).toEqual([404, 'nosniff']);
  });

  it('passes on what the program streams itself', async () => {
    expect((await ask('virtual')).body.toString()).toBe('streamed');
    expect((await ask('outside')).body.toString()).toBe('outside');
  });
});
