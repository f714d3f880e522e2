import { having, notModified, part, whole } from './answers.js';
import { date, digits, weaklyTagged } from './files.js';
import { get, head, table, type HttpCase } from './http-case.js';

const tags = (value: string) => get({ 'if-none-match': value });
const tagsOfHead = (value: string) => head({ 'if-none-match': value });
const hourBefore = 'Mon, 06 May 2024 06:08:09 GMT';

// RFC 9110 sections 8.8.3 (grammar), 8.8.3.2 (weak comparison) and 13.1.2.
export const ifNoneMatch: readonly HttpCase[] = table('If-None-Match', digits, [
  ['returns 304 for the tag of the file', tags('"v1"'), notModified],
  ['returns 304 for the weak form of a strong tag', tags('W/"v1"'), notModified],
  ['returns 304 for the weak tag of the file', tags('W/"v1"'), notModified, weaklyTagged],
  ['returns 304 for the strong form of a weak tag', tags('"v1"'), notModified, weaklyTagged],
  ['returns 304 for a list that ends with the weak tag', tags('"foo", "bar", W/"v1"'), notModified, weaklyTagged],
  ['returns 200 for another tag', tags('"foo"'), whole],
  ['returns 200 for the tag in upper case', tags('"V1"'), whole],
  ['returns 304 to HEAD for the weak form of a strong tag', tagsOfHead('W/"v1"'), notModified],
  ['returns 304 to HEAD for a list that ends with the tag', tagsOfHead('"foo", "bar", "v1"'), notModified],
  ['returns 304 to HEAD for the weak tag of the file', tagsOfHead('W/"v1"'), notModified, weaklyTagged],
  ['returns 304 to HEAD for the strong form of a weak tag', tagsOfHead('"v1"'), notModified, weaklyTagged],
  ['returns 304 to HEAD for any tag', tagsOfHead('*'), notModified],
  ['returns 200 to HEAD for another tag', tagsOfHead('"foo"'), whole],
  ['reads a list with empty elements and tabs', tags(' "foo",, "bar" ,\t"v1" , "baz"'), notModified],
  ['reads a list with a comma within a tag', tags('"a,b", "v1"'), notModified],
  ['returns 200 for a tag that contains the tag of the file', tags('"xv1"'), whole],
]);

// If-Modified-Since counts only without If-None-Match (RFC 9110 section 13.1.3).
export const ifNoneMatchWithDate: readonly HttpCase[] = table('If-None-Match with If-Modified-Since', digits, [
  ['returns 200 when only the date matches', get({ 'if-none-match': '"foo"', 'if-modified-since': date }), whole],
  ['returns 304 when both match', get({ 'if-none-match': '"v1"', 'if-modified-since': date }), notModified],
  ['returns 200 when neither matches', get({ 'if-none-match': '"foo"', 'if-modified-since': hourBefore }), whole],
]);

// The conditions come before the range (RFC 9110 section 13.2.2).
export const ifNoneMatchWithRange: readonly HttpCase[] = table('If-None-Match with Range', digits, [
  ['returns 304 when the tag matches', get({ 'if-none-match': '"v1"', range: 'bytes=0-4' }), notModified],
  ['returns the range when the tag differs', get({ 'if-none-match': '"foo"', range: 'bytes=0-4' }), part(0, 4)],
]);

// RFC 9110 sections 8.6 (Content-Length) and 15.4.5 (304); RFC 9111 section 5.2.1.4 (no-cache is for caches).
export const notModifiedFields: readonly HttpCase[] = table('fields of 304', digits, [
  ['sends the entity tag', tags('"v1"'), having(notModified, { etag: '"v1"' })],
  ['sends no Vary when the file has one encoding', tags('"v1"'), having(notModified, { vary: null })],
  [
    'sends no Content-Type, Content-Encoding or Content-Range',
    tags('"v1"'),
    having(notModified, { 'content-type': null, 'content-encoding': null, 'content-range': null }),
  ],
  ['sends no Content-Length', tags('"v1"'), having(notModified, { 'content-length': null })],
  ['ignores no-cache of the request', get({ 'if-none-match': '"v1"', 'cache-control': 'no-cache' }), notModified],
]);
