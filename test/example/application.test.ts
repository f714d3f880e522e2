import { jest } from '@jest/globals';
import { once } from 'node:events';
import { request, type IncomingMessage, type RequestOptions } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { orms, startApplication, type Running } from './start-application.js';

const utf8Name = 'Grüße aus 東京 – notes.txt';

const nothing = { statusCode: 404, error: 'Not Found', code: 'not_found', message: 'Not Found' };

async function expectJson(response: Response, status: number, body: object): Promise<void> {
  const found = { status: response.status, body: (await response.json()) as unknown };
  const error = status >= 400 && 'code' in body && { statusCode: status, message: expect.any(String) as string };
  expect(found).toMatchObject({ status, body: { ...error, ...body } });
}

/** The status of a request whose headers fetch would not send. */
async function send(url: string, options: RequestOptions): Promise<number> {
  const body = '--b\r\ncontent-disposition: form-data; name=file; filename=a.txt\r\n\r\nx\r\n--b--\r\n';
  const sent = request(url, {
    ...options,
    headers: { 'content-type': 'multipart/form-data; boundary=b', ...options.headers },
    setHost: false,
  });
  sent.end(options.method === 'POST' ? body : '');
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode!;
}

describe.each(orms)('the example with %s', (orm) => {
  let running: Running;

  beforeAll(async () => {
    running = await startApplication({ orm });
  });
  afterAll(() => running.close());
  // Each test starts without rows and objects.
  afterEach(async () => {
    for (const shelf of ['documents', 'photos']) {
      const rows = (await (await call('GET', `/${shelf}`)).json()) as { slug: string }[];
      for (const { slug } of rows) await call('DELETE', `/${shelf}/${slug}`);
    }
    await sweep();
    expect(await running.stored()).toEqual([]);
  });

  const call = (method: string, path: string, init: RequestInit = {}) =>
    fetch(running.url + path, { method, ...init, signal: AbortSignal.timeout(20_000) });

  function form(content: string | Uint8Array<ArrayBuffer>, name = 'a.txt', texts: Record<string, string> = {}) {
    const body = new FormData();
    for (const [field, text] of Object.entries(texts)) body.append(field, text);
    body.append('file', new Blob([content]), name);
    return { body };
  }

  async function sweep(): Promise<Record<string, number>> {
    // The ledger compares whole milliseconds.
    await delay(5);
    return { ...(await running.files.sweep()) } as Record<string, number>;
  }

  test('stores and lists a file, and serves it inline by slug and as an attachment by id', async () => {
    const response = await call(
      'POST',
      '/documents',
      form('hello', utf8Name, { slug: 'notes', title: '<b>Notes</b>' }),
    );
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe('/documents/notes/file');
    const row = (await response.json()) as { id: number };
    expect(row).toEqual({
      id: row.id,
      slug: 'notes',
      title: '<b>Notes</b>',
      file: { name: utf8Name, size: 5, type: 'text/plain' },
    });
    expect(await (await call('GET', '/documents')).json()).toEqual([row]);
    expect(await running.stored()).toHaveLength(1);

    const inline = await call('GET', '/documents/notes/file');
    expect(await inline.text()).toBe('hello');
    expect(inline.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const name = `filename="Gr__e aus __ _ notes.txt"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20aus%20%E6%9D%B1%E4%BA%AC%20%E2%80%93%20notes.txt`;
    expect(inline.headers.get('content-disposition')).toBe(`inline; ${name}`);
    const attachment = await call('GET', `/documents/by-id/${row.id}/file`);
    expect(await attachment.text()).toBe('hello');
    expect(attachment.headers.get('content-disposition')).toBe(`attachment; ${name}`);
  });

  test('returns 206 and 416 for ranges, 200 for HEAD, and 304 for a known ETag', async () => {
    await call('POST', '/documents', form('0123456789', 'digits.txt'));
    const part = await call('GET', '/documents/digits/file', { headers: { range: 'bytes=2-4' } });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe('bytes 2-4/10');
    expect(await part.text()).toBe('234');
    const beyond = await call('GET', '/documents/digits/file', { headers: { range: 'bytes=10-' } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get('content-range')).toBe('bytes */10');
    const head = await call('HEAD', '/documents/digits/file');
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe('10');
    expect(await head.text()).toBe('');
    const etag = head.headers.get('etag')!;
    expect((await call('GET', '/documents/digits/file', { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  test('replaces a file, and deletes only the old bytes at the next sweep', async () => {
    await call('POST', '/documents', form('old', 'a.txt', { slug: 'a' }));
    const [old] = await running.stored();
    const response = await call('PUT', '/documents/a/file', form('brand new', 'b.txt'));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ slug: 'a', file: { name: 'b.txt', size: 9 } });
    expect(await running.stored()).toHaveLength(2);
    expect(await sweep()).toMatchObject({ deleted: 1, failed: 0 });
    const stored = await running.stored();
    expect(stored).toHaveLength(1);
    expect(stored).not.toContain(old);
    expect(await readFile(stored[0]!, 'utf8')).toBe('brand new');
    expect(await (await call('GET', '/documents/a/file')).text()).toBe('brand new');
  });

  test('deletes the file with its row', async () => {
    await call('POST', '/documents', form('x', 'a.txt', { slug: 'a' }));
    expect((await call('DELETE', '/documents/a')).status).toBe(204);
    expect((await call('GET', '/documents/a/file')).status).toBe(404);
    expect((await call('DELETE', '/documents/a')).status).toBe(404);
    expect(await sweep()).toMatchObject({ deleted: 1 });
    expect(await running.stored()).toEqual([]);
  });

  test('returns 409 for a slug that is taken, and keeps no bytes of the upload', async () => {
    await call('POST', '/documents', form('first', 'a.txt', { slug: 'a' }));
    const response = await call('POST', '/documents', form('second', 'a.txt', { slug: 'a' }));
    await expectJson(response, 409, { code: 'slug_taken', field: 'slug' });
    await sweep();
    expect(await running.stored()).toHaveLength(1);
    expect(await (await call('GET', '/documents/a/file')).text()).toBe('first');
  });

  test('finds a free slug for each of 8 uploads of one name at the same time', async () => {
    const responses = await Promise.all(
      Array.from({ length: 8 }, (_, i) => call('POST', '/documents', form(`${i}`, 'Größe.txt'))),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(201));
    const rows = (await (await call('GET', '/documents')).json()) as { slug: string }[];
    const slugs = rows.map(({ slug }) => slug);
    expect(new Set(slugs).size).toBe(8);
    expect(slugs).toEqual(expect.arrayContaining(['grosse', 'grosse-2', 'grosse-3']));
    const contents = await Promise.all(
      slugs.map(async (slug) => (await call('GET', `/documents/${slug}/file`)).text()),
    );
    expect(contents.sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  test('returns an error in JSON for an upload that it refuses, and keeps no bytes of it', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    const image = (content: Uint8Array<ArrayBuffer>, name: string) => {
      const body = new FormData();
      body.append('image', new Blob([content]), name);
      return call('POST', '/photos', { body });
    };
    const wrong = await image(new TextEncoder().encode('not a picture'), 'photo.png');
    await expectJson(wrong, 415, {
      code: 'wrong_type',
      field: 'image',
      rule: 'accept',
      limit: ['image/png', 'image/jpeg', 'image/gif', 'image/webp'],
    });
    const large = await image(new Uint8Array(Buffer.concat([png, Buffer.alloc(20_000_000)])), 'photo.png');
    await expectJson(large, 413, { code: 'too_large', field: 'image', rule: 'maxSize', limit: 20_000_000 });
    const withoutFile = new FormData();
    withoutFile.append('slug', 'a');
    const missing = await call('POST', '/documents', { body: withoutFile });
    await expectJson(missing, 400, { code: 'missing_file', field: 'file' });
    const slug = await call('POST', '/documents', form('x', 'a.txt', { slug: '../a' }));
    await expectJson(slug, 400, { code: 'invalid_slug', field: 'slug' });
    const replacement = await call('PUT', '/documents/unknown/file', form('x'));
    await expectJson(replacement, 404, { code: 'not_found' });
    const raw = await call('POST', '/documents', { body: 'x', headers: { 'content-type': 'text/plain' } });
    await expectJson(raw, 415, { code: 'wrong_type', rule: 'contentType', limit: 'multipart/form-data' });
    await sweep();
    expect(await running.stored()).toEqual([]);
  });

  test.each(['/documents/unknown/file', '/documents/by-id/999/file', '/documents/by-id/x/file', '/nothing', '/%ff'])(
    'returns 404 for %s',
    async (path) => {
      const response = await call('GET', path);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual(nothing);
    },
  );

  test('returns 403 for an upload or a deletion from another site', async () => {
    const strange: Record<string, string>[] = [
      { origin: 'http://elsewhere.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of strange) {
      expect((await call('POST', '/documents', { ...form('x'), headers })).status).toBe(403);
      expect((await call('DELETE', '/documents/a', { headers })).status).toBe(403);
    }
    expect((await call('POST', '/documents', { ...form('x'), headers: { origin: running.url } })).status).toBe(201);
  });

  test('takes uploads through a server that ends TLS, on a name that it was given', async () => {
    const named = await startApplication({ orm, hosts: ['Files.Example'] });
    const post = (host: string, origin: string) =>
      send(named.url, {
        method: 'POST',
        path: '/documents',
        headers: { host, origin, 'sec-fetch-site': 'same-origin' },
      });
    expect(await post('files.example', 'https://files.example')).toBe(201);
    expect(await post('files.example:8080', 'https://files.example')).toBe(201);
    expect(await post('files.example', 'https://elsewhere.example')).toBe(403);
    await named.close();
  });

  test('returns 421 for a host that is not its own, as after DNS rebinding', async () => {
    for (const host of ['attacker.example', 'attacker.example:3000', 'localhost.attacker.example', '']) {
      expect(await send(running.url, { method: 'GET', path: '/documents', headers: { host } })).toBe(421);
    }
    expect(await send(running.url, { method: 'GET', path: '/documents', headers: { host: '[::1]:3000' } })).toBe(200);
  });

  test('answers 409 to all but one of 30 uploads at once with one slug', async () => {
    const large = await startApplication({ orm, uploadsAtOnce: 30 });
    const statuses = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const { body } = form('x'.repeat(100_000), 'a.txt', { slug: 'same' });
        return (await fetch(`${large.url}/documents`, { method: 'POST', body })).status;
      }),
    );
    expect(statuses.sort()).toEqual([201, ...Array<number>(29).fill(409)]);
    await large.close();
  });

  test('returns 503 for an upload beyond those that it takes at once, and takes the next', async () => {
    const small = await startApplication({ orm, uploadsAtOnce: 1 });
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const slow = request(`${small.url}/documents`, { method: 'POST', headers }).on('error', () => undefined);
    slow.flushHeaders();
    await delay(200);
    const refused = await fetch(`${small.url}/documents`, { method: 'POST', ...form('x') });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    slow.destroy();
    await delay(200);
    expect((await fetch(`${small.url}/documents`, { method: 'POST', ...form('x') })).status).toBe(201);
    await small.close();
  });

  test('serves its page with a strict Content-Security-Policy', async () => {
    const page = await call('GET', '/');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; /);
    expect(await page.text()).not.toMatch(/<style|<script>| style=| on[a-z]+=/);
  });
});

test.each(orms)('the example with %s adds the samples to an empty library', async (orm) => {
  const running = await startApplication({ orm, seed: true });
  try {
    const list = async (shelf: string) => (await fetch(`${running.url}/${shelf}`)).json();
    expect(await list('documents')).toMatchObject([
      { slug: 'zoom', file: { type: 'video/webm' } },
      { slug: 'chord', file: { type: expect.stringMatching(/^audio\/ogg/) as string } },
      { slug: 'handbook', file: { type: 'application/pdf' } },
      { slug: 'notes', file: { name: utf8Name, type: 'text/plain' } },
    ]);
    expect(await list('photos')).toHaveLength(2);
  } finally {
    await running.close();
  }
});

test.each(orms)('the example with %s leaves the bytes to the server in front', async (orm) => {
  for (const [front, header, location] of [
    ['nginx', 'x-accel-redirect', /^\/_filefield\/documents\/[0-9a-z]{12}\/\d{4}\/\d\d\/\d\d\/[0-9a-f]{32}$/],
    ['caddy', 'x-accel-redirect', /^\/_filefield\/documents\//],
    ['apache', 'x-sendfile', /^\/.*\/documents\/[0-9a-z]{12}\/\d{4}\//],
    ['lighttpd', 'x-sendfile', /^\/.*\/documents\/[0-9a-z]{12}\/\d{4}\//],
  ] as const) {
    const running = await startApplication({ orm, seed: true, front });
    try {
      const response = await fetch(`${running.url}/documents/handbook/file`);
      expect(response.headers.get(header)).toMatch(location);
      expect(await response.text()).toBe('');
    } finally {
      await running.close();
    }
  }
});

test.each([
  [
    '200 when both storages work',
    undefined,
    200,
    { status: 'ok', checks: { documents: { ok: true }, photos: { ok: true } } },
  ],
  [
    '503 and names the storage that fails',
    'photos',
    503,
    { status: 'failing', checks: { documents: { ok: true }, photos: { ok: false, link: 'write' } } },
  ],
] as const)('/health returns %s', async (_what, broken, status, report) => {
  const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const running = await startApplication();
  try {
    if (broken) await writeFile(running.storages.get(broken).root!, 'a file where the folder should be');
    const response = await fetch(`${running.url}/health`);
    await expectJson(response, status, report);
    expect(printed).toHaveBeenCalledTimes(broken ? 1 : 0);
  } finally {
    printed.mockRestore();
    await running.close();
  }
});
