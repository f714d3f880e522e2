import { having, part, unsatisfiable, whole } from './answers.js';
import { date, digits, empty, large, thousand } from './files.js';
import { get, head, table, type HttpCase, type Row } from './http-case.js';

const range = (value: string) => get({ range: value });

// RFC 9110 sections 14.1.1 (grammar), 14.1.2 (byte ranges) and 15.3.7 (206).
export const ranges: readonly HttpCase[] = table('one range', digits, [
  ['returns the first five bytes', range('bytes=0-4'), part(0, 4)],
  ['returns the last five bytes', range('bytes=-5'), part(6, 10)],
  ['stops at the end when the range ends after it', range('bytes=5-1000'), part(5, 10)],
  ['returns all but the last byte', range('bytes=0-9'), part(0, 9)],
  ['stops at the end when the range ends one byte after it', range('bytes=0-11'), part(0, 10)],
  ['returns the last byte by its position', range('bytes=10-'), part(10, 10)],
  ['returns the first byte', range('bytes=0-0'), part(0, 0)],
  ['returns the last byte by a suffix', range('bytes=-1'), part(10, 10)],
  ['returns 206 when a suffix is as long as the file', range('bytes=-11'), part(0, 10)],
  ['returns the whole file when a suffix is longer than it', range('bytes=-12'), part(0, 10)],
  ['accepts positions with leading zeros', range('bytes=00-004'), part(0, 4)],
  ['stops at the end when the range ends at 2^63-1', range('bytes=0-9223372036854775807'), part(0, 10)],
  ['returns the last ten of a thousand bytes by a suffix', range('bytes=-10'), part(990, 999), thousand],
  ['returns the last ten of a thousand bytes by a position', range('bytes=990-'), part(990, 999), thousand],
  ['ignores empty elements of the list (section 5.6.1.2)', range('bytes=,0-4,'), part(0, 4)],
  ['accepts the unit in upper case', range('BYTES=0-4'), part(0, 4)],
  ['sends the entity tag with a part', range('bytes=0-4'), having(part(0, 4), { etag: '"v1"' })],
  ['sends the modification time with a part', range('bytes=0-4'), having(part(0, 4), { 'last-modified': date })],
  ['ignores the range of a HEAD request (section 14.2)', head({ range: 'bytes=0-4' }), whole],
]);

// RFC 9110 section 15.5.17 (416).
export const unsatisfiableRanges: readonly HttpCase[] = table('unsatisfiable range', digits, [
  ['returns 416 when the range starts right after the end', range('bytes=11-'), unsatisfiable],
  ['returns 416 when the range is one byte after the end', range('bytes=12-12'), unsatisfiable],
  ['returns 416 when the range lies after the end', range('bytes=12-100'), unsatisfiable],
  ['returns 416 when an open range starts after the end', range('bytes=100-'), unsatisfiable],
  ['returns 416 when a suffix has no length', range('bytes=-0'), unsatisfiable],
  ['returns 416 when all ranges start after the end', range('bytes=500-600,601-700'), unsatisfiable],
  ['returns 416 when the range starts after a thousand bytes', range('bytes=100000-'), unsatisfiable, thousand],
  ['sends no entity tag with 416', range('bytes=11-'), having(unsatisfiable, { etag: null })],
]);

const malformed = (value: string): Row => [`returns the whole file for ${value}`, range(value), whole];

// A server may ignore or refuse what it cannot parse (RFC 9110 section 14.2); this library ignores it.
export const malformedRanges: readonly HttpCase[] = table('malformed range', digits, [
  malformed('bytes'),
  malformed('bytes=,'),
  malformed('bytes=-'),
  malformed('bytes=--6'),
  malformed('bytes=---0'),
  malformed('bytes=5-2'),
  malformed('bytes=x-4'),
  malformed('bytes=0-4x'),
  malformed('bytes=+0-4'),
  malformed('bytes=1.0-4'),
  malformed('bytes=4'),
  malformed('bytes=-1-2'),
  malformed('bytes=10-alpha'),
  malformed('bytes=10-11 12-'),
]);

// A server must ignore an unknown unit (RFC 9110 section 14.2).
export const unknownUnits: readonly HttpCase[] = table('unknown range unit', digits, [
  malformed('items=0-4'),
  malformed('seconds=0-4'),
  malformed('asdf'),
]);

// RFC 9110 section 14.2 allows servers to ignore the header; clients that always send `0-` rely on it.
export const rangesOfEmptyFiles: readonly HttpCase[] = table(
  'range of an empty file',
  empty,
  ['bytes=0-', 'bytes=0-128', 'bytes=-1', 'bytes=-5'].map((value) => [
    `returns 200 without a body for ${value}`,
    range(value),
    whole,
  ]),
);

const end = 5 * 1024 ** 3;

export const rangesOfLargeFiles: readonly HttpCase[] = table('range of a file of 5 GiB', large, [
  ['returns the first byte', range('bytes=0-0'), part(0, 0)],
  ['returns six bytes across 2^32', range('bytes=4294967295-4294967300'), part(4294967295, 4294967300)],
  ['returns the last byte', range(`bytes=${end - 1}-`), part(end - 1, end - 1)],
  ['stops at the end', range('bytes=5368709000-9999999999'), part(5368709000, end - 1)],
  ['returns 416 when the range starts after the end', range(`bytes=${end}-`), unsatisfiable],
]);
