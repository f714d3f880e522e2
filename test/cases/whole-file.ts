import { having, notAllowed, notFound, whole } from './answers.js';
import { date, digits, empty, future, missing, undated } from './files.js';
import { get, head, table, untilNow, type HttpCase } from './http-case.js';

// RFC 9110 sections 8.8 (validators), 14.3 (Accept-Ranges) and 15.5.6 (Allow).
export const wholeFile: readonly HttpCase[] = table('whole file', digits, [
  ['returns all bytes and their Content-Length', get(), whole],
  ['returns an empty body for an empty file', get(), whole, empty],
  ['sends the entity tag', get(), having(whole, { etag: '"v1"' })],
  ['sends the modification time in the format of HTTP', get(), having(whole, { 'last-modified': date })],
  ['sends Accept-Ranges: bytes', get(), having(whole, { 'accept-ranges': 'bytes' })],
  ['sends no modification time in the future', get(), having(whole, { 'last-modified': untilNow }), future],
  ['sends no modification time when it is unknown', get(), having(whole, { 'last-modified': null }), undated],
  ['returns 404 without a body to HEAD when the file is missing', head(), notFound, missing],
]);

export const methods: readonly HttpCase[] = table(
  'methods',
  digits,
  ['POST', 'PUT', 'PATCH'].map((method) => [
    `returns 405 to ${method} and lists the methods that it supports`,
    { method, headers: {} },
    notAllowed,
  ]),
);
