/** An entity-tag taken apart (RFC 9110 section 8.8.3). */
export interface EntityTag {
  readonly weak: boolean;
  /** With its quotes. */
  readonly opaque: string;
}

// Quotes protect commas, so a list is scanned, not split; tabs count as white space.
const tag = /[\t ,]*(W\/)?("[\u0021\u0023-\u007e\u0080-\u00ff]*")[\t ]*(?:,|$)/y;

/** The tags of an If-Match or If-None-Match list, `'*'`, or as many as could be read before nonsense began. */
export function parseTags(header: string): readonly EntityTag[] | '*' {
  if (header.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  tag.lastIndex = 0;
  for (let match = tag.exec(header); match; match = tag.exec(header)) {
    tags.push({ weak: match[1] !== undefined, opaque: match[2] ?? '' });
  }
  return tags;
}

/** The one tag of an If-Range header, undefined when it is not exactly one. */
export function parseTag(text: string): EntityTag | undefined {
  const match = /^(W\/)?("[\u0021\u0023-\u007e\u0080-\u00ff]*")$/.exec(text);
  return match ? { weak: match[1] !== undefined, opaque: match[2] ?? '' } : undefined;
}

/** Strong comparison: for If-Match and If-Range (RFC 9110 section 8.8.3.2). */
export function sameStrongly(a: EntityTag, b: EntityTag): boolean {
  return !a.weak && !b.weak && a.opaque === b.opaque;
}

/** Weak comparison: for If-None-Match. */
export function sameWeakly(a: EntityTag, b: EntityTag): boolean {
  return a.opaque === b.opaque;
}

/** The tag of the same file under an encoding, which is another sequence of bytes (RFC 9110 section 8.8.3.3). */
export function encodedTag(tag: string, encoding: string): string {
  return tag.replace(/"$/, `-${encoding}"`);
}

/** A weak tag for a file of which only size and time are known: two writes within one tick look alike. */
export function weakTag(size: number, modified: Date): string {
  return `W/"${size.toString(16)}-${modified.getTime().toString(16)}"`;
}
