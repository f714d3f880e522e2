import path from 'node:path';
import mime from 'mime-types';
import { memoize } from './memoize.js';

const fallback = 'application/octet-stream';
const validType =
  /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:[\t ]*;[\t ]*[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|"[^"\\\u0000-\u001f\u007f-\uffff]*"))*$/; // eslint-disable-line no-control-regex

/**
 * The Content-Type header of a file: the given type; without one the type of the name's extension; else
 * `application/octet-stream`. Text types without a charset get `charset=utf-8`, but a charset that is `unknown-8bit` (RFC
 * 1428) is left out, so that the client looks for itself. A given type with invalid syntax is `application/octet-stream`:
 * no stored value can make the header invalid, and the name does not decide for a file that has a type.
 */
export function contentType(type: string | undefined, name: string): string {
  return type === undefined ? typeOfExtension(path.extname(name)) : withCharset(type);
}

const typeOfExtension = memoize((extension: string) => withCharset(mime.lookup(extension) || fallback));

const withCharset = memoize((type: string) => {
  const known = validType.test(type) ? type : fallback;
  if (known.includes(';')) return known.replace(/; *charset=unknown-8bit$/i, '');
  return mime.charset(known) === 'UTF-8' ? `${known}; charset=utf-8` : known;
});

const safeTypes =
  /^(image\/(png|jpeg|gif|webp|avif|bmp|apng|hei[cf](-sequence)?|x-icon|vnd\.microsoft\.icon)|audio\/.+|video\/.+|text\/plain|application\/pdf)$/i;

/**
 * True for types that a browser displays without running scripts in them. All others, such as HTML, SVG and XML, are sent
 * as attachments only: their scripts would run with the rights of the site that serves them.
 */
export const isInert: (type: string) => boolean = memoize((type) => safeTypes.test(type.split(';', 1)[0]!.trim()));

// JavaScript's types of the MIME Sniffing standard, and what else a page can load to act on itself.
const loadedTypes =
  /^(?:(?:text|application)\/(?:x-)?(?:java|ecma|live|j|vb)script(?:1\.[0-5])?|text\/(?:css|cache-manifest|xsl)|application\/xslt\+xml)$/i;

/**
 * The type itself, or `text/plain` for one that a page of the same site can run or apply: a policy such as `script-src
 * 'self'` would admit it, whatever Content-Disposition says.
 */
export const harmlessType: (type: string) => string = memoize((type) => {
  const [essence = '', ...parameters] = type.split(';');
  return loadedTypes.test(essence.trim()) ? ['text/plain', ...parameters].join(';') : type;
});
