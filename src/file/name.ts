import { isUtf8 } from 'node:buffer';
import path from 'node:path';

/**
 * Characters that a name must not have: control characters, line separators, and bidirectional marks, which can display
 * `exe.gpj` as `jpg.exe` (RFC 6266 section 7, CVE-2021-42574).
 */
export const unsafeCharacters = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g; // eslint-disable-line no-control-regex
const longest = 255;

/**
 * A client's file name, cleaned so that it can be kept and shown: without folders (`/` or `\\`), control characters and
 * direction marks, in NFC, well-formed, at most 255 bytes of UTF-8 with its extension kept. Undefined if nothing is left.
 */
export function cleanName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const base = (name.toWellFormed().split(/[/\\]/).pop() ?? '').normalize('NFC').replace(unsafeCharacters, '').trim();
  return base === '' || /^\.+$/.test(base) ? undefined : cutName(base);
}

/**
 * A name cut to 255 bytes of UTF-8, the most that file systems take, with its extension kept.
 *
 * @param most another limit
 * @param length how much of the limit a text takes
 */
export function cutName(name: string, most = longest, length: (text: string) => number = Buffer.byteLength): string {
  if (length(name) <= most) return name;
  const extension = path.extname(name);
  const room = length(extension) > most / 8 ? most : most - length(extension);
  let taken = 0;
  let kept = '';
  for (const character of name) {
    taken += length(character);
    if (taken > room) break;
    kept += character;
  }
  return kept + (room === most ? '' : extension);
}

/**
 * A name whose UTF-8 was decoded as Latin-1, as multer and fetch do by default, decoded again; any other name as it is. Text
 * that is Latin-1 is not valid UTF-8, apart from rare sequences such as "Ã©".
 */
export function mendName(name: string): string {
  // eslint-disable-next-line no-control-regex
  if (!/[\u0080-\u00ff]/.test(name) || /[^\u0000-\u00ff]/.test(name)) return name;
  const bytes = Buffer.from(name, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : name;
}

/** The last part of a URL's path, decoded; undefined if it is empty. */
export function nameOfUrl(url: URL): string | undefined {
  const last = url.pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last) || undefined;
  } catch {
    return last;
  }
}
