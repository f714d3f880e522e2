import vm from 'node:vm';
import type * as fileType from 'file-type/core';
import { headBytes } from './head.js';

// What the first bytes must be for a format that file-type recognises by two to six letters alone. Each of these patterns
// has a sample in the tests that the letters alone would have mistaken.
/* eslint-disable no-control-regex */
const evidence: Readonly<Record<string, RegExp>> = {
  'application/pdf': /^(?:\xef\xbb\xbf)?%PDF-/,
  'application/postscript': /^(?:\xef\xbb\xbf)?%!PS/,
  // "BZh", a digit, and the mark of a block or of the end.
  'application/x-bzip2': /^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/,
  'application/x-shockwave-flash': /^[CF]WS[\x01-\x40]/,
  // IFF is also the container of images and other sounds.
  'audio/aiff': /^FORM[^]{4}AIF[FC]/,
  // FF FE is the mark of UTF-16; as MPEG it would be layer I with a checksum, which nothing writes. No frame has the rate 15.
  'audio/mpeg': /^(?!\xff\xfe|\xff[^][\xf0-\xff])/,
  // The size of the header that follows: that of OS/2, or of one of the versions of Windows.
  'image/bmp': /^BM[^]{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0/,
  'image/gif': /^GIF8[79]a/,
  // The reserved bytes of the directory and of its first entry.
  'image/x-icon': /^\0\0[\x01\x02]\0[^\0]\0[^]{3}\0/,
  // A number of tables, and the name of the first.
  'font/ttf': /^\0\x01\0\0\0[\x01-\x7f][^]{6}[\x20-\x7e]{4}/,
  // The first byte of three packets, of 188 bytes or of 192.
  'video/mp2t': /^(?:G[^]{187}G[^]{187}G|[^]{4}G[^]{191}G[^]{191}G)/,
  // A first box of less than 512 MiB; text has letters there.
  'video/quicktime': /^(?:[\0-\x1f]|[^]{4}ftyp)/,
};
/* eslint-enable no-control-regex */

// The formats that are text themselves, and what must be seen to believe it. All others are never text.
const textFormats: Readonly<Record<string, RegExp>> = {
  'application/eps': /^/,
  'application/pdf': /^/,
  'application/pgp-encrypted': /^/,
  'application/postscript': /^/,
  'application/rtf': /^/,
  'application/x-ms-regedit': /^/,
  'application/x-unix-archive': /^!<arch>\n/,
  'model/stl': /^solid[^\n]*\n\s*(?:facet|endsolid)\s/,
  'text/calendar': /^/,
  'text/vcard': /^/,
  'text/vtt': /^/,
};

let core: typeof fileType | undefined;

/** The type that the first bytes are the signature of; undefined if they are none, or if they are text all the same. */
export async function signedType(head: Buffer, isText: boolean): Promise<string | undefined> {
  const start = head.subarray(0, headBytes);
  // Loaded at the first upload, since serving does not need it; an `import()` of what is loaded still takes a while.
  core ??= await import('file-type/core').catch(requireOutsideJest);
  const type = (await core.fileTypeFromBuffer(start))?.mime;
  if (type === undefined) return unsignedType(start.toString('latin1', 0, 1024), isText);
  const bytes = start.toString('latin1');
  if (evidence[type]?.test(bytes) === false) return undefined;
  if (isText && !textFormats[type]?.test(bytes)) return undefined;
  if (type === 'image/heif' || type === 'image/heif-sequence') return imageOfBrands(start) ?? type;
  // A page can load it as a module, so it is stored as bytes without a type.
  return type === 'application/wasm' ? undefined : type;
}

/** Formats that file-type does not find in the head alone, by its first 1024 bytes. */
function unsignedType(bytes: string, isText: boolean): string | undefined {
  // Its directory of tags may be anywhere; that of scanners is at the end.
  if (/^(?:II[*+]\0|MM\0[*+])/.test(bytes)) return 'image/tiff';
  // Readers of PDF find the header in the first 1024 bytes (ISO 32000-1 annex H); in a text only white space may precede.
  const header = isText ? /^\s*%PDF-\d/ : /%PDF-\d/;
  return header.test(bytes) ? 'application/pdf' : undefined;
}

/**
 * The type of an image whose first brand only says that it is an image of the container HEIF: that of its other brands
 * (ISO/IEC 14496-12 section 4.3, ISO/IEC 23008-12 annex B).
 */
function imageOfBrands(head: Buffer): string | undefined {
  const brands = new Set<string>();
  const end = Math.min(head.readUInt32BE(0), head.byteLength);
  for (let at = 16; at + 4 <= end; at += 4) brands.add(head.toString('latin1', at, at + 4));
  if (brands.has('avif') || brands.has('avis')) return 'image/avif';
  if (brands.has('heic') || brands.has('heix')) return 'image/heic';
  return brands.has('hevc') || brands.has('hevx') ? 'image/heic-sequence' : undefined;
}

/**
 * Loads file-type with the `require` of Node, for a Jest run in CommonJS mode.
 *
 * file-type is ESM only. In the package the `import()` above is a `require()`, which loads ESM in Node 20.19 and later, in
 * Bun, and in the bundles of esbuild and webpack, as long as the bundler finds a literal name there. The name is
 * `file-type/core` because the main entry has no `require` condition, and esbuild rejects that. Jest runs code under test
 * with a `require` of its own, which refuses ESM, and replaces `process`, so that `createRequire` is its own as well.
 * `node:vm` reaches the `process` of Node itself, without any flag.
 */
function requireOutsideJest(cause: unknown): typeof fileType {
  // Without __filename this is ESM, such as a bundle, whose loader loads file-type as well.
  if (typeof __filename === 'undefined') throw cause;
  const { getBuiltinModule } = vm.runInThisContext('process') as NodeJS.Process;
  return getBuiltinModule('node:module').createRequire(__filename)('file-type/core') as typeof fileType;
}
