import type { IncomingMessage } from 'node:http';
import type { ByteRange } from '../file/body.js';

/** What another server says of a file. */
export interface RemoteHead {
  /** Whether the answer is one: 200, or 206 with the one range that was asked for. */
  readonly usable: boolean;
  /** As on the wire, parameters included. */
  readonly type?: string;
  /** Of the whole file; absent when it is not told. */
  readonly size?: number;
  readonly modified?: Date;
  readonly etag?: string;
  /** What of the file the body holds; absent for all of it. */
  readonly part?: ByteRange;
  /** How the body must be decoded first. */
  readonly encoding?: string;
}

const date = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Reads the head of an answer; `ranged` tells whether a range was asked for. */
export function remoteHead({ statusCode, headers }: IncomingMessage, ranged: boolean): RemoteHead {
  const encoding = encodingOf(headers['content-encoding']);
  const lastModified = headers['last-modified'];
  const { etag } = headers;
  const described = {
    type: headers['content-type'],
    modified: lastModified !== undefined && date.test(lastModified) ? new Date(lastModified) : undefined,
    // Decoded here, the bytes are others than those that a strong tag is of (RFC 9110 section 8.8.3.3).
    etag: encoding && etag?.startsWith('"') ? `W/${etag}` : etag,
    encoding,
  };
  const length = /^\d{1,15}$/.exec(headers['content-length'] ?? '')?.[0];
  if (statusCode === 200) {
    return { ...described, usable: true, size: encoding || length === undefined ? undefined : Number(length) };
  }
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(headers['content-range'] ?? '');
  const [start = 0, end = 0, size = 0] = match?.slice(1).map(Number) ?? [];
  // A range of an encoded body cannot be decoded.
  if (statusCode !== 206 || !ranged || !match || encoding || start > end || end >= size) {
    return { ...described, usable: false };
  }
  return { ...described, usable: true, size, part: { start, end } };
}

function encodingOf(header: string | undefined): string | undefined {
  const encoding = header?.trim().toLowerCase();
  return encoding === undefined || encoding === '' || encoding === 'identity' ? undefined : encoding;
}
