import { part, parts, whole } from './answers.js';
import { digits, thousand } from './files.js';
import { get, head, table, type HttpCase } from './http-case.js';

const range = (value: string) => get({ range: value });

// RFC 9110 sections 14.6 (multipart/byteranges) and 15.3.7.2, which allows merging parts across a small gap.
export const multipleRanges: readonly HttpCase[] = table('several ranges', thousand, [
  ['merges two ranges with a gap of eight bytes', range('bytes=0-0,-2'), part(0, 10), digits],
  ['merges two ranges with a gap of three bytes', range('bytes=0-1,5-'), part(0, 10), digits],
  ['merges adjacent ranges and keeps the order', range('bytes=0-9, -10, 10-19'), parts([0, 19], [990, 999])],
  ['omits an unsatisfiable range', range('bytes=0-9, -10, 100000-, 10-19'), parts([0, 19], [990, 999])],
  ['returns a merged part and the last byte', range('bytes=40-80,81-90,-1'), parts([40, 90], [999, 999])],
  ['returns one part when the first range is unsatisfiable', range('bytes=100-200,0-4'), part(0, 4), digits],
  ['returns one part when the other is a suffix without length', range('bytes=-0,0-4'), part(0, 4), digits],
  ['ignores the ranges of a HEAD request', head({ range: 'bytes=0-1,5-8' }), whole, digits],
]);

const timesFirstByte = (count: number) => Array<string>(count).fill('0-0').join();
const backwardsFrom = (last: number, count: number) =>
  Array.from({ length: count }, (_, index) => `${last - index}-${last - index}`).join();

// A small request can ask for many times the file: CVE-2011-3192 (Apache), CVE-2018-15756 (Spring), CVE-2024-26141
// (Rack). RFC 9110 sections 14.2 and 17.15 allow servers to ignore such a header.
export const wastefulRanges: readonly HttpCase[] = table('wasteful ranges', thousand, [
  ['returns the whole file for five ranges up to the end', range('bytes=0-,1-,2-,3-,4-'), whole, digits],
  ['returns the whole file for 5000 times the first byte', range(`bytes=${timesFirstByte(5000)}`), whole],
  ['returns the whole file for 900 single bytes backwards', range(`bytes=${backwardsFrom(999, 900)}`), whole],
]);
