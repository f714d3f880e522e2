import fc from 'fast-check';
import { Readable } from 'node:stream';
import { storageView, virtualView, pathView, type DownloadHandler } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { runView } from 'filefield/testing';
import { parseMultipart } from '../support/parse-multipart.js';

const content = Buffer.from(Uint8Array.from({ length: 500 }, (_byte, index) => index % 251));
const etag = '"v1"';
const modified = new Date('2024-05-06T07:08:09.000Z');
const storage = new MemoryStorage();
const views: readonly DownloadHandler[] = [
  virtualView(() => ({ name: 'x.bin', content, etag, modified })),
  storageView(storage, { name: 'x.bin', etag, modified }),
];
const sound = /^[ \t]*bytes=[ \t,]*(\d+-\d*|-\d+)([ \t]*,([ \t]*(\d+-\d*|-\d+))?)*[ \t]*$/i;

beforeAll(() => storage.write('x.bin', Readable.from([content])));

const scraps = (...words: string[]) =>
  fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((parts) => parts.join(''));
const range = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  scraps(
    'bytes',
    '=',
    '-',
    ',',
    ' ',
    '\t',
    '0',
    '5',
    '99',
    '499',
    '500',
    '18446744073709551616',
    'x',
    '+',
    ';',
    'BYTES=',
  ),
  scraps('0-0,', '5-9,', '-1,', '100-', '200-300,', '499-600').map((text) => `bytes=${text}`),
);
const tags = fc.oneof(fc.string(), scraps('"v1"', 'W/"v1"', '*', ',', ' ', '"', '\t', '"v', 'W/'));
const dates = fc.oneof(
  fc.string(),
  fc.date().map((date) => (Number.isNaN(date.getTime()) ? '' : date.toUTCString())),
  fc.constantFrom('Mon, 06 May 2024 07:08:09 GMT', 'Monday, 06-May-24 07:08:09 GMT', 'Mon May  6 07:08:09 2024', '0'),
);
const headers = fc.record(
  {
    range,
    'if-range': fc.oneof(tags, dates),
    'if-match': tags,
    'if-none-match': tags,
    'if-modified-since': dates,
    'if-unmodified-since': dates,
    'want-repr-digest': fc.oneof(fc.string(), scraps('sha-256', '=', '0', '1', ',', ' ', ';')),
  },
  { requiredKeys: [] },
);

it('answers any request with a status of RFC 9110, and never sends a part for an invalid range', async () => {
  await fc.assert(
    fc.asyncProperty(
      headers,
      fc.constantFrom(...views),
      fc.constantFrom('GET', 'HEAD'),
      async (asked, view, method) => {
        const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as Record<
          string,
          string
        >;
        const result = await runView(view, { method, headers: given });
        expect([200, 206, 304, 412, 416]).toContain(result.status);
        const partial = result.status === 206 || result.status === 416;
        if (partial && (given.range === undefined || !sound.test(given.range) || method === 'HEAD')) {
          throw new Error(`${result.status} for ${JSON.stringify(given)}`);
        }
        if (method === 'HEAD') return expect(result.body.byteLength).toBe(0);
        if (result.status === 200) return expect(result.body.equals(content)).toBe(true);
        if (result.status !== 206) return expect(result.body.byteLength).toBe(0);
        expect(result.headers['content-length']).toBe(String(result.body.byteLength));
        const parts = result.headers['content-type']?.startsWith('multipart/')
          ? parseMultipart(result.headers['content-type'], result.body)
          : [{ headers: result.headers, bytes: result.body }];
        for (const part of parts) {
          const [, start, end] = /^bytes (\d+)-(\d+)\/500$/.exec(part.headers['content-range'] ?? '') ?? [];
          expect(part.bytes.equals(content.subarray(Number(start), Number(end) + 1))).toBe(true);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

const names = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string(),
  scraps('.', '/', '\\', '"', '%', '\r\n', '\u0000', '\u202e', '\ud800', 'é', ' ', '.html', "''"),
);

it('sends a head that Node accepts for any file name', async () => {
  await fc.assert(
    fc.asyncProperty(names, fc.constantFrom('inline', 'attachment'), async (name, disposition) => {
      const view = virtualView(() => ({ name, content: 'x' }), { disposition: disposition as 'inline' });
      const result = await runView(view);
      expect(result.status).toBe(200);
      for (const value of Object.values(result.headers)) expect(value).toMatch(/^[\t\u0020-\u007e]*$/);
      expect(result.headers['content-disposition']).toMatch(/^(attachment|inline)(; filename=|$)/);
    }),
    { numRuns: 2000 },
  );
});

it('answers 200 or 404 to any name, and never fails', async () => {
  const roots = [
    (name: string) => storageView(storage, { name }),
    (name: string) => pathView({ root: 'src/views', path: name }),
  ];
  await fc.assert(
    fc.asyncProperty(names, fc.constantFrom(...roots), async (name, make) => {
      const { status } = await runView(make(name));
      expect([200, 404]).toContain(status);
    }),
    { numRuns: 1000 },
  );
});
