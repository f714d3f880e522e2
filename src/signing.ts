import { createHmac, timingSafeEqual } from 'node:crypto';
import { duration, type Duration } from './options.js';
import { FileFieldError } from './errors.js';

/** A secret and the name that URLs give it. */
export interface SigningKey {
  /** Shown in every URL: letters, digits, `.`, `_` and `-`. */
  readonly id: string;
  /** At least 32 bytes, random. */
  readonly secret: string | Uint8Array;
}

export interface SignOptions {
  /** How long the URL is good for, ten years at most. */
  readonly expiresIn: Duration;
  /** @default ['GET', 'HEAD'] */
  readonly methods?: readonly string[];
  /** The name that a view will save the download under. */
  readonly fileName?: string;
  /** Whom the URL is for, such as a user or an address; whoever verifies must say the same. It is not in the URL. */
  readonly bind?: string;
}

/** A request as a signature sees it. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly url: string;
  readonly bind?: string;
}

/** `mismatch`: something was changed, or the method or the client is another. */
export type SignatureFault = 'missing' | 'malformed' | 'expired' | 'mismatch' | 'unknown_key';

export type Verified =
  | { readonly ok: true; readonly expires: Date; readonly fileName?: string }
  | { readonly ok: false; readonly reason: SignatureFault };

export interface Signer {
  /** The same path and query with a signature. Throws `invalid_option` for a path that no client would send as it is. */
  sign(pathAndQuery: string, options: SignOptions): string;
  /** Whether this request is one that was signed. Never throws; the reason is for the log, not for the client. */
  verify(request: SignedRequest): Verified;
}

type Parameter = readonly [name: string, value: string];

const names = {
  signature: 'sig',
  key: 'sig-key',
  expires: 'sig-expires',
  fileName: 'sig-name',
  methods: 'sig-methods',
} as const;
const reserved: ReadonlySet<string> = new Set(Object.values(names));
const defaultMethods = 'GET,HEAD';
const longest = 10 * 366 * 86_400_000;

/**
 * Makes URLs that expire and that nobody can change. The first key signs, all of them verify: to rotate, put a new one in
 * front and drop the old one when its last URL has expired. A proxy may encode the path in another way or sort the
 * parameters; adding, changing or removing one breaks the signature.
 *
 * @example
 * ```ts
 * import { createSigner } from 'filefield';
 *
 * const signer = createSigner({ keys: [{ id: '2026-11', secret: 'at least thirty-two random bytes, kept apart' }] });
 * const url = signer.sign('/documents/7/file', { expiresIn: '10m', fileName: 'Plan.pdf' });
 * ```
 */
export function createSigner({ keys }: { readonly keys: readonly SigningKey[] }): Signer {
  const secrets = new Map(keys.map((key) => [key.id, secretOf(key)]));
  const first = keys[0];
  if (!first || secrets.size < keys.length) throw invalid('A signer needs at least one key, and another id for each.');
  return {
    sign(pathAndQuery, { expiresIn, methods, fileName, bind }) {
      const url = parse(pathAndQuery);
      if (!url)
        throw invalid('Only a path that begins with "/", in valid encoding and without dot segments, is signed.');
      const taken = url.query.find(([name]) => reserved.has(name));
      if (taken) throw invalid(`The query parameter "${taken[0]}" is the signature's own.`);
      const allowed = methods ? methodsOf(methods) : defaultMethods;
      const query: Parameter[] = [
        ...url.query,
        [names.expires, String(expiryOf(expiresIn))],
        [names.key, first.id],
        ...(fileName === undefined ? [] : [[names.fileName, fileName.toWellFormed()] as const]),
        ...(allowed === defaultMethods ? [] : [[names.methods, allowed] as const]),
      ];
      const signature = hmac(secrets.get(first.id)!, canonical(url.path, query, allowed, bind));
      return `${url.path}?${queryText(query)}&${names.signature}=${signature}`;
    },
    verify({ method, url: text, bind }) {
      const url = parse(text);
      if (!url) return fault('malformed');
      const query = url.query.filter(([name]) => name !== names.signature);
      const own = (name: string) => url.query.filter((one) => one[0] === name).map((one) => one[1]);
      const given = Object.values(names).map(own);
      if (own(names.signature).length === 0) return fault('missing');
      const [[signature], [key], [expires], [fileName], [methods]] = given as [
        string[],
        string[],
        string[],
        string[],
        string[],
      ];
      // One of each: a second would be read by nobody, or by somebody else.
      if (given.some((values) => values.length > 1) || !signature || !key || !/^\d{1,12}$/.test(expires ?? '')) {
        return fault('malformed');
      }
      const secret = secrets.get(key);
      if (!secret) return fault('unknown_key');
      const allowed = methods ?? defaultMethods;
      if (!equal(signature, hmac(secret, canonical(url.path, query, allowed, bind)))) return fault('mismatch');
      if (!allowed.split(',').includes(method)) return fault('mismatch');
      const end = Number(expires) * 1000;
      if (end <= Date.now()) return fault('expired');
      return { ok: true, expires: new Date(end), ...(fileName !== undefined && { fileName }) };
    },
  };
}

