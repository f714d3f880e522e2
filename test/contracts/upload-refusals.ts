import type { ReceiveOptions } from 'filefield';
import { filePart, textPart, type Part } from '../support/forms.js';

export const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

type Refusal = readonly [
  what: string,
  limits: ReceiveOptions<'file' | 'cover'>,
  parts: readonly Part[],
  answer: object,
];

/** Forms that must be refused, each beside a good file, and what the client is told. */
export const refusals: readonly Refusal[] = [
  [
    'a text field too many',
    { maxFields: 1 },
    [textPart('a', '1'), textPart('b', '2')],
    { status: 422, code: 'limit_exceeded', rule: 'maxFields', limit: 1, field: 'b' },
  ],
  [
    'a file too many',
    { maxFiles: 1 },
    [filePart('file', 'a', '1'), filePart('file', 'b', '2')],
    { status: 422, code: 'limit_exceeded', rule: 'maxFiles', limit: 1, field: 'file' },
  ],
  [
    'a file in another field',
    {},
    [filePart('upload', 'a.txt', '1')],
    { status: 422, code: 'unexpected_field', rule: 'field', field: 'upload', limit: ['file', 'cover'] },
  ],
  [
    'text in a file field',
    {},
    [textPart('file', 'a.txt')],
    { status: 422, code: 'unexpected_field', rule: 'field', field: 'file' },
  ],
  [
    'a text field too long',
    { maxFieldSize: 5 },
    [textPart('a', '123456')],
    { status: 413, code: 'too_large', rule: 'maxFieldSize', limit: 5, field: 'a' },
  ],
  [
    'a name too long',
    {},
    [textPart('é'.repeat(51), '1')],
    { status: 422, code: 'limit_exceeded', rule: 'maxFieldNameSize', limit: 100 },
  ],
  [
    'a file over the limit of its field',
    {},
    [filePart('file', 'a.txt', Buffer.alloc(1_000_001, 'x'))],
    { status: 413, code: 'too_large', rule: 'maxSize', limit: 1_000_000, field: 'file' },
  ],
  [
    'a file over the limit of the call',
    { maxSize: 16, maxFiles: 2 },
    [filePart('cover', 'a.png', Buffer.concat([png, png]))],
    { status: 413, code: 'too_large', rule: 'maxSize', limit: 16, field: 'cover' },
  ],
  [
    'a file of a type that is not accepted',
    { maxFiles: 2 },
    [filePart('cover', 'a.png', 'text')],
    { status: 415, code: 'wrong_type', rule: 'accept', field: 'cover' },
  ],
];
