import { parseTag, parseTags, sameStrongly, sameWeakly, type EntityTag } from '../http/etag.js';
import { parseHttpDate, toSeconds } from '../http/date.js';
import { header, type DownloadRequest } from './request.js';

/** What is known of the bytes that would be sent. */
export interface Validators {
  /** In wire form. */
  readonly etag?: string;
  readonly modified?: Date;
}

export type Verdict = 'proceed' | 'not_modified' | 'failed';

/** Judges the If-* headers in the order of RFC 9110 section 13.2.2, for a file that exists and may be seen. */
export function checkPreconditions(request: DownloadRequest, validators: Validators): Verdict {
  const current = validators.etag === undefined ? undefined : parseTag(validators.etag);
  const modified = validators.modified && toSeconds(validators.modified);
  const ifMatch = header(request, 'if-match');
  if (ifMatch !== undefined) {
    if (!anyMatches(ifMatch, current, sameStrongly)) return 'failed';
  } else {
    const since = date(header(request, 'if-unmodified-since'));
    if (since !== undefined && modified !== undefined && modified > since) return 'failed';
  }
  const safe = request.method === 'GET' || request.method === 'HEAD';
  const ifNoneMatch = header(request, 'if-none-match');
  if (ifNoneMatch !== undefined) {
    return anyMatches(ifNoneMatch, current, sameWeakly) ? (safe ? 'not_modified' : 'failed') : 'proceed';
  }
  const since = safe ? date(header(request, 'if-modified-since')) : undefined;
  return since !== undefined && modified !== undefined && modified <= since ? 'not_modified' : 'proceed';
}

/** Whether a Range header counts: If-Range is one tag, compared strongly, or one exact date (section 13.1.5). */
export function rangeApplies(request: DownloadRequest, validators: Validators, now: Date = new Date()): boolean {
  const ifRange = header(request, 'if-range');
  if (ifRange === undefined) return true;
  const asked = parseTag(ifRange);
  if (asked) {
    const current = validators.etag === undefined ? undefined : parseTag(validators.etag);
    return current !== undefined && sameStrongly(asked, current);
  }
  const asDate = parseHttpDate(ifRange);
  if (asDate === undefined || !validators.modified) return false;
  const modified = toSeconds(validators.modified);
  // A date is a strong validator only once its second is over (section 8.8.2.2).
  return asDate === modified && modified < toSeconds(now);
}

/** `*` matches anything that exists, tag or not. */
function anyMatches(
  list: string,
  current: EntityTag | undefined,
  same: (a: EntityTag, b: EntityTag) => boolean,
): boolean {
  const tags = parseTags(list);
  if (tags === '*') return true;
  return current !== undefined && tags.some((tag) => same(tag, current));
}

function date(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseHttpDate(text);
}
