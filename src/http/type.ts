import path from 'node:path';
import mime from 'mime-types';

const fallback = 'application/octet-stream';
const validType =
  /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:[\t ]*;[\t ]*[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|"[^"\\\u0000-\u001f\u007f-\uffff]*"))*$/; // eslint-disable-line no-control-regex

/**
 * The Content-Type header of a file: the given type, else the one of its name, else `application/octet-stream`. Text
 * without a charset gets UTF-8. A type that no header can carry counts as unknown, so that no stored value can throw.
 */
export function contentType(type: string | undefined, name: string): string {
  const known = type && validType.test(type) ? type : mime.lookup(path.extname(name)) || fallback;
  if (known.includes(';')) return known;
  return mime.charset(known) === 'UTF-8' ? `${known}; charset=utf-8` : known;
}

const inert =
  /^(image\/(png|jpeg|gif|webp|avif|bmp|apng|heic|x-icon|vnd\.microsoft\.icon)|audio\/.+|video\/.+|text\/plain|application\/pdf)$/i;

/**
 * True for types that a browser shows without running anything in them. All others - HTML, SVG, XML, whatever comes
 * next - are only ever sent as attachments, since they would run with the rights of the site that serves them.
 */
export function isInert(type: string): boolean {
  return inert.test(type.split(';', 1)[0]?.trim() ?? '');
}
