import { FileFieldError } from '../errors.js';
import { bytesBody } from '../file/body.js';
import type { FileSource } from '../file/file.js';

/** Options of `dataUri`. */
export interface DataUriOptions {
  /**
   * File name.
   * @default 'file'
   */
  readonly name?: string | undefined;
}

// RFC 2397 section 3; the type and its parameters as in RFC 2045, with %-escapes.
const token = "[\\w!#$%&'*+.^`|~-]+";
const head = new RegExp(`^data:(${token}/${token})?((?:;${token}=(?:${token}|"[^",]*"))*)(;base64)?,`, 'i');
/** Characters before the data; a longer beginning would need a stack of its length to be read. */
const longestHead = 1024;
const escaped = /%[\da-f]{2}/gi;

/**
 * The file in a data URI (RFC 2397), for `files.stage` or a view. The size is computed from the length of the text: a field
 * with `maxSize` refuses it before it is decoded. The type is what the URI says; a field finds its own from the bytes.
 *
 * @throws `invalid_value` for text that is not a data URI: characters that a URL cannot have, and base64 with blanks, without
 * its padding, or with bits after its end.
 *
 * @example
 * ```ts
 * import { dataUri, type Files, type StoredFile } from 'filefield';
 *
 * declare const files: Files;
 * declare class Document { file: StoredFile | null }
 * const file = await files.stage(Document, 'file', dataUri('data:text/plain;base64,aGVsbG8=', { name: 'hello.txt' }));
 * ```
 */
export function dataUri(text: string, { name = 'file' }: DataUriOptions = {}): FileSource {
  const [prefix, type, , base64] = (typeof text === 'string' && head.exec(text.slice(0, longestHead))) || [];
  if (prefix === undefined) throw malformed('it does not begin with "data:", a media type, and a comma');
  const data = text.slice(prefix.length);
  const { size, decode } = base64 === undefined ? escapedText(data) : base64Text(data);
  let bytes: Buffer | undefined;
  return {
    name,
    type: type?.toLowerCase() ?? 'text/plain',
    size,
    open: async (range) => bytesBody((bytes ??= decode()), range),
  };
}

interface Data {
  readonly size: number;
  readonly decode: () => Buffer;
}

function escapedText(data: string): Data {
  // The characters of a URL (RFC 3986 section 2), and a "%" only before two hexadecimal digits.
  if (/[^\w!$&'()*+,;=:@/?.~%-]|%(?![\da-f]{2})/i.test(data)) {
    throw malformed('its data has a character that must be written as "%" and two hexadecimal digits');
  }
  return { size: data.length - 2 * (data.match(escaped)?.length ?? 0), decode: () => unescape(data) };
}

function base64Text(data: string): Data {
  const text = data.includes('%') ? unescape(data).toString('latin1') : data;
  // The unused bits of the last digit are 0 (RFC 4648 section 3.5).
  const whole = text.length % 4 === 0 && /^[A-Za-z\d+/]*(?:[AQgw]==|[AEIMQUYcgkosw048]=)?$/.test(text);
  if (!whole) throw malformed('its data is not base64 with padding');
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return { size: (text.length / 4) * 3 - padding, decode: () => Buffer.from(text, 'base64') };
}

function unescape(data: string): Buffer {
  return Buffer.from(
    data.replace(escaped, (escape) => String.fromCharCode(parseInt(escape.slice(1), 16))),
    'latin1',
  );
}

function malformed(why: string): FileFieldError {
  return new FileFieldError('invalid_value', `The text is not a data URI (RFC 2397): ${why}.`);
}
