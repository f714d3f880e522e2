import { randomBytes } from 'node:crypto';
import { lengthOf, type ByteRange, type FileBody } from '../file/body.js';
import { MultipartBody, type MultipartPart } from './multipart-body.js';

/** Several ranges of a file as one body, of which everything but the bytes is known beforehand. */
export interface Multipart {
  /** For the head of the response; that has no Content-Range of its own (RFC 9110 section 15.3.7.2). */
  readonly contentType: string;
  readonly size: number;
  /** Opens the first range; each of the others is opened when its turn has come, and closed before the next. */
  readonly open: () => Promise<FileBody>;
}

/**
 * Ranges as `multipart/byteranges` (section 14.6). The boundary is random: a constant one could be written into a file by
 * whoever uploads it, and would cut the answer there.
 *
 * @param contentType that of the whole file, repeated in each part
 * @param openRange opens one range of the file; only the ranges themselves are ever read
 */
export function multipart(
  ranges: readonly ByteRange[],
  size: number,
  contentType: string | undefined,
  openRange: (range: ByteRange) => Promise<FileBody>,
): Multipart {
  const boundary = randomBytes(18).toString('base64url');
  const type = contentType === undefined ? '' : `Content-Type: ${contentType}\r\n`;
  const parts = ranges.map((range, index): MultipartPart => {
    const contentRange = `Content-Range: bytes ${range.start}-${range.end}/${size}`;
    // The CRLF before a boundary belongs to it; the first needs none, as nothing precedes it.
    const head = `${index === 0 ? '' : '\r\n'}--${boundary}\r\n${type}${contentRange}\r\n\r\n`;
    return { range, head: Buffer.from(head, 'latin1') };
  });
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1');
  const total = parts.reduce((sum, { range, head }) => sum + head.byteLength + lengthOf(range), tail.byteLength);
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    size: total,
    // A storage that fails is a clean error before the head; later ones can only break the connection.
    open: async () => new MultipartBody(parts, tail, total, openRange, await openRange(parts[0]!.range)),
  };
}
