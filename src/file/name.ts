import { isUtf8 } from 'node:buffer';
import path from 'node:path';

// Control characters, and marks that make a name read backwards (RFC 6266 section 7, CVE-2021-42574).
// eslint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const longest = 255;

/**
 * A client's file name, cleaned so that it can be kept and shown: without folders (`/` or `\\`), control characters and
 * direction marks, in NFC, well-formed, at most 255 bytes of UTF-8 with its extension kept. Undefined if nothing is left.
 */
export function cleanName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const base = (name.toWellFormed().split(/[/\\]/).pop() ?? '').normalize('NFC').replace(unsafe, '').trim();
  if (base === '' || /^\.+$/.test(base)) return undefined;
  if (Buffer.byteLength(base) <= longest) return base;
  const extension = path.extname(base);
  const room = Buffer.byteLength(extension) > 32 ? longest : longest - Buffer.byteLength(extension);
  return cutBytes(base, room) + (room === longest ? '' : extension);
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

function cutBytes(text: string, most: number): string {
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > most) break;
    kept += character;
  }
  return kept;
}
