import type { IncomingHttpHeaders } from 'node:http';
import { mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadView, localFile, virtualFile, type FileSource } from 'filefield';
import { toNode } from 'filefield/node';
import { askServer, serve, type Reply, type RunningServer } from '../adapters/server.js';
import { sharedCases } from '../shared-cases.js';

type HeaderRule =
  string | null | { re: string } | { not: string } | { oneOf: (string | null)[] } | { notAfterDate: true };

interface Expectation {
  readonly status: number | readonly number[];
  readonly headers: Readonly<Record<string, HeaderRule>>;
  readonly bodySlice: readonly [number, number] | null | 'any';
  readonly bodyIf200?: 'whole';
  readonly multipart?: unknown;
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
let current: FileSource | null = null;

beforeAll(async () => {
  const view = downloadView(async () => ({ subject: null, file: () => current }));
  server = await serve((request, response) => void toNode(view)(request, response));
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Every case against a file on disk and against one in memory, as far as they can have the tag and time wanted. */
const kinds: Readonly<Record<string, (file: CaseFile) => FileSource | null>> = {
  disk: (file) => {
    const target = path.join(folder, 'file.bin');
    rmSync(target, { force: true });
    if (file.missing) return localFile(target);
    writeFileSync(target, file.sparse ? '' : bytesOf(file));
    if (file.sparse) truncateSync(target, file.size);
    const mtime = new Date(file.mtime ?? 0);
    utimesSync(target, mtime, mtime);
    return withValidators(localFile(target), file);
  },
  memory: (file) =>
    file.missing ? null : withValidators(virtualFile({ name: 'file.bin', content: bytesOf(file) }), file),
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
  if (expected.multipart) return ['multipart is not what this library sends'];
  if (![expected.status].flat().includes(reply.status))
    found.push(`status ${reply.status}, not ${String(expected.status)}`);
  for (const [name, rule] of Object.entries(expected.headers)) {
    const value = reply.headers[name]?.toString() ?? null;
    if (!obeys(value, rule, name, plain, reply)) found.push(`${name}: ${value}, not ${JSON.stringify(rule)}`);
  }
  const slice = expected.bodyIf200 && reply.status === 200 ? [0, bytesOf(file).byteLength] : expected.bodySlice;
  const body = slice === null ? Buffer.alloc(0) : slice === 'any' ? reply.body : wanted(file, slice[0]!, slice[1]!);
  if (!reply.body.equals(body)) found.push(`body of ${reply.body.byteLength} bytes, not ${body.byteLength}`);
  if (reply.body.byteLength > (expected.maxBytes ?? Infinity)) found.push('body too long');
  return found;
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
  const fitting = (cases ?? []).filter(({ file }) => kind === 'disk' || !file.sparse);
  it.each(fitting)('$group $id: $name', async (one) => {
    current = kinds[kind]!(one.file);
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
