import type { FileSource } from '../file/file.js';
import { parseHttpDate, toSeconds } from '../http/date.js';
import { encodedTag, parseTag, parseTags, sameStrongly, sameWeakly, weakTag, type EntityTag } from '../http/etag.js';
import { header, type DownloadRequest } from './request.js';

/** What identifies the current version of a file's bytes (RFC 9110 section 8.8). */
export interface Validators {
  /** Valid as an ETag header. */
  readonly etag?: string | undefined;
  /** Valid as a Last-Modified header: not in the future, not before the year 1. */
  readonly modified?: Date | undefined;
}

/** The result of the If-* headers: send the file, answer 304, or answer 412. */
export type Verdict = 'proceed' | 'not_modified' | 'failed';

/** Evaluates the If-* headers in the order of RFC 9110 section 13.2.2, for a file that exists and may be read. */
export function checkPreconditions(request: DownloadRequest, validators: Validators): Verdict {
  if (!isConditional(request)) return 'proceed';
  if (isSame(request, validators.etag)) return 'not_modified';
  const current = validators.etag === undefined ? undefined : parseTag(validators.etag);
  const modified = validators.modified && toSeconds(validators.modified);
  const ifMatch = header(request, 'if-match');
  if (ifMatch !== undefined) {
    if (!anyMatches(ifMatch, current, sameStrongly)) return 'failed';
  } else {
    const since = parseDate(header(request, 'if-unmodified-since'));
    if (since !== undefined && modified !== undefined && modified > since) return 'failed';
  }
  const safe = request.method === 'GET' || request.method === 'HEAD';
  const ifNoneMatch = header(request, 'if-none-match');
  if (ifNoneMatch !== undefined) {
    return anyMatches(ifNoneMatch, current, sameWeakly) ? (safe ? 'not_modified' : 'failed') : 'proceed';
  }
  const since = safe ? parseDate(header(request, 'if-modified-since')) : undefined;
  return since !== undefined && modified !== undefined && modified <= since ? 'not_modified' : 'proceed';
}

/** True for what browsers ask: whether they have the very tag, and nothing else. It needs no parsing. */
function isSame({ method, headers }: DownloadRequest, etag: string | undefined): boolean {
  return (
    (method === 'GET' || method === 'HEAD') &&
    etag !== undefined &&
    headers['if-none-match'] === etag &&
    headers['if-match'] === undefined &&
    headers['if-unmodified-since'] === undefined
  );
}

/** True for a request with one of the headers that depend on the state of the file. */
function isConditional({ headers }: DownloadRequest): boolean {
  return (
    headers['if-none-match'] !== undefined ||
    headers['if-modified-since'] !== undefined ||
    headers['if-match'] !== undefined ||
    headers['if-unmodified-since'] !== undefined
  );
}

/**
 * True if the Range header is to be honoured. If-Range must be absent, or one tag that matches strongly, or the exact
 * time of the last change (RFC 9110 section 13.1.5).
 */
export function rangeApplies(request: DownloadRequest, validators: Validators, now: Date = new Date()): boolean {
  const ifRange = header(request, 'if-range');
  if (ifRange === undefined) return true;
  const requestedTag = parseTag(ifRange);
  if (requestedTag) {
    const current = validators.etag === undefined ? undefined : parseTag(validators.etag);
    return current !== undefined && sameStrongly(requestedTag, current);
  }
  const requestedDate = parseHttpDate(ifRange);
  if (requestedDate === undefined || !validators.modified) return false;
  const modified = toSeconds(validators.modified);
  // A date is a strong validator only after its second has passed (section 8.8.2.2).
  return requestedDate === modified && modified < toSeconds(now);
}

/** `*` matches any file that exists, with or without a tag. */
function anyMatches(
  list: string,
  current: EntityTag | undefined,
  same: (a: EntityTag, b: EntityTag) => boolean,
): boolean {
  const tags = parseTags(list);
  if (tags === '*') return true;
  return current !== undefined && tags.some((tag) => same(tag, current));
}

function parseDate(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseHttpDate(text);
}

// The year 1. HTTP dates have four-digit years; toUTCString() writes earlier ones with a minus.
const earliest = -62_135_596_800_000;

/**
 * The validators of a file. A tag with invalid syntax is dropped; without a tag, size and time make a weak one. A time in
 * the future is replaced by the present, because clients would otherwise keep the file until then (section 8.8.2.1).
 */
export function validatorsOf(file: Pick<FileSource, 'etag' | 'modified' | 'size' | 'encoding'>): Validators {
  const { modified: time } = file;
  // The comparison also rejects an Invalid Date.
  const written = time && time.getTime() >= earliest ? time : undefined;
  const size = sizeOf(file);
  const { etag: given } = file;
  const validTag = given !== undefined && parseTag(given) ? given : undefined;
  const plain = validTag ?? (written && size !== undefined ? weakTag(size, written) : undefined);
  const encoding = file.encoding !== 'identity' ? file.encoding : undefined;
  const etag = plain !== undefined && encoding !== undefined ? encodedTag(plain, encoding) : plain;
  const modified = written && written.getTime() > Date.now() ? new Date() : written;
  return { etag, modified };
}

/** The size of a file. An impossible value counts as unknown; the response then has no Content-Length. */
export function sizeOf({ size }: Pick<FileSource, 'size'>): number | undefined {
  return size !== undefined && Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}
