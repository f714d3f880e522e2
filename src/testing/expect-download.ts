import assert from 'node:assert/strict';
import { rawPath } from '../fronts/encode-path.js';
import type { Front } from '../fronts/front.js';
import { fronts, type FrontName } from '../fronts/fronts.js';
import type { ViewResult } from './run-view.js';

/** What a response must be. Members that are absent are not checked. */
export interface ExpectedDownload {
  /** @default 206 with a `range`, else 200 */
  readonly status?: number;
  /** The name under which a browser saves it. */
  readonly name?: string;
  /** The media type. With parameters it must equal the whole Content-Type; without, the part before the parameters. */
  readonly type?: string;
  /** Whether a browser saves or shows it. */
  readonly disposition?: 'attachment' | 'inline';
  /** The body, as bytes. */
  readonly bytes?: Uint8Array;
  /** The body, as text. */
  readonly text?: string;
  /** The part of the file that the body is, as in Content-Range: `'0-3/13'`. */
  readonly range?: string;
  /**
   * The file that a server in front sends in place of the application, by the server: `{ nginx: '/_filefield/documents/a.pdf' }`.
   * nginx and Caddy are given a path of their configuration, Apache and lighttpd one of their disk; as text, not encoded. A
   * RegExp is compared with the header itself. False: the application sends the bytes.
   */
  readonly handedOver?: Readonly<Partial<Record<FrontName, string | RegExp>>> | false;
  /** Other headers by name, in any case; null means that the header must be absent. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
}

/**
 * Rejects with an `AssertionError` unless a response is the expected download. Takes the result of `fetch` or of `runView`;
 * works with any test runner. Content-Length and `nosniff`, which every download of this library has, are always checked.
 *
 * @example
 * ```ts
 * import { expectDownload } from 'filefield/testing';
 *
 * const response = await fetch('http://localhost:3000/documents/report/file', { headers: { range: 'bytes=0-3' } });
 * await expectDownload(response, { name: 'Bericht März.pdf', type: 'application/pdf', text: '%PDF', range: '0-3/1200' });
 * ```
 */
export async function expectDownload(response: Response | ViewResult, expected: ExpectedDownload = {}): Promise<void> {
  const { status = expected.range === undefined ? 200 : 206 } = expected;
  assert.equal(response.status, status, `the status is ${response.status}, not ${status}`);
  const header = (name: string): string | undefined =>
    response.headers instanceof Headers
      ? (response.headers.get(name) ?? undefined)
      : (response.headers as ViewResult['headers'])[name.toLowerCase()];
  const same = (what: string, actual: unknown, wanted: unknown) =>
    assert.deepEqual(actual, wanted, `the ${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`);

  same('X-Content-Type-Options', header('x-content-type-options'), 'nosniff');
  const disposition = header('content-disposition') ?? '';
  if (expected.disposition !== undefined) same('disposition', disposition.split(';', 1)[0], expected.disposition);
  if (expected.name !== undefined) same('name', dispositionName(disposition), expected.name);
  if (expected.type !== undefined) {
    const type = header('content-type') ?? '';
    same('type', expected.type.includes(';') ? type : type.split(';', 1)[0]?.trim(), expected.type);
  }
  if (expected.range !== undefined) same('range', header('content-range'), `bytes ${expected.range}`);
  for (const [name, wanted] of Object.entries(expected.headers ?? {})) {
    const actual = header(name);
    if (wanted instanceof RegExp) assert.match(actual ?? '', wanted);
    else same(`header ${name}`, actual, wanted ?? undefined);
  }

  if (expected.handedOver !== undefined) expectHandedOver(header, expected.handedOver);

  const body =
    'body' in response && Buffer.isBuffer(response.body) ? response.body : await bytesOf(response as Response);
  if (expected.text !== undefined) same('text', body.toString('utf8'), expected.text);
  if (expected.handedOver) same('length of a body that another server sends', body.byteLength, 0);
  if (expected.bytes !== undefined) {
    assert.ok(
      body.equals(expected.bytes),
      `the body has ${body.byteLength} bytes and is not the expected one of ${expected.bytes.byteLength}`,
    );
  }
  const length = header('content-length');
  // A response to HEAD has the length of a body that it does not have.
  if (length !== undefined && body.byteLength > 0) same('length', body.byteLength, Number(length));
}

type HandedOver = NonNullable<ExpectedDownload['handedOver']>;

function expectHandedOver(header: (name: string) => string | undefined, wanted: HandedOver): void {
  const sent = [...new Set(Object.values(fronts).map((front) => front.header))].filter((name) => header(name));
  if (wanted === false) {
    assert.deepEqual(sent, [], `the response leaves the file to a server in front, by ${sent.join(', ')}`);
    return;
  }
  for (const [name, path] of Object.entries(wanted) as [FrontName, string | RegExp][]) {
    const front: Front = fronts[name];
    const value = header(front.header);
    assert.ok(value !== undefined, `the response leaves no file to ${name}: it has no ${front.header}`);
    if (path instanceof RegExp) assert.match(value, path);
    else
      assert.ok(
        valuesOf(front, path).includes(value),
        `the file for ${name} is ${JSON.stringify(value)}, not ${JSON.stringify(path)}`,
      );
  }
}

/** What a front may be given for a path. Caddy 2.6 and earlier get it byte by byte. */
function valuesOf(front: Front, path: string): readonly (string | undefined)[] {
  const [prefix = '', ...segments] = path.split('/');
  return [front.encode({ prefix, segments }), ...(front.name === 'caddy' ? [rawPath({ prefix, segments })] : [])];
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

/** The name in a Content-Disposition as browsers read it: `filename*` before `filename` (RFC 6266 section 4.3). */
function dispositionName(header: string): string | undefined {
  const extended = /;\s*filename\*\s*=\s*UTF-8'[^']*'([^;\s]+)/i.exec(header)?.[1];
  if (extended !== undefined) return decodeURIComponent(extended);
  const [, quoted, token] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(header) ?? [];
  return quoted?.replace(/\\(.)/g, '$1') ?? token;
}
