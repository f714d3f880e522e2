import { randomBytes } from 'node:crypto';
import { FileFieldError } from '../errors.js';
import type { ByteRange, FileBody } from '../file.js';

/** Several ranges of a file as one body, of which everything but the bytes is known beforehand. */
export interface Multipart {
  /** For the head of the response; that has no Content-Range of its own (RFC 9110 section 15.3.7.2). */
  readonly contentType: string;
  readonly size: number;
  /** Opens the first range; each of the others is opened when its turn has come, and closed before the next. */
  readonly open: () => Promise<FileBody>;
}

interface Part {
  readonly range: ByteRange;
  readonly head: Buffer;
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
  const parts = ranges.map((range, index): Part => {
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
    async open() {
      const first = parts[0]!;
      // A storage that fails is a clean error before the head; later ones can only break the connection.
      let current: FileBody | undefined = await openRange(first.range);
      let closed = false;
      async function* stream(): AsyncGenerator<Uint8Array, void, undefined> {
        for (const part of parts) {
          yield part.head;
          if (part !== first) current = await openRange(part.range);
          // The client may have left while the range was being opened.
          if (closed) current?.close();
          if (closed || !current) return;
          yield* exactly(current, lengthOf(part.range));
          current.close();
          current = undefined;
        }
        yield tail;
      }
      return {
        size: total,
        stream,
        close() {
          closed = true;
          current?.close();
          current = undefined;
        },
      };
    },
  };
}

function lengthOf({ start, end }: ByteRange): number {
  return end - start + 1;
}

/** A part that is too short or too long would move every boundary after it. */
async function* exactly(body: FileBody, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = length;
  for await (const chunk of body.stream()) {
    const kept = chunk.byteLength > left ? chunk.subarray(0, left) : chunk;
    left -= kept.byteLength;
    if (kept.byteLength > 0) yield kept;
    if (left === 0) return;
  }
  throw new FileFieldError('incomplete', `A range of a file ended ${left} bytes early.`);
}
