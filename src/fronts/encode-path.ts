import type { FrontPath } from './places.js';

// RFC 9110 section 5.5: a field value has no blanks at its ends. Node refuses control characters other than the tab.
const unsendable = /[\0-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/; // eslint-disable-line no-control-regex

/** The path, percent-encoded segment by segment; a lone surrogate becomes U+FFFD, as in the name that Node gives the disk. */
export function encodedPath(path: FrontPath): string {
  return wholePath(path).split('/').map(encodeURIComponent).join('/');
}

/**
 * The bytes of the path. Node writes headers in latin1, so each byte of the UTF-8 becomes one character. Undefined for a
 * path that no header can contain.
 */
export function rawPath(path: FrontPath): string | undefined {
  const raw = wholePath(path);
  return unsendable.test(raw) ? undefined : Buffer.from(raw, 'utf8').toString('latin1');
}

/** True for a path with a control character; the tab is one. */
export function hasControl(path: FrontPath): boolean {
  return /[\0-\x1f\x7f]/.test(wholePath(path)); // eslint-disable-line no-control-regex
}

function wholePath({ prefix, segments }: FrontPath): string {
  return [prefix, ...segments].join('/').toWellFormed();
}
