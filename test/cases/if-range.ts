import { having, part, whole } from './answers.js';
import { date, digits, subsecond, undated, weaklyTagged } from './files.js';
import { get, table, type HttpCase } from './http-case.js';

const ifRange = (value: string, range = 'bytes=0-4') => get({ range, 'if-range': value });

// RFC 9110 sections 13.1.5 (one strong tag, or one date that is the same), 13.2.2 and 15.3.7.
export const ifRangeCases: readonly HttpCase[] = table('If-Range', digits, [
  ['returns the range for the tag of the file', ifRange('"v1"'), part(0, 4)],
  ['returns the whole file for a weak tag', ifRange('W/"v1"'), whole, weaklyTagged],
  ['returns the whole file for the strong form of a weak tag', ifRange('"v1"'), whole, weaklyTagged],
  ['returns the whole file for a list of tags', ifRange('"B", "v1"'), whole],
  ['returns the whole file for a star', ifRange('*'), whole],
  ['returns the range for the date of the file', ifRange(date), part(0, 4)],
  ['compares whole seconds', ifRange(date), part(0, 4), subsecond],
  ['returns the whole file for a later date', ifRange('Mon, 06 May 2024 07:08:10 GMT'), whole],
  ['returns the whole file when the file has no date', ifRange(date), whole, undated],
  ['returns 200, not 416, for another tag', ifRange('"B"', 'bytes=100-'), whole],
  ['returns 200 without a range', get({ 'if-range': '"B"' }), whole],
  ['sends the entity tag with the range', ifRange('"v1"'), having(part(0, 4), { etag: '"v1"' })],
]);
