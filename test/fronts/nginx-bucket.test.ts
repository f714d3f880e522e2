import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { frontConfiguration, storageView, xAccelRedirect } from 'filefield';
import { toNode } from 'filefield/node';
import { askServer, serve, type Asked, type RunningServer } from '../adapters/server.js';
import { haveS3, s3, SigningStorage } from '../support/signing-storage.js';
import { freePort, haveFront, startFront, type RunningFront } from './start-front.js';

const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, (_byte, index) => index % 251));
const keys = [
  '2026/11/ab/plain',
  'deep/er/a.b',
  'a b',
  '100%',
  'a%41',
  'pct%2Fx',
  'what?',
  'a#b',
  'a+b&c=d;e',
  `"it's" (1)!*`,
  'é 日本 🎉',
];
const page = { type: 'text/html; charset=utf-8', name: 'page.html' };
const installed = haveFront('nginx') && (await haveS3());

(installed ? describe : describe.skip)('nginx with a bucket and signed URLs', () => {
  const storage = new SigningStorage(`nginx-${Date.now()}`);
  const run = mkdtempSync(path.join(tmpdir(), 'bucket-'));
  let application: RunningServer;
  let nginx: RunningFront;
  let port: number;
  let written = 0;

  beforeAll(async () => {
    await storage.create();
    for (const key of keys) await storage.write(key, Readable.from([bytes]));
    const remotes = { [s3.endpoint]: '/_filefield/photos' };
    const view = storageView<IncomingMessage>(storage, {
      name: (request) => Buffer.from(request.url!.slice(1), 'base64url').toString(),
      fileName: page.name,
      contentType: page.type,
      delivery: xAccelRedirect({}, { remotes }),
    });
    application = await serve((request, response) => {
      response.on('finish', () => (written += response.req.socket.bytesWritten));
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      void toNode(view)(request, response);
    });
    port = await freePort();
    const text = frontConfiguration('nginx', {
      places: [],
      remotes: Object.entries(remotes).map(([url, prefix]) => ({ url, prefix })),
      upstream: `http://127.0.0.1:${application.port}`,
      listen: `127.0.0.1:${port}`,
      standalone: run,
    });
    nginx = await startFront('nginx', run, text, port);
  });
  afterAll(async () => {
    await nginx?.stop();
    await application?.close();
    rmSync(run, { recursive: true });
    for (const key of keys) await storage.delete(key);
  });
  beforeEach(() => (written = 0));

  const ask = (key: string, asked: Asked = {}) =>
    askServer(port, { ...asked, path: `/${Buffer.from(key).toString('base64url')}` });

  it.each(keys)('sends %j, of which the application sends no bytes', async (key) => {
    const reply = await ask(key, { headers: { authorization: 'Bearer x', cookie: 'session=y' } });
    expect(reply.status).toBe(200);
    expect(reply.body.equals(bytes)).toBe(true);
    expect(written).toBeLessThan(3000);
  });

  it('sends each header of the view once, and none of the bucket', async () => {
    const reply = await ask(keys[0]!);
    expect(reply.headers).toMatchObject({
      'content-type': page.type,
      'content-disposition': `attachment; filename=${page.name}`,
      'cache-control': 'private, no-cache',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'set-cookie': ['a=1', 'b=2'],
    });
    const names = reply.rawHeaders.filter((_value, index) => index % 2 === 0).map((name) => name.toLowerCase());
    const single = names.filter((name) => name !== 'set-cookie');
    expect(new Set(single).size).toBe(single.length);
    expect(reply.rawHeaders.join()).not.toMatch(/x-amz|x-rgw|x-accel|nginx-\d|_filefield|signature/i);
  });

  it('sends ranges, HEAD and 304 of the bucket', async () => {
    const range = await ask(keys[0]!, { headers: { range: 'bytes=100000-100009' } });
    expect(range).toMatchObject({ status: 206, headers: { 'content-range': 'bytes 100000-100009/300000' } });
    expect(range.body.equals(bytes.subarray(100_000, 100_010))).toBe(true);
    const head = await ask(keys[0]!, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': '300000' }, body: { byteLength: 0 } });
    const fresh = await ask(keys[0]!, { headers: { 'if-none-match': head.headers.etag! } });
    expect(fresh).toMatchObject({ status: 304, headers: { 'x-content-type-options': 'nosniff' } });
  });

  it('sends the whole file for an If-Range with another tag, which this S3 server would answer with a part', async () => {
    const headers = { range: 'bytes=0-9', 'if-range': '"stale"' };
    const url = await storage.signedUrl(keys[0]!, { method: 'GET', expiresIn: 60_000 });
    expect((await fetch(url, { headers })).status).toBe(206);
    const reply = await ask(keys[0]!, { headers });
    expect({ status: reply.status, whole: reply.body.equals(bytes) }).toEqual({ status: 200, whole: true });
    const { etag } = reply.headers;
    const part = await ask(keys[0]!, { headers: { ...headers, 'if-range': etag! } });
    expect({ status: part.status, bytes: part.body }).toEqual({ status: 206, bytes: bytes.subarray(0, 10) });
  });

  it('sends 412 and 416 without the body of the bucket', async () => {
    const failed = await ask(keys[0]!, { headers: { 'if-match': '"other"' } });
    expect({ status: failed.status, body: failed.body.toString() }).toEqual({ status: 412, body: '' });
    const beyond = await ask(keys[0]!, { headers: { range: 'bytes=300000-' } });
    expect(beyond).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */300000' } });
    expect(beyond.body.toString()).not.toContain('Error');
  });

  it('answers 404 without the body of the bucket for a key that does not exist', async () => {
    const reply = await ask('never/written');
    expect(reply.status).toBe(404);
    expect(reply.body.toString()).not.toMatch(/NoSuchKey|bucket|nginx-\d{5}/i);
  });

  it('answers 404 to a client that requests the location of the bucket', async () => {
    for (const wanted of [
      `/_filefield/photos/${storage.bucket}/${keys[0]}`,
      `//_filefield/photos/${storage.bucket}/x`,
    ]) {
      expect((await askServer(port, { path: wanted })).status).toBe(404);
    }
  });
});
