import { jest } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('the first program of the README', () => {
  const before = process.cwd();
  let folder: string;
  let base: string;
  let server: http.Server;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'filefield-'));
    process.chdir(folder);
    process.env.PORT = String(await freePort());
    base = `http://127.0.0.1:${process.env.PORT}/documents`;
    const listen = jest.spyOn(http.Server.prototype, 'listen');
    await import('../entities-example/quick-start.js');
    server = listen.mock.results[0]?.value as http.Server;
    if (!server.listening) await once(server, 'listening');
  });
  afterAll(async () => {
    // The program runs for ever, as programs do.
    server.closeAllConnections();
    server.close();
    jest.restoreAllMocks();
    process.chdir(before);
    await rm(folder, { recursive: true });
  });

  const upload = (slug: string, content: string, name: string) => {
    const form = new FormData();
    form.append('slug', slug);
    form.append('file', new File([content], name));
    return fetch(base, { method: 'POST', body: form });
  };

  it('keeps an upload and serves it by slug', async () => {
    const response = await upload('hello', 'Hello, file.', 'Grüße.txt');
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({
      id: 1,
      slug: 'hello',
      file: { name: 'Grüße.txt', size: 12, type: 'text/plain' },
    });
    const download = await fetch(`${base}/hello`, { headers: { range: 'bytes=7-' } });
    expect([download.status, await download.text()]).toEqual([206, 'file.']);
    expect(download.headers.get('content-disposition')).toContain("filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt");
  });

  it('saves HTML that is called text instead of showing it, and refuses what is no text', async () => {
    const response = await upload('evil', '<script>alert(1)</script>', 'note.txt');
    // text/html is a text too: the field accepts it, and the view never shows it.
    expect(response.status).toBe(201);
    const download = await fetch(`${base}/evil`);
    expect(download.headers.get('content-disposition')).toMatch(/^attachment/);
    expect(download.headers.get('content-security-policy')).toContain('sandbox');
    const binary = await upload('binary', '\u0000\u0001', 'a.txt');
    expect([binary.status, await binary.json()]).toEqual([
      415,
      { error: 'wrong_type', field: 'file', rule: 'accept', limit: ['application/pdf', 'text/*'] },
    ]);
  });

  it('answers 404 to an unknown slug and shows no stack', async () => {
    const response = await fetch(`${base}/nope`);
    expect([response.status, await response.json()]).toEqual([404, { error: 'not_found' }]);
  });
});
