import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  downloadView,
  httpDownloadView,
  localFile,
  objectDownloadView,
  pathDownloadView,
  storageDownloadView,
  StorageRegistry,
  StoredFile,
  virtualDownloadView,
  virtualFile,
  type ByteRange,
  type DownloadHandler,
  type FileSource,
  type ObjectFinder,
} from 'filefield';
import { toNode } from 'filefield/node';
import { askServer, serve, type Reply, type RunningServer } from '../adapters/server.js';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { sharedCases } from '../shared-cases.js';
import { parseMultipart } from '../support/parse-multipart.js';

type HeaderRule =
  string | null | { re: string } | { not: string } | { oneOf: (string | null)[] } | { notAfterDate: true };

interface Expectation {
  readonly status: number | readonly number[];
  readonly headers: Readonly<Record<string, HeaderRule>>;
  readonly bodySlice: readonly [number, number] | null | 'any';
  readonly bodyIf200?: 'whole';
  /** Slices of the parts, in order. */
  readonly multipart?: readonly (readonly [number, number])[];
  readonly total?: number;
  readonly maxBytes?: number;
}

interface CaseFile {
  readonly content?: string;
  readonly size?: number;
  readonly sparse?: boolean;
  readonly missing?: boolean;
  readonly mtime?: string | null;
  readonly etag?: string | null;
}

interface Case {
  readonly id: number;
  readonly group: string;
  readonly name: string;
  readonly file: CaseFile;
  readonly request: { readonly method: string; readonly headers: Readonly<Record<string, string>> };
  readonly expect: Expectation;
  readonly alternatives?: readonly Expectation[];
  readonly strict?: Partial<Expectation>;
}

// Paths are a matter of views that map URLs; stored encodings are not served.
const cases = sharedCases<Case>('http-cases.json')?.filter(({ group }) => group !== 'path' && group !== 'encoding');
const folder = mkdtempSync(path.join(tmpdir(), 'http-cases-'));
let server: RunningServer;
let upstream: RunningServer;
let current: View;
let behind: View;

