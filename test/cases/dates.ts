import { notModified, part, preconditionFailed, whole } from './answers.js';
import { date, digits, subsecond, undated } from './files.js';
import { get, head, table, type HttpCase, type Row } from './http-case.js';

const hourAfter = 'Mon, 06 May 2024 08:08:09 GMT';
const hourBefore = 'Mon, 06 May 2024 06:08:09 GMT';
const minuteAfter = 'Mon, 06 May 2024 07:09:09 GMT';
const minuteBefore = 'Mon, 06 May 2024 07:07:09 GMT';
const twoSecondsBefore = 'Mon, 06 May 2024 07:08:07 GMT';

const modifiedSince = (value: string) => get({ 'if-modified-since': value });
const unmodifiedSince = (value: string) => get({ 'if-unmodified-since': value });
const ignoresModified = (value: string, why: string): Row => [`ignores ${why}`, modifiedSince(value), whole];
const ignoresUnmodified = (value: string): Row => [`ignores the date ${value}`, unmodifiedSince(value), whole];

// RFC 9110 sections 5.6.7 (three date formats), 8.8.2 (whole seconds) and 13.1.3.
export const ifModifiedSince: readonly HttpCase[] = table('If-Modified-Since', digits, [
  ['returns 304 for the date of the file', modifiedSince(date), notModified],
  ['returns 200 for an earlier date', modifiedSince(minuteBefore), whole],
  ['returns 304 to HEAD for the date of the file', head({ 'if-modified-since': date }), notModified],
  ['returns 304 to HEAD for a later date', head({ 'if-modified-since': hourAfter }), notModified],
  ['compares whole seconds', head({ 'if-modified-since': date }), notModified, subsecond],
  ignoresModified('', 'an empty date'),
  ignoresModified('2024', 'a year, which Date.parse would accept'),
  ignoresModified('Mon, 06 May 2024', 'a date without a time'),
  ignoresModified('Mon, 06 May 2030 07:08:09 +0000', 'a numeric zone, which Date.parse would accept'),
  ['reads the date format of RFC 850', modifiedSince('Monday, 06-May-24 07:08:09 GMT'), notModified],
  ['reads a date after 2038', modifiedSince('Fri, 25 Feb 2174 09:42:23 GMT'), notModified],
  ['returns the range for an earlier date', get({ 'if-modified-since': minuteBefore, range: 'bytes=0-4' }), part(0, 4)],
]);

// RFC 9110 section 13.1.4.
export const ifUnmodifiedSince: readonly HttpCase[] = table('If-Unmodified-Since', digits, [
  ['returns 200 for the date of the file', unmodifiedSince(date), whole],
  ['returns 412 for an earlier date', unmodifiedSince(twoSecondsBefore), preconditionFailed],
  ['returns 200 to HEAD for a later date', head({ 'if-unmodified-since': minuteAfter }), whole],
  ['returns 412 to HEAD for an earlier date', head({ 'if-unmodified-since': twoSecondsBefore }), preconditionFailed],
  ignoresUnmodified('foo'),
  ignoresUnmodified('0'),
  ['returns 200 when the file has no date', unmodifiedSince('Mon, 06 May 2000 07:08:09 GMT'), whole, undated],
  [
    'returns 412 for an earlier date, whatever the range',
    get({ 'if-unmodified-since': hourBefore, range: 'bytes=0-4' }),
    preconditionFailed,
  ],
]);
