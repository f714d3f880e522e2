import { isPromise } from '../file/promise.js';
import type { DeliveryChoice } from '../response/download.js';
import type { DownloadProgress } from '../response/hooks.js';
import type { DownloadRequest } from '../response/request.js';
import type { Signer } from '../signing.js';

/** A value, or a function that returns it for a request and the subject of the download. */
export type Choice<Value, Raw, Subject> = Value | ((request: Raw, subject: Subject) => Value | Promise<Value>);

/**
 * A function that is called during a download. The download does not wait for it; an error that it throws goes to the
 * adapter's `onError` and does not affect the response.
 */
export type Hook<Raw, Subject, Event> = (request: Raw, subject: Subject, event: Event) => unknown;

/** Route parameters as the framework decoded them. The value of a wildcard may be a list of path segments. */
export type RouteParams = DownloadRequest['params'];

/** A value, or a function that derives it from a request; undefined or null answers 404. */
export type Requested<Value, Raw> =
  Value | ((request: Raw, params: RouteParams) => Value | undefined | null | Promise<Value | undefined | null>);

/** The value for one request, or a promise of it. */
export function valueFor<Value, Raw>(
  requested: Requested<Value, Raw>,
  request: DownloadRequest<Raw>,
): Value | undefined | null | Promise<Value | undefined | null> {
  return typeof requested === 'function'
    ? (requested as (raw: Raw, params: RouteParams) => Value | Promise<Value>)(request.raw, request.params)
    : requested;
}

/** How a view reads paths from URLs. */
export interface PathOptions {
  /**
   * Whether to serve URLs whose path encodes what needs no encoding: `%2F` for a slash, `%5C` for a backslash, `%70` for p,
   * `%2E` for a dot. Set it to true if keys with slashes are one encoded segment of your URLs, and no guard depends on a path.
   * @default false: such a URL is 404, because the guards of most routers (`app.use('/files/private', ...)`) compare a path
   * before it is decoded, and would not see it
   */
  readonly anyEncoding?: boolean;
}

// Letters, digits, `-`, `.`, `_` (RFC 3986 section 2.3), `/` and `\`. Not `~`, which old encoders encode.
const needlesslyEncoded = /%(?:2[def]|3\d|[46][1-9a-f]|5[\dacf]|7[\da])/i;

/** True for a URL whose path, not its query, encodes what needs no encoding. */
const isNeedlesslyEncoded = (url: string) => url.includes('%') && needlesslyEncoded.test(url.split('?', 1)[0]!);

/**
 * The path of a string, or of segments; null if there is none, or if a guard of the router may not have seen what it means:
 * by its encoding in the URL, or by a slash within a segment.
 */
export function pathFor<Raw>(
  requested: Requested<string | readonly string[], Raw>,
  request: DownloadRequest<Raw>,
  options: PathOptions,
): string | null | Promise<string | null> {
  const asked = typeof requested === 'function' ? (request.url ?? '') : '';
  const path = valueFor(requested, request);
  return isPromise(path) ? path.then((text) => checkedPath(text, asked, options)) : checkedPath(path, asked, options);
}

function checkedPath(
  path: string | readonly string[] | undefined | null,
  url: string,
  { anyEncoding = false }: PathOptions,
): string | null {
  if (path === undefined || path === null) return null;
  if (!anyEncoding && isNeedlesslyEncoded(url)) return null;
  if (typeof path === 'string') return path;
  return path.some((segment) => segment.includes('/')) ? null : path.join('/');
}

/** How a view checks signed URLs. */
export interface SignatureOptions<Raw> {
  /** From `createSigner`, with the key that signed the URL. */
  readonly signer: Signer;
  /**
   * Identifies the client that sent the request, as the `bind` option of `sign` did. A request for which it returns no text,
   * such as one without a session, is refused.
   * @default any client that has the URL
   */
  readonly bind?: (request: Raw) => string;
}

/**
 * The options that all views have in common.
 *
 * @typeParam Raw the framework's request
 * @typeParam Subject what the view found, such as a row or a path
 */
export interface DownloadViewOptions<Raw, Subject> {
  /**
   * `attachment` saves the file, `inline` displays it in the browser. Types that can run scripts, such as HTML, SVG and
   * XML, are always sent as attachments, because their scripts would have the rights of your site.
   * @default 'attachment'
   */
  readonly disposition?: Choice<'attachment' | 'inline', Raw, Subject>;
  /**
   * The name that the file is saved under.
   * @default the name of the file
   */
  readonly fileName?: Choice<string, Raw, Subject>;
  /**
   * The Content-Type header, with or without a charset.
   * @default the type of the file; else the type of its name's extension; else application/octet-stream
   */
  readonly contentType?: Choice<string, Raw, Subject>;
  /**
   * The Cache-Control header. `private` stands for 'private, no-cache': the client stores the file and revalidates it
   * each time. `immutable` stands for 'private, max-age=31536000, immutable', for URLs whose content never changes. Any
   * other value is sent as it is. WARNING: with `public`, shared caches may serve the file to other users.
   * @default what the registry has for the storage of a file field, else 'private'
   */
  readonly cacheControl?: Choice<string, Raw, Subject>;
  /**
   * The entity-tag with its quotes, `"x"`. It must change whenever the bytes do.
   * @default the tag of the file: strong if its storage or the ledger guarantees the bytes, else made of size and time
   */
  readonly etag?: Choice<string | undefined, Raw, Subject>;
  /**
   * The time of the last change.
   * @default the time of the file
   */
  readonly modified?: Choice<Date | undefined, Raw, Subject>;
  /**
   * Serves only requests with a valid signature; all others get 403 before anything is looked up. A file name in the
   * signature replaces `fileName`, and caches keep the file no longer than the URL is valid.
   * @default no signature is needed
   */
  readonly signature?: SignatureOptions<Raw>;
  /**
   * Decides whether the client may have the file: only `true` admits it. Called before the file is read.
   * @default every request is admitted
   */
  readonly authorize?: (request: Raw, subject: Subject) => boolean | Promise<boolean>;
  /**
   * The status for a request that `authorize` refuses. 404 does not reveal that the file exists.
   * @default 404
   */
  readonly onDenied?: 404 | 403;
  /**
   * Who sends the bytes. `'none'` is this process, also if the router or application has a delivery.
   * @default the delivery of the router or application; without one, this process
   */
  readonly delivery?: DeliveryChoice;
  /** The bytes are sent next, by this process or, if `delegated`, by another server. Not called for HEAD and 304. */
  readonly onStart?: Hook<Raw, Subject, DownloadProgress>;
  /** All promised bytes were sent. */
  readonly onComplete?: Hook<Raw, Subject, DownloadProgress>;
  /** The download ended early: the client disconnected or stalled or, if there is an `error`, reading failed. */
  readonly onAbort?: Hook<Raw, Subject, DownloadProgress>;
  /** The view found a file whose bytes do not exist; the client gets 404. */
  readonly onMissing?: Hook<Raw, Subject, unknown>;
}
