import type { MappedPath } from './places.js';

// A header field loses blanks at its ends (RFC 9110 section 5.5), and Node sends no control character but the tab.
const unsendable = /[\0-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/; // eslint-disable-line no-control-regex

/** Percent-encoded, part by part. Node and the disk know a lone surrogate as U+FFFD; encodeURIComponent would throw. */
export function encodedPath(place: MappedPath): string {
  return wholePath(place).split('/').map(encodeURIComponent).join('/');
}

/**
 * The very bytes of the path. A header is written in latin1, so that each byte of the UTF-8 has to be a character of its
 * own. Undefined for what no header can carry.
 */
export function rawPath(place: MappedPath): string | undefined {
  const raw = wholePath(place);
  return unsendable.test(raw) ? undefined : Buffer.from(raw, 'utf8').toString('latin1');
}

/** Whether a path has a control character, the tab among them. */
export function hasControl(place: MappedPath): boolean {
  return /[\0-\x1f\x7f]/.test(wholePath(place)); // eslint-disable-line no-control-regex
}

function wholePath({ prefix, segments }: MappedPath): string {
  return [prefix, ...segments].join('/').toWellFormed();
}
