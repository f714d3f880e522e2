import { memoize } from './memoize.js';

/** A parsed entity-tag (RFC 9110 section 8.8.3). */
export interface EntityTag {
  /** True for `W/"x"`: equivalent content, not necessarily the same bytes. */
  readonly weak: boolean;
  /** The tag itself, with its quotes. */
  readonly opaque: string;
}

// A list is scanned and not split, because a quoted tag may contain commas. Tabs count as white space.
const tag = /[\t ,]*(W\/)?("[\u0021\u0023-\u007e\u0080-\u00ff]*")[\t ]*(?:,|$)/y;

/** Parses an If-Match or If-None-Match header: `'*'`, or its tags up to the first syntax error. */
export function parseTags(header: string): readonly EntityTag[] | '*' {
  if (header.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  tag.lastIndex = 0;
  for (let match = tag.exec(header); match; match = tag.exec(header)) {
    tags.push({ weak: match[1] !== undefined, opaque: match[2] ?? '' });
  }
  return tags;
}

/** Parses a single tag, as in ETag and If-Range. Undefined for any other text. */
export function parseTag(text: string): EntityTag | undefined {
  const match = /^(W\/)?("[\u0021\u0023-\u007e\u0080-\u00ff]*")$/.exec(text);
  return match ? { weak: match[1] !== undefined, opaque: match[2] ?? '' } : undefined;
}

/** Strong comparison, for If-Match and If-Range (RFC 9110 section 8.8.3.2). */
export function sameStrongly(a: EntityTag, b: EntityTag): boolean {
  return !a.weak && !b.weak && a.opaque === b.opaque;
}

/** Weak comparison, for If-None-Match (RFC 9110 section 8.8.3.2). */
export function sameWeakly(a: EntityTag, b: EntityTag): boolean {
  return a.opaque === b.opaque;
}

/** The tag of an encoded copy of a file, whose bytes differ from the file itself (RFC 9110 section 8.8.3.3). */
export function encodedTag(tag: string, encoding: string): string {
  return tag.replace(/"$/, `-${encoding}"`);
}

const hexadecimal = memoize((milliseconds: number) => milliseconds.toString(16));

/** A tag made of size and time. It is weak, because two writes within one tick of the clock have the same time. */
export function weakTag(size: number, modified: Date): string {
  return `W/"${size.toString(16)}-${hexadecimal(modified.getTime())}"`;
}

/** The weak form of a tag; a weak tag stays as it is. */
export function weaken(tag: string): string {
  return tag.startsWith('W/') ? tag : `W/${tag}`;
}
