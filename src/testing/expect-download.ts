import assert from 'node:assert/strict';
import { dispositionName } from './disposition-name.js';
import type { ViewResult } from './run-view.js';

/** What a download must be; what is left out may be anything. */
export interface ExpectedDownload {
  /** @default 206 with a `range`, else 200 */
  readonly status?: number;
  /** The name that the client will save it under. */
  readonly name?: string;
  /** The media type: with parameters all of Content-Type, without them all but its parameters. */
  readonly type?: string;
  readonly disposition?: 'attachment' | 'inline';
  /** The body, as bytes. */
  readonly bytes?: Uint8Array;
  /** The body, as text. */
  readonly text?: string;
  /** What of the file the body holds, as in Content-Range: `'0-3/13'`. */
  readonly range?: string;
  /** Other headers by name in any case; null means that there must be none. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
}

/**
 * Rejects with an AssertionError unless a response is that download. Takes what `fetch` and `runView` give; any test
 * runner will do. The promised length and `nosniff`, which every download of this library has, are checked unasked.
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

  const body =
    'body' in response && Buffer.isBuffer(response.body) ? response.body : await bytesOf(response as Response);
  if (expected.text !== undefined) same('text', body.toString('utf8'), expected.text);
  if (expected.bytes !== undefined) {
    assert.ok(body.equals(expected.bytes), `the body of ${body.byteLength} bytes is not the one that was expected`);
  }
  const length = header('content-length');
  // HEAD promises what it does not send.
  if (length !== undefined && body.byteLength > 0) same('length', body.byteLength, Number(length));
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}
