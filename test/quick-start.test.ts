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
    // The program itself has no end.
    server.closeAllConnections();
    server.close();
    jest.restoreAllMocks();
    process.chdir(before);
    await rm(folder, { recursive: true });
  });

  const upload = (title: string, content: string, name: string) => {
    const form = new FormData();
    form.append('title', title);
    form.append('file', new File([content], name));
    return fetch(base, { method: 'POST', body: form });
  };

  it('stores an upload and serves it by id', async () => {
    const response = await upload('hello', 'Hello, file.', 'Grüße.txt');
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({
      id: 1,
      title: 'hello',
      file: { name: 'Grüße.txt', size: 12, type: 'text/plain' },
    });
    const download = await fetch(`${base}/1`, { headers: { range: 'bytes=7-' } });
    expect({ status: download.status, text: await download.text() }).toEqual({ status: 206, text: 'file.' });
    expect(download.headers.get('content-disposition')).toContain("filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt");
  });

  it('serves HTML that is named .txt as an attachment, and returns 415 for bytes that are not text', async () => {
    const response = await upload('evil', '<script>alert(1)</script>', 'note.txt');
    // text/html matches text/*, so the field accepts it; the view serves it only as an attachment.
    expect(response.status).toBe(201);
    const { id } = (await response.json()) as { id: number };
    const download = await fetch(`${base}/${id}`);
    expect(download.headers.get('content-disposition')).toMatch(/^attachment/);
    expect(download.headers.get('content-security-policy')).toContain('sandbox');
    const binary = await upload('binary', '\u0000\u0001', 'a.txt');
    expect({ status: binary.status, body: await binary.json() }).toEqual({
      status: 415,
      body: {
        statusCode: 415,
        error: 'Unsupported Media Type',
        code: 'wrong_type',
        message: expect.stringMatching(/application\/octet-stream.*; accepted are application\/pdf, text\/\*\.$/),
        field: 'file',
        rule: 'accept',
        limit: ['application/pdf', 'text/*'],
      },
    });
  });

  it('returns 201 only for saved rows when 20 uploads arrive at once and half of them are refused', async () => {
    const responses = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const response = await upload(`row ${index}`, index % 2 ? `text ${index}` : '\u0000', 'a.txt');
        const body = (await response.json()) as { id: number };
        return { index, status: response.status, id: body.id };
      }),
    );
    const created = responses.filter(({ status }) => status === 201);
    expect(responses.map(({ status }) => status)).toEqual(responses.map(({ index }) => (index % 2 ? 201 : 415)));
    for (const { id, index } of created) {
      const download = await fetch(`${base}/${id}`);
      expect({ status: download.status, text: await download.text() }).toEqual({ status: 200, text: `text ${index}` });
    }
  });

  it('returns 404 without a stack for an unknown id', async () => {
    const response = await fetch(`${base}/4711`);
    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 404,
      body: { statusCode: 404, error: 'Not Found', code: 'not_found', message: 'Not Found' },
    });
  });
});
