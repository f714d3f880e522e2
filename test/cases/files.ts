import type { CaseFile } from './http-case.js';

const mtime = '2024-05-06T07:08:09.000Z';

/** The modification time of the files below, in the format of HTTP. */
export const date = 'Mon, 06 May 2024 07:08:09 GMT';

/** Eleven bytes with a strong tag: position 5 holds the digit 5, position 10 holds `A`. */
export const digits: CaseFile = { content: '0123456789A', mtime, etag: '"v1"' };
export const weaklyTagged: CaseFile = { ...digits, etag: 'W/"v1"' };
export const untagged: CaseFile = { ...digits, etag: null };
export const undated: CaseFile = { ...digits, mtime: null };
/** Modified 0.987 seconds after `date`. */
export const subsecond: CaseFile = { ...digits, mtime: '2024-05-06T07:08:09.987Z' };
/** Written on a machine whose clock is ahead. */
export const future: CaseFile = { content: 'abc', mtime: '2099-01-01T00:00:00.000Z', etag: '"f"' };

export const empty: CaseFile = { content: '', mtime, etag: '"v0"' };
export const thousand: CaseFile = { size: 1000, mtime, etag: '"v2"' };
/** 5 GiB: some positions do not fit into 32 bits. */
export const large: CaseFile = { size: 5 * 1024 ** 3, sparse: true, mtime, etag: '"v3"' };
export const missing: CaseFile = { missing: true };
