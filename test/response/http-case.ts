import type { IncomingHttpHeaders } from 'node:http';
import type { Asked, Reply } from '../adapters/server.js';
import { sharedCases } from '../shared-cases.js';

export type HeaderRule =
  | string
  | null
  | { re: string }
  | { not: string }
  | { oneOf: (string | null)[] }
  | { notAfterDate: true }
  | { differsFromIdentity: true };

export interface Expectation {
  readonly status: number | readonly number[];
  readonly headers: Readonly<Record<string, HeaderRule>>;
  readonly bodySlice: readonly [number, number] | null | 'any';
  readonly bodyIf200?: 'whole';
  /** Slices of the parts, in order. */
  readonly multipart?: readonly (readonly [number, number])[];
  readonly total?: number;
  readonly maxBytes?: number;
  readonly notBody?: string;
  /** The Content-Encoding, or those that will do, null for none. */
  readonly encoding?: string | null | readonly (string | null)[];
  /** The bodies that will do. */
  readonly bodies?: string | readonly string[];
}

export interface CaseFile {
  readonly content?: string;
  readonly size?: number;
  readonly sparse?: boolean;
  readonly missing?: boolean;
  readonly mtime?: string | null;
  readonly etag?: string | null;
  readonly name?: string;
  /** Its bytes under each encoding. */
  readonly variants?: Readonly<Record<'gzip' | 'br', string>>;
}

/** One request about one file, and what may be answered. */
export interface HttpCase {
  readonly id: number;
  readonly group: string;
  readonly name: string;
  readonly file: CaseFile;
  readonly request: { readonly method: string; readonly headers: Readonly<Record<string, string>>; path?: string };
  readonly expect: Expectation;
  readonly alternatives?: readonly Expectation[];
  readonly strict?: Partial<Expectation>;
}

/** Sends one request; rejects when the answer breaks off. */
export type Ask = (asked: Asked) => Promise<Reply>;

const all = sharedCases<HttpCase>('http-cases.json');

/** The cases of some groups; undefined where there are no shared cases. */
export function httpCases(fits: (group: string) => boolean): readonly HttpCase[] | undefined {
  return all?.filter(({ group }) => fits(group));
}

/** Those of a file behind a URL: paths are a matter of views that map URLs, stored encodings of views that look for them. */
export const fileCases = httpCases((group) => group !== 'path' && group !== 'encoding');

/** `describe`, or a loud skip where there are no shared cases. */
export const describeCases = all ? describe : describe.skip;

/** The bytes of a case's file. */
export function bytesOf(file: CaseFile): Buffer {
  return Buffer.from(file.content ?? Uint8Array.from({ length: file.size ?? 0 }, (_byte, index) => index % 251));
}

/** A case's request; its placeholders stand for what a plain request was told. */
export function requestOf({ request }: HttpCase, plain: Reply): Asked {
  const { method, headers } = request;
  return {
    method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value, plain.headers)])),
  };
}

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
