import { jest } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { orms, startApplication, type Running } from './start-application.js';

const utf8Name = 'Grüße aus 東京 – notes.txt';

describe.each(orms)('the example with %s', (orm) => {
  let running: Running;

  beforeAll(async () => {
    running = await startApplication({ orm });
  });
  afterAll(() => running.close());
  // Each test starts with nothing kept.
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
    // "Due" is a matter of whole milliseconds.
    await delay(5);
    return (await (await call('POST', '/sweep')).json()) as Record<string, number>;
  }

  test('keeps, lists and serves a file, by slug to look at and by id to save', async () => {
    const answer = await call('POST', '/documents', form('hello', utf8Name, { slug: 'notes', title: '<b>Notes</b>' }));
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe('/documents/notes/file');
    const row = (await answer.json()) as { id: number };
    expect(row).toEqual({
      id: row.id,
      slug: 'notes',
      title: '<b>Notes</b>',
      file: { name: utf8Name, size: 5, type: 'text/plain' },
    });
    expect(await (await call('GET', '/documents')).json()).toEqual([row]);
    expect(await running.stored()).toHaveLength(1);

    const shown = await call('GET', '/documents/notes/file');
    expect(await shown.text()).toBe('hello');
    expect(shown.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const name = `filename="Gr__e aus __ _ notes.txt"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20aus%20%E6%9D%B1%E4%BA%AC%20%E2%80%93%20notes.txt`;
    expect(shown.headers.get('content-disposition')).toBe(`inline; ${name}`);
    const saved = await call('GET', `/documents/by-id/${row.id}/file`);
    expect(await saved.text()).toBe('hello');
    expect(saved.headers.get('content-disposition')).toBe(`attachment; ${name}`);
  });

  test('answers ranges, HEAD and a known ETag without the rest', async () => {
    await call('POST', '/documents', form('0123456789', 'digits.txt'));
    const part = await call('GET', '/documents/digits/file', { headers: { range: 'bytes=2-4' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-4/10', '234']);
    const beyond = await call('GET', '/documents/digits/file', { headers: { range: 'bytes=10-' } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    const head = await call('HEAD', '/documents/digits/file');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
    const etag = head.headers.get('etag')!;
    expect((await call('GET', '/documents/digits/file', { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  test('replaces a file; the next sweep deletes the old bytes and nothing else', async () => {
    await call('POST', '/documents', form('old', 'a.txt', { slug: 'a' }));
    const [old] = await running.stored();
    const answer = await call('PUT', '/documents/a/file', form('brand new', 'b.txt'));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ slug: 'a', file: { name: 'b.txt', size: 9 } });
    expect(await running.stored()).toHaveLength(2);
    expect(await sweep()).toMatchObject({ deleted: 1, failed: 0 });
    const kept = await running.stored();
    expect(kept).toHaveLength(1);
    expect(kept).not.toContain(old);
    expect(await readFile(kept[0]!, 'utf8')).toBe('brand new');
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

  test('refuses a slug that is taken, and keeps nothing of the attempt', async () => {
    await call('POST', '/documents', form('first', 'a.txt', { slug: 'a' }));
    const answer = await call('POST', '/documents', form('second', 'a.txt', { slug: 'a' }));
    expect([answer.status, await answer.json()]).toEqual([409, { error: 'slug_taken', field: 'slug' }]);
    await sweep();
    expect(await running.stored()).toHaveLength(1);
    expect(await (await call('GET', '/documents/a/file')).text()).toBe('first');
  });

  test('finds free slugs by itself, also for uploads at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => call('POST', '/documents', form(`${i}`, 'Größe.txt'))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    const rows = (await (await call('GET', '/documents')).json()) as { slug: string }[];
    const slugs = rows.map(({ slug }) => slug);
    expect(new Set(slugs).size).toBe(8);
    expect(slugs).toEqual(expect.arrayContaining(['grosse', 'grosse-2', 'grosse-3']));
    const contents = await Promise.all(
      slugs.map(async (slug) => (await call('GET', `/documents/${slug}/file`)).text()),
    );
    expect(contents.sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  test('says what it refuses, and keeps none of it', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    const image = (content: Uint8Array<ArrayBuffer>, name: string) => {
      const body = new FormData();
      body.append('image', new Blob([content]), name);
      return call('POST', '/photos', { body });
    };
    const wrong = await image(new TextEncoder().encode('not a picture'), 'photo.png');
    expect([wrong.status, await wrong.json()]).toEqual([
      415,
      {
        error: 'wrong_type',
        field: 'image',
        rule: 'accept',
        limit: ['image/png', 'image/jpeg', 'image/gif', 'image/webp'],
      },
    ]);
    const large = await image(new Uint8Array(Buffer.concat([png, Buffer.alloc(20_000_000)])), 'photo.png');
    expect([large.status, await large.json()]).toEqual([
      413,
      { error: 'too_large', field: 'image', rule: 'maxSize', limit: 20_000_000 },
    ]);
    const none = new FormData();
    none.append('slug', 'a');
    const missing = await call('POST', '/documents', { body: none });
    expect([missing.status, await missing.json()]).toEqual([400, { error: 'missing_file', field: 'file' }]);
    const slug = await call('POST', '/documents', form('x', 'a.txt', { slug: '../a' }));
    expect([slug.status, await slug.json()]).toEqual([400, { error: 'invalid_slug', field: 'slug' }]);
    const replacement = await call('PUT', '/documents/nobody/file', form('x'));
    expect([replacement.status, await replacement.json()]).toEqual([404, { error: 'not_found' }]);
    const raw = await call('POST', '/documents', { body: 'x', headers: { 'content-type': 'text/plain' } });
    expect([raw.status, await raw.json()]).toEqual([400, { error: 'malformed_upload' }]);
    await sweep();
    expect(await running.stored()).toEqual([]);
  });

  test.each(['/documents/nobody/file', '/documents/by-id/999/file', '/documents/by-id/x/file', '/nothing', '/%ff'])(
    'knows nothing of %s',
    async (path) => {
      const answer = await call('GET', path);
      expect([answer.status, await answer.text()]).toEqual([404, '{"error":"not_found"}']);
    },
  );

  test('lets no other site act', async () => {
    const headers = { origin: 'http://elsewhere.example' };
    expect((await call('POST', '/documents', { ...form('x'), headers })).status).toBe(403);
    expect((await call('DELETE', '/documents/a', { headers })).status).toBe(403);
    expect((await call('POST', '/documents', { ...form('x'), headers: { origin: running.url } })).status).toBe(201);
  });

  test('shows its page under a strict policy', async () => {
    const page = await call('GET', '/');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; /);
    expect(await page.text()).not.toMatch(/<style|<script>| style=| on[a-z]+=/);
  });
});

test.each(orms)('%s starts with the samples, once', async (orm) => {
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

test.each(orms)('%s leaves the bytes to the server in front', async (orm) => {
  for (const [front, header, place] of [
    ['nginx', 'x-accel-redirect', /^\/_filefield\/documents\/\d{4}\/\d\d\/[0-9a-f]{2}\/[0-9a-f]{32}$/],
    ['caddy', 'x-accel-redirect', /^\/_filefield\/documents\//],
    ['apache', 'x-sendfile', /^\/.*\/documents\/\d{4}\//],
    ['lighttpd', 'x-sendfile', /^\/.*\/documents\/\d{4}\//],
  ] as const) {
    const running = await startApplication({ orm, seed: true, front });
    try {
      const answer = await fetch(`${running.url}/documents/handbook/file`);
      expect(answer.headers.get(header)).toMatch(place);
      expect(await answer.text()).toBe('');
    } finally {
      await running.close();
    }
  }
});

test.each([
  ['that it is well', undefined, 200, { status: 'ok', checks: { documents: { ok: true }, photos: { ok: true } } }],
  [
    'which storage is not well',
    'photos',
    503,
    { status: 'failing', checks: { documents: { ok: true }, photos: { ok: false, link: 'write' } } },
  ],
] as const)('says %s', async (_what, broken, status, report) => {
  const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const running = await startApplication();
  try {
    if (broken) await writeFile(running.storages.get(broken).root, 'a file where the folder should be');
    const answer = await fetch(`${running.url}/health`);
    expect([answer.status, await answer.json()]).toEqual([status, report]);
    expect(printed).toHaveBeenCalledTimes(broken ? 1 : 0);
  } finally {
    printed.mockRestore();
    await running.close();
  }
});
