import type { LoadHint } from '../file/file.js';
import { reprDigest } from '../http/digest.js';

/**
 * The part of a request that views and deliveries read. An adapter makes it from its framework's request, which is
 * available as `raw` for the functions among a view's options.
 *
 * @typeParam Raw the framework's request
 */
export interface DownloadRequest<Raw = unknown> {
  /** In upper case. */
  readonly method: string;
  /** Path and query as the client sent them, before any router removed a prefix. Signatures cover this URL. */
  readonly url?: string;
  /** Names in lower case, as Node provides them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Route parameters, decoded. */
  readonly params: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The framework's own request. */
  readonly raw: Raw;
  /**
   * Called with failures that do not change the response, such as those of hooks.
   * @default console.error
   */
  readonly report?: (error: unknown) => void;
}

/** A request header as text. Repeated headers are joined by commas (RFC 9110 section 5.3). */
export function header(request: DownloadRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'object' ? value.join(', ') : value;
}

/** What the request is going to read of a file, for `FileSource.load`. */
export function loadHint(request: DownloadRequest): LoadHint {
  return { head: request.method === 'HEAD', range: header(request, 'range') };
}

const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-proto'];

/**
 * The Repr-Digest header for a file with this SHA-256. Undefined where it could become false: a proxy that compresses keeps
 * it, although it covers the bytes without their Content-Encoding only (RFC 9530 section 3).
 */
export function digestFor(request: DownloadRequest, sha256: string | undefined): string | undefined {
  if (sha256 === undefined) return undefined;
  const accepted = header(request, 'accept-encoding') ?? 'identity';
  const compressible = !/^\s*(?:identity)?\s*$/i.test(accepted);
  if (compressible && proxyHeaders.some((name) => header(request, name) !== undefined)) return undefined;
  return reprDigest(sha256, header(request, 'want-repr-digest'));
}
