import { isUtf8 } from 'node:buffer';
import { headBytes } from './head.js';

/** The beginning of a text. */
export interface Text {
  /** Without a byte order mark. Characters of an unknown charset are those of Latin-1. */
  readonly text: string;
  /** `unknown-8bit` (RFC 1428) is Windows-1252, Shift_JIS or another charset of that time: the bytes do not tell which. */
  readonly charset: 'utf-8' | 'utf-16' | 'unknown-8bit';
}

/**
 * Kinds of text that no browser runs, displays as markup, or takes for something else. A file name may choose between
 * these, and only these: a list of the harmless types, not of the dangerous ones.
 */
export const namedTexts: ReadonlySet<string> = new Set([
  'text/plain',
  'text/calendar',
  'text/csv',
  'text/markdown',
  'text/tab-separated-values',
  'text/vcard',
  'text/yaml',
  'application/geo+json',
  'application/json',
  'application/ld+json',
  'application/sql',
  'application/toml',
]);

/** The type of a text that is not markup. */
export function textType(named: string): string {
  return namedTexts.has(named) ? named : 'text/plain';
}

/**
 * A type with what is known of its charset, as a parameter. UTF-8 has none, since it is what a text type means without it;
 * XML and SVG have none, since they declare their charset themselves.
 */
export function withCharset(type: string, charset: Text['charset']): string {
  const isText = type.startsWith('text/') || namedTexts.has(type);
  return isText && charset !== 'utf-8' && !type.includes(';') ? `${type}; charset=${charset}` : type;
}

/** The bytes as text, or undefined if they are something else. */
export function readText(head: Buffer): Text | undefined {
  const start = head.subarray(0, headBytes);
  const found = startsWith(start, 0xff, 0xfe)
    ? { text: decode('utf-16le', start), charset: 'utf-16' as const }
    : startsWith(start, 0xfe, 0xff)
      ? { text: decode('utf-16le', swapped(start)), charset: 'utf-16' as const }
      : readBytes(withoutEndMarks(start));
  return found.text === undefined || control.test(found.text) ? undefined : { ...found, text: found.text };
}

// Control characters other than tab, line breaks, form feed and escape.
// eslint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/;

function readBytes(bytes: Buffer): { readonly text: string | undefined; readonly charset: Text['charset'] } {
  // They are the same bytes in all these charsets. Most files that are no text have one soon.
  if (control.test(bytes.toString('latin1'))) return { text: undefined, charset: 'unknown-8bit' };
  const text = decode('utf-8', bytes);
  if (text !== undefined) return { text, charset: 'utf-8' };
  return { text: isLegacyText(bytes) ? bytes.toString('latin1') : undefined, charset: 'unknown-8bit' };
}

/** The charsets in which Excel writes CSV in China, Japan, Taiwan and Korea, and that of Unix in Japan. */
const doubleByte = ['gb18030', 'shift_jis', 'big5', 'euc-kr', 'euc-jp'] as const;
/** What these charsets leave to bytes that they have no characters for. */
const unassigned = /[\u007f-\u009f€\p{Co}]/u;

/**
 * True if the bytes are likely to be text of a charset that is older than Unicode. In all charsets of Windows and of ISO
 * 8859 most letters are in ASCII and above 0xC0, while bytes of compressed or encrypted data are spread over all values. And
 * in all charsets a text has spaces, digits or line breaks, which are in ASCII.
 */
function isLegacyText(bytes: Buffer): boolean {
  const total = bytes.byteLength;
  let ascii = 0;
  let symbols = 0;
  for (let at = 0; at < total; at += 1) {
    if (bytes[at]! < 0x80) ascii += 1;
    else if (bytes[at]! < 0xc0) symbols += 1;
  }
  if (ascii >= total / 16 && symbols <= total / 8) return true;
  return ascii >= total / 64 && doubleByte.some((charset) => unassigned.test(decode(charset, bytes) ?? '€') === false);
}

function decode(charset: 'utf-8' | 'utf-16le' | (typeof doubleByte)[number], bytes: Buffer): string | undefined {
  try {
    // As a stream, because the head of a longer file may end inside a character.
    const stream = bytes.byteLength >= headBytes - 1;
    return new TextDecoder(charset, { fatal: true }).decode(bytes, { stream });
  } catch {
    return undefined;
  }
}

function startsWith(bytes: Buffer, first: number, second: number): boolean {
  return bytes[0] === first && bytes[1] === second;
}

function swapped(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(0, bytes.byteLength & ~1)).swap16();
}

/** Without the ^Z at the end of texts of DOS and CP/M. */
function withoutEndMarks(bytes: Buffer): Buffer {
  let end = bytes.byteLength;
  while (end > 0 && bytes[end - 1] === 0x1a) end -= 1;
  return bytes.subarray(0, end);
}

/** Tells whether all bytes of a file are UTF-8 (RFC 3629), chunk by chunk. */
export class Utf8Check {
  #cut: Buffer = Buffer.alloc(0);
  #valid = true;

  /** False as soon as the bytes so far cannot be the beginning of UTF-8; at the end also if the last character is cut. */
  get valid(): boolean {
    return this.#valid && this.#cut.byteLength === 0;
  }

  add(chunk: Uint8Array): void {
    if (!this.#valid || chunk.byteLength === 0) return;
    // A character that the last chunk began is completed first.
    const missing =
      this.#cut.byteLength > 0
        ? Math.min(lengthOfCharacter(this.#cut[0]!) - this.#cut.byteLength, chunk.byteLength)
        : 0;
    const character = Buffer.concat([this.#cut, chunk.subarray(0, missing)]);
    const rest = chunk.subarray(missing);
    const end = rest.byteLength - bytesOfCutCharacter(rest);
    const isComplete = missing === 0 || character.byteLength === lengthOfCharacter(character[0]!);
    this.#valid = (!isComplete || isUtf8(character)) && isUtf8(rest.subarray(0, end));
    this.#cut = isComplete ? Buffer.from(rest.subarray(end)) : character;
  }
}

/** How many bytes at the end begin a character that is not complete: 0 to 3. */
function bytesOfCutCharacter(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.byteLength); back += 1) {
    const byte = bytes[bytes.byteLength - back]!;
    if ((byte & 0xc0) !== 0x80) return lengthOfCharacter(byte) > back ? back : 0;
  }
  return 0;
}

/** The bytes of a character, told by its first byte. */
function lengthOfCharacter(lead: number): number {
  return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}