function secretOf({ id, secret }: SigningKey): Buffer {
  if (!/^[\w.-]{1,64}$/.test(id))
    throw invalid('The id of a signing key is 1 to 64 letters, digits, ".", "_" and "-".');
  const bytes = Buffer.from(secret as string);
  if (bytes.byteLength < 32) throw invalid(`The secret of the signing key "${id}" is shorter than 32 bytes.`);
  return bytes;
}

function methodsOf(methods: readonly string[]): string {
  const text = [...new Set(methods.map((method) => method.toUpperCase()))].sort().join(',');
  if (!/^[A-Z-]+(,[A-Z-]+)*$/.test(text)) throw invalid('A signature needs the names of methods.');
  return text;
}

/** Whole seconds since 1970, rounded up so that no URL is stillborn. */
function expiryOf(expiresIn: Duration): number {
  return Math.ceil((Date.now() + duration('expiresIn', expiresIn, { from: 1, to: longest })) / 1000);
}

/** Everything that the signature vouches for. Each line is encoded, so that none can pretend to be two. */
function canonical(path: string, query: readonly Parameter[], methods: string, bind: string | undefined): string {
  // Parameters of one name keep their order, since programs read the first or the last.
  const sorted = [...query].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const bound = bind === undefined ? '' : JSON.stringify(bind);
  return ['filefield 1', methods, path, queryText(sorted), bound].join('\n');
}

/** Path and parameters in one encoding, whatever the client's was; undefined when there is no sense in them. */
function parse(url: string): { readonly path: string; readonly query: Parameter[] } | undefined {
  const [, rawPath = '', rawQuery = ''] = /^(\/[^?#]*)(?:\?([^#]*))?$/.exec(url) ?? [];
  if (!rawPath || !url.isWellFormed()) return undefined;
  try {
    // By segments: an encoded slash is not a slash.
    const segments = rawPath.split('/').map(decodeURIComponent);
    // Clients resolve these before they send them, encoded or not.
    if (segments.some((segment) => segment === '.' || segment === '..')) return undefined;
    const query = rawQuery.split('&').flatMap((pair): Parameter[] => {
      const [name = '', ...value] = pair.replaceAll('+', ' ').split('=');
      return pair === '' ? [] : [[decodeURIComponent(name), decodeURIComponent(value.join('='))]];
    });
    return { path: segments.map(encodeURIComponent).join('/'), query };
  } catch {
    return undefined;
  }
}

function queryText(query: readonly Parameter[]): string {
  return query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
}

function hmac(secret: Buffer, text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url');
}

/** In constant time for signatures of the right length. As text: base64 has several spellings of the same bytes. */
function equal(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

function fault(reason: SignatureFault): Verified {
  return { ok: false, reason };
}

function invalid(message: string): FileFieldError {
  return new FileFieldError('invalid_option', message);
}
