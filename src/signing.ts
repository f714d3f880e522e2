import { KeyRing, type SigningKey } from './keys.js';
import { duration, invalidOption, type Duration } from './options.js';

/** What a signed URL permits. */
export interface SignOptions {
  /** How long the URL is valid: at least 1 ms, at most ten years. Rounded up to whole seconds. */
  readonly expiresIn: Duration;
  /**
   * The methods that the URL is valid for.
   * @default ['GET', 'HEAD']
   */
  readonly methods?: readonly string[];
  /**
   * The name that a view saves the download under.
   * @default the name that the view chooses
   */
  readonly fileName?: string;
  /**
   * Identifies the client that the URL is for, such as a user or an address. It is not a part of the URL; `verify` must
   * get the same text.
   * @default any client that has the URL
   */
  readonly bind?: string;
}

/** The parts of a request that a signature covers. */
export interface SignedRequest {
  /** In upper case. */
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly url: string;
  /** The text that `sign` got as `bind`. */
  readonly bind?: string;
}

/**
 * Why a signature is not valid. `missing`: the URL has none. `malformed`: a parameter is missing, repeated or invalid.
 * `expired`: its time is over. `unknown_key`: no key has its id. `mismatch`: the URL was changed, or the method or the
 * bound client differs.
 */
export type SignatureFault = 'missing' | 'malformed' | 'expired' | 'mismatch' | 'unknown_key';

/** The result of `Signer.verify`. */
export type Verified = ValidSignature | InvalidSignature;

/** The request has a valid signature. */
export interface ValidSignature {
  /** True: let the request in. */
  readonly ok: true;
  /** When the URL expires. */
  readonly expires: Date;
  /** The file name that was signed; absent if none was. */
  readonly fileName?: string;
}

/** The request has no valid signature. */
export interface InvalidSignature {
  /** False: refuse the request. */
  readonly ok: false;
  /** Why, for the log and not for the client. */
  readonly reason: SignatureFault;
}

/** Signs URLs and verifies them. Made by `createSigner`. */
export interface Signer {
  /**
   * Adds a signature to a path with a query.
   *
   * @param pathAndQuery begins with `/`, without origin and fragment
   * @throws `invalid_option` for a path that clients would change before they send it, for query parameters whose names
   *   the signature uses (`sig` and `sig-…`), and for invalid options
   */
  sign(pathAndQuery: string, options: SignOptions): string;
  /** Verifies the signature of a request. Never throws. The reason of a failure is for the log, not for the client. */
  verify(request: SignedRequest): Verified;
}

/**
 * Verifies a request for a route whose URLs are bound to clients. A client that is not known, such as one without a session,
 * is a mismatch: an unbound URL must not admit it.
 *
 * @param bind the route's function; undefined if its URLs are not bound
 */
export function verifyBound<Raw>(
  signer: Signer,
  request: { readonly method: string; readonly url: string },
  bind: ((request: Raw) => string) | undefined,
  raw: Raw,
): Verified {
  if (!bind) return signer.verify(request);
  const client: unknown = bind(raw);
  return typeof client === 'string' ? signer.verify({ ...request, bind: client }) : fault('mismatch');
}

type Parameter = readonly [name: string, value: string];

interface ParsedUrl {
  /** Percent-encoded in one way, however the client encoded it. */
  readonly path: string;
  /** Decoded, in the order of the URL. */
  readonly query: readonly Parameter[];
}

/** The parts of a URL that a signature covers. */
interface SignedParts {
  readonly path: string;
  /** All parameters except the signature. */
  readonly query: readonly Parameter[];
  /** In upper case, joined by commas. */
  readonly methods: string;
  readonly bind: string | undefined;
}

const parameters = {
  signature: 'sig',
  key: 'sig-key',
  expires: 'sig-expires',
  fileName: 'sig-name',
  methods: 'sig-methods',
} as const;
const reserved: ReadonlySet<string> = new Set(Object.values(parameters));
const defaultMethods = 'GET,HEAD';
const longestLifetime = 10 * 366 * 86_400_000;

/**
 * Makes a signer for URLs that expire and cannot be changed. The first key signs, all keys verify: to rotate, put a new
 * key first, and remove the old one when its last URL has expired. A proxy may encode the path differently or sort the
 * query parameters; a parameter that is added, changed or removed invalidates the signature.
 *
 * @throws `invalid_option` without a key, for ids that are invalid or not unique, and for a secret under 32 bytes
 *
 * @example
 * ```ts
 * import { createSigner } from 'filefield';
 *
 * const signer = createSigner({ keys: [{ id: '2026-11', secret: 'at least thirty-two random bytes, kept apart' }] });
 * const url = signer.sign('/documents/7/file', { expiresIn: '10m', fileName: 'Plan.pdf' });
 * const verified = signer.verify({ method: 'GET', url });
 * ```
 */