beforeAll(async () => {
  server = await serve((request, response) => void toNode(current)(request, response, { id: 'x' }));
  upstream = await serve((request, response) => void toNode(behind)(request, response));
});
afterAll(async () => {
  await server.close();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

type View = DownloadHandler<IncomingMessage>;
const target = path.join(folder, 'file.bin');
const disk = new DiskStorage({ root: folder });
const of = (file: FileSource | null): View => downloadView(async () => ({ subject: null, file: () => file }));
const options = ({ mtime, etag }: CaseFile) => ({
  modified: mtime ? new Date(mtime) : undefined,
  etag: etag ?? undefined,
});

function write(file: CaseFile): void {
  rmSync(target, { force: true });
  if (file.missing) return;
  writeFileSync(target, file.sparse ? '' : bytesOf(file));
  if (file.sparse) truncateSync(target, file.size);
  const mtime = new Date(file.mtime ?? 0);
  utimesSync(target, mtime, mtime);
}

/** Every case against every source and view, as far as they can have the tag and time wanted. */
const kinds: Readonly<
  Record<string, { timeless?: true; sparse?: true; view: (file: CaseFile) => Promise<View> | View }>
> = {
  disk: {
    timeless: true,
    sparse: true,
    view(file) {
      write(file);
      return of(file.missing ? localFile(target) : withValidators(localFile(target), file));
    },
  },
  memory: {
    timeless: true,
    view: (file) =>
      of(file.missing ? null : withValidators(virtualFile({ name: 'file.bin', content: bytesOf(file) }), file)),
  },
  'an object': {
    async view(file) {
      const storage = new MemoryStorage();
      const bytes = bytesOf(file);
      if (!file.missing) await storage.write('key', Readable.from([bytes]));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const stored = new StoredFile(
        {
          v: 1,
          id: '1',
          storage: 'only',
          key: 'key',
          name: 'file.bin',
          size: bytes.byteLength,
          type: 'application/octet-stream',
          sha256,
          modified: '2024-05-06T07:08:09.000Z',
        },
        { storages: new StorageRegistry({ only: storage }) },
      );
      const finder: ObjectFinder = {
        findObject: async <Entity>() => (file.missing ? null : ({ file: stored } as Entity)),
        columnKind: () => 'text',
        primaryKey: () => 'id',
        checkFileField: () => undefined,
      };
      class Row {
        file!: StoredFile | null;
      }
      return objectDownloadView<Row, IncomingMessage>(finder, Row, { field: 'file', param: 'id', ...options(file) });
    },
  },
  'a storage on disk': {
    sparse: true,
    view(file) {
      write(file);
      return storageDownloadView(disk, { name: 'file.bin', ...options(file) });
    },
  },
  'a storage that can only stream': {
    async view(file) {
      const storage = new MemoryStorage();
      if (!file.missing) await storage.write('file.bin', Readable.from([bytesOf(file)]));
      const read = async (key: string, range?: ByteRange) => {
        const { info, stream, close } = await storage.read(key, range);
        return { info, stream, close };
      };
      return storageDownloadView(
        Object.assign(Object.create(storage) as MemoryStorage, { read, stat: storage.stat.bind(storage) }),
        {
          name: 'file.bin',
          ...options(file),
        },
      );
    },
  },
  'a path': {
    sparse: true,
    view(file) {
      write(file);
      return pathDownloadView({ root: folder, path: 'file.bin', ...options(file) });
    },
  },
  'a stream of known length': {
    view: (file) =>
      virtualDownloadView(
        () =>
          file.missing
            ? null
            : {
                name: 'file.bin',
                size: bytesOf(file).byteLength,
                content: function* () {
                  const bytes = bytesOf(file);
                  for (let at = 0; at < bytes.byteLength; at += 7) yield bytes.subarray(at, at + 7);
                },
              },
        options(file),
      ),
  },
  'another server': {
    timeless: true,
    sparse: true,
    view(file) {
      write(file);
      behind = of(file.missing ? localFile(target) : withValidators(localFile(target), file));
      return httpDownloadView({ url: `http://127.0.0.1:${upstream.port}/file.bin`, allowPrivate: true });
    },
  },
};

function withValidators(source: FileSource, { mtime, etag }: CaseFile): FileSource {
  const validators = { modified: mtime ? new Date(mtime) : undefined, etag: etag ?? undefined };
  const load = source.load && (async () => ({ ...(await source.load!()), ...validators }));
  return { ...source, ...validators, ...(load && { load }) };
}

function bytesOf(file: CaseFile): Buffer {
  return Buffer.from(file.content ?? Uint8Array.from({ length: file.size ?? 0 }, (_byte, index) => index % 251));
}

/** Placeholders stand for what a plain request was told. */
function fill(text: string, { etag = '', 'last-modified': lm = '' }: IncomingHttpHeaders): string {
  const opaque = etag.replace(/^W\//, '');
  const time = Date.parse(lm);
  const utc = (seconds: number) => new Date(time + seconds * 1000).toUTCString();
  const [weekday = '', day = '', month = '', year = '', clock = ''] = lm.split(/,? /);
  const longDay = new Date(time).toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' });
  return text
    .replaceAll('{etag}', etag)
    .replaceAll('{etag:weak}', `W/${opaque}`)
    .replaceAll('{etag:opaque}', opaque)
    .replaceAll('{etag:bare}', opaque.replaceAll('"', ''))
    .replace(/\{lm([+-]\d+)?\}/g, (_all, shift?: string) => utc(Number(shift ?? 0)))
    .replaceAll('{lm:rfc850}', `${longDay}, ${day}-${month}-${year.slice(2)} ${clock} GMT`)
    .replaceAll('{lm:asctime}', `${weekday} ${month} ${day.replace(/^0/, ' ')} ${clock} ${year}`);
}

function faults(expected: Expectation, reply: Reply, plain: Reply, file: CaseFile): string[] {
  const found: string[] = [];
  if (![expected.status].flat().includes(reply.status))
    found.push(`status ${reply.status}, not ${String(expected.status)}`);
  for (const [name, rule] of Object.entries(expected.headers)) {
    const value = reply.headers[name]?.toString() ?? null;
    if (!obeys(value, rule, name, plain, reply)) found.push(`${name}: ${value}, not ${JSON.stringify(rule)}`);
  }
  if (expected.multipart) return found.concat(multipartFaults(expected, reply, plain, file));
  const slice = expected.bodyIf200 && reply.status === 200 ? [0, bytesOf(file).byteLength] : expected.bodySlice;
  const body = slice === null ? Buffer.alloc(0) : slice === 'any' ? reply.body : wanted(file, slice[0]!, slice[1]!);
  if (!reply.body.equals(body)) found.push(`body of ${reply.body.byteLength} bytes, not ${body.byteLength}`);
  if (reply.body.byteLength > (expected.maxBytes ?? Infinity)) found.push('body too long');
  return found;
}

function multipartFaults({ multipart = [], total }: Expectation, reply: Reply, plain: Reply, file: CaseFile): string[] {
  if (Number(reply.headers['content-length']) !== reply.body.byteLength) return ['the length is not that of the body'];
  try {
    const parts = parseMultipart(reply.headers['content-type'] ?? '', reply.body);
    const same = parts.map(({ headers, bytes }, index) => {
      const [from, to] = multipart[index] ?? [0, 0];
      return (
        bytes.equals(wanted(file, from, to)) &&
        headers['content-range'] === `bytes ${from}-${to - 1}/${total}` &&
        headers['content-type'] === plain.headers['content-type']
      );
    });
    return same.length === multipart.length && !same.includes(false) ? [] : [`parts are ${JSON.stringify(parts)}`];
  } catch (error) {
    return [String(error)];
  }
}

function wanted(file: CaseFile, from: number, to: number): Buffer {
  return file.sparse ? Buffer.alloc(to - from) : bytesOf(file).subarray(from, to);
}

function obeys(value: string | null, rule: HeaderRule, name: string, plain: Reply, reply: Reply): boolean {
  const before = plain.headers[name]?.toString() ?? null;
  if (rule === null || typeof rule === 'string') {
    if (rule === '@etag' || rule === '@same' || rule === '@full') return value === before;
    return value === rule;
  }
  if ('re' in rule) return value !== null && new RegExp(rule.re).test(value);
  if ('not' in rule) return value === null || !new RegExp(rule.not).test(value);
  if ('oneOf' in rule) return rule.oneOf.some((one) => obeys(value, one, name, plain, reply));
  return value === null || Date.parse(value) <= Date.parse(reply.headers.date!);
}

(cases ? describe : describe.skip).each(Object.keys(kinds))('the shared cases of HTTP, from %s', (kind) => {
  const { timeless, sparse, view } = kinds[kind]!;
  const fitting = (cases ?? []).filter(
    ({ file }) => (sparse || !file.sparse) && (timeless || (file.mtime !== null && file.etag !== null)),
  );
  it.each(fitting)('$group $id: $name', async (one) => {
    current = await view(one.file);
    const plain = await askServer(server.port, { method: 'HEAD' });
    const headers = Object.fromEntries(
      Object.entries(one.request.headers).map(([name, value]) => [name, fill(value, plain.headers)]),
    );
    const reply = await askServer(server.port, { method: one.request.method, headers });
    const accepted = [{ ...one.expect, ...one.strict }, ...(one.alternatives ?? [])];
    const verdicts = accepted.map((expected) => faults(expected, reply, plain, one.file));
    expect(verdicts.some((found) => found.length === 0) ? [] : verdicts).toEqual([]);
  });
});

it('ran more than a hundred shared cases', () => {
  if (cases) expect(cases.length).toBeGreaterThan(100);
});
