import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { deliveryRules, redirect, storageView } from 'filefield';
import { toNode } from 'filefield/node';
import { askServer, serve, type RunningServer } from '../adapters/server.js';
import { haveS3, SigningStorage } from '../support/signing-storage.js';

const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, (_byte, index) => index % 251));
const keys = ['2026/11/ab/plain', 'deep/er/a.b', 'é 100%41/q?a#b+c&d', "it's (1)!*"];
const s3 = await haveS3();

(s3 ? describe : describe.skip)('a redirect to an S3 server', () => {
  const storage = new SigningStorage(`redirect-${Date.now()}`);
  let application: RunningServer;

  beforeAll(async () => {
    await storage.create();
    for (const key of keys) await storage.write(key, Readable.from([bytes]));
    const view = storageView<IncomingMessage>(storage, {
      name: (request) => decodeURIComponent(request.url!.slice(1)),
      anyEncoding: true,
      fileName: 'naïve plan.html',
      contentType: 'text/html; charset=utf-8',
      delivery: deliveryRules([{ storage, delivery: redirect({ expiresIn: '1m' }) }]),
    });
    application = await serve((request, response) => void toNode(view)(request, response));
  });
  afterAll(async () => {
    for (const key of keys) await storage.delete(key);
    await application.close();
  });

  const locationOf = async (key: string, method = 'GET') =>
    (await askServer(application.port, { method, path: `/${encodeURIComponent(key)}` })).headers.location!;

  it.each(keys)('leads to %j with the name and type of the view', async (key) => {
    const response = await fetch(await locationOf(key));
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="na_ve plan.html"; filename*=UTF-8''na%C3%AFve%20plan.html`,
    );
  });

  it('leaves ranges and conditions to the S3 server', async () => {
    const url = await locationOf(keys[0]!);
    const range = await fetch(url, { headers: { range: 'bytes=-7' } });
    expect(range.status).toBe(206);
    expect(Buffer.from(await range.arrayBuffer())).toEqual(bytes.subarray(-7));
    const fresh = await fetch(url, { headers: { 'if-none-match': range.headers.get('etag')! } });
    expect(fresh.status).toBe(304);
  });

  it('signs the URL for the method of the request only', async () => {
    const head = await fetch(await locationOf(keys[0]!, 'HEAD'), { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe('300000');
    expect((await fetch(await locationOf(keys[0]!, 'HEAD'))).status).toBe(403);
  });

  it('gets 403 when the key or the expiry in the URL is changed', async () => {
    const url = await locationOf(keys[0]!);
    expect((await fetch(url.replace('plain', 'plaim'))).status).toBe(403);
    expect((await fetch(url.replace('Expires=60', 'Expires=6000'))).status).toBe(403);
  });
});