export function createSigner({ keys }: { readonly keys: readonly SigningKey[] }): Signer {
  const ring = new KeyRing(keys, 'A signer');
  return {
    sign: (pathAndQuery, options) => sign(pathAndQuery, options, ring),
    verify: (request) => verify(request, ring),
  };
}

function sign(pathAndQuery: string, { expiresIn, methods, fileName, bind }: SignOptions, ring: KeyRing): string {
  const url = parseUrl(pathAndQuery);
  if (!url) {
    throw invalidOption('A signed path must begin with "/", be validly encoded and have no dot segments.');
  }
  const conflict = url.query.find(([name]) => reserved.has(name));
  if (conflict) throw invalidOption(`The query parameter "${conflict[0]}" is reserved for the signature.`);
  const allowed = methods ? methodsOf(methods) : defaultMethods;
  const query: Parameter[] = [
    ...url.query,
    [parameters.expires, String(expiryOf(expiresIn))],
    [parameters.key, ring.signer],
    ...(fileName === undefined ? [] : [[parameters.fileName, fileName.toWellFormed()] as const]),
    ...(allowed === defaultMethods ? [] : [[parameters.methods, allowed] as const]),
  ];
  const signature = ring.sign(canonicalText({ path: url.path, query, methods: allowed, bind }));
  return `${url.path}?${queryText(query)}&${parameters.signature}=${signature}`;
}

function verify({ method, url: text, bind }: SignedRequest, ring: KeyRing): Verified {
  // A proxy may send the absolute form (RFC 9112 section 3.2.2).
  const url = parseUrl(text.replace(/^https?:\/\/[^/?#]+/i, ''));
  if (!url) return fault('malformed');
  const valuesOf = (name: string) => url.query.filter(([other]) => other === name).map(([, value]) => value);
  const [signature, ...repeated] = valuesOf(parameters.signature);
  if (signature === undefined) return fault('missing');
  const [key, expires, fileName, methods = defaultMethods] = [
    parameters.key,
    parameters.expires,
    parameters.fileName,
    parameters.methods,
  ].map((name) => {
    const [value, ...more] = valuesOf(name);
    repeated.push(...more);
    return value;
  });
  // A repeated parameter is refused, because two programs may read different ones of its values.
  if (repeated.length > 0 || !signature || !key || !/^\d{1,12}$/.test(expires ?? '')) return fault('malformed');
  if (!ring.has(key)) return fault('unknown_key');
  const query = url.query.filter(([name]) => name !== parameters.signature);
  const signed = canonicalText({ path: url.path, query, methods, bind });
  if (!ring.verifies(key, signed, signature)) return fault('mismatch');
  if (!methods.split(',').includes(method)) return fault('mismatch');
  const expiry = new Date(Number(expires) * 1000);
  if (expiry.getTime() <= Date.now()) return fault('expired');
  return { ok: true, expires: expiry, ...(fileName !== undefined && { fileName }) };
}

function methodsOf(methods: readonly string[]): string {
  const text = [...new Set(methods.map((method) => method.toUpperCase()))].sort().join(',');
  if (!/^[A-Z-]+(,[A-Z-]+)*$/.test(text))
    throw invalidOption('The option "methods" must list the names of HTTP methods.');
  return text;
}

/** Whole seconds since 1970, rounded up so that a URL with a short life is valid at all. */
function expiryOf(expiresIn: Duration): number {
  return Math.ceil((Date.now() + duration('expiresIn', expiresIn, { from: 1, to: longestLifetime })) / 1000);
}

/** The text that the signature covers. Each line is encoded, so that no value can contain a line break. */
function canonicalText({ path, query, methods, bind }: SignedParts): string {
  // Parameters of the same name keep their order, because programs read the first or the last of them.
  const sorted = [...query].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return ['filefield 1', methods, path, queryText(sorted), bind === undefined ? '' : JSON.stringify(bind)].join('\n');
}

/** Decodes path and parameters; undefined for invalid encoding, dot segments, and text that is not a path. */
function parseUrl(url: string): ParsedUrl | undefined {
  const [, rawPath = '', rawQuery = ''] = /^(\/[^?#]*)(?:\?([^#]*))?$/.exec(url) ?? [];
  if (!rawPath || !url.isWellFormed()) return undefined;
  try {
    // Each segment alone: an encoded slash does not separate segments.
    const segments = rawPath.split('/').map(decodeURIComponent);
    // Clients resolve dot segments, encoded or not, before they send the path.
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

function fault(reason: SignatureFault): Verified {
  return { ok: false, reason };
}
