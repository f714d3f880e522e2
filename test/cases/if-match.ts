import { notFound, notModified, part, preconditionFailed, whole } from './answers.js';
import { digits, missing, untagged, weaklyTagged } from './files.js';
import { get, head, table, type HttpCase } from './http-case.js';

const tags = (value: string) => get({ 'if-match': value });
const tagsOfHead = (value: string) => head({ 'if-match': value });

// RFC 9110 sections 8.8.3.2 (strong comparison), 13.1.1 and 13.2.1.
export const ifMatch: readonly HttpCase[] = table('If-Match', digits, [
  ['returns 200 for the tag of the file', tags('"v1"'), whole],
  ['returns 200 for any tag', tags('*'), whole],
  ['returns 412 for a list without the tag', tags(' "foo",, "bar" ,'), preconditionFailed],
  ['returns 412 for the weak tag of the file', tags('W/"v1"'), preconditionFailed, weaklyTagged],
  ['returns 200 to HEAD for the tag of the file', tagsOfHead('"v1"'), whole],
  ['returns 200 to HEAD for any tag', tagsOfHead('*'), whole],
  ['returns 412 to HEAD for another tag', tagsOfHead('"B"'), preconditionFailed],
  ['returns 412 to HEAD for the weak tag of the file', tagsOfHead('W/"v1"'), preconditionFailed, weaklyTagged],
  ['reads a list with spaces and tabs', tags('"foo", "bar", \t"v1" , "baz"'), whole],
  ['returns 412 when the file has no tag', tags('"x"'), preconditionFailed, untagged],
  ['returns 404 when the file is missing', tags('"foo"'), notFound, missing],
]);

// The order of RFC 9110 section 13.2.2.
export const ifMatchWithOthers: readonly HttpCase[] = table('If-Match with other fields', digits, [
  ['returns 304 when If-None-Match matches too', get({ 'if-match': '*', 'if-none-match': '"v1"' }), notModified],
  [
    'returns 412 when the tag differs, whatever the range',
    get({ 'if-match': '"B"', range: 'bytes=0-4' }),
    preconditionFailed,
  ],
  ['returns the range when the tag matches', get({ 'if-match': '*', range: 'bytes=0-4' }), part(0, 4)],
]);
