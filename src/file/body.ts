import { FileFieldError } from '../errors.js';

/** Bytes `start` to `end`, both inclusive and counted from 0 (RFC 9110 section 14.1.2). A range is never empty. */
export interface ByteRange {
  /** Position of the first byte. */
  readonly start: number;
  /** Position of the last byte; at least `start`. */
  readonly end: number;
}

/** The number of bytes in a range. */
export function lengthOf({ start, end }: ByteRange): number {
  return end - start + 1;
}

/**
 * Bytes that are open for reading: a whole file or one range of it. Positions count from the start of this body, not of
 * the file. Use either `read` or `stream`, not both, and call `close` at the end, also after a failure.
 */
export interface FileBody {
  /** Length in bytes; absent if it is unknown. */
  readonly size?: number;
  /**
   * Fills `buffer` from `position` of this body. Resolves to the number of bytes read, which may be fewer than the buffer
   * holds; 0 means the end. Absent if the source has no cheap random access. An adapter that finds `read` pools its
   * buffers and needs no stream object.
   */
  read?(buffer: Uint8Array, position: number): Promise<number>;
  /** The bytes in order. A chunk is valid until the next one is requested: the source may reuse its memory. */
  stream(): AsyncIterable<Uint8Array>;
  /** Releases the source. Safe to call twice, and while a read is pending. */
  close(): void;
}

/** Reads at a position, as `FileBody.read` does. */
export type ReadAt = NonNullable<FileBody['read']>;

const chunkBytes = 256 * 1024;

/**
 * The same body, limited to exactly `length` bytes: a longer one is cut, a shorter one fails with `incomplete` when it is
 * read. A body whose own `size` is too small fails at the first read, before any byte is sent.
 */
export function exactly(body: FileBody, length: number): FileBody {
  const missing = body.size === undefined ? 0 : Math.max(0, length - body.size);
  const stream = () => (missing > 0 ? failing(incomplete(missing)) : limit(body.stream(), length));
  const close = () => body.close();
  if (!body.read) return { size: length, stream, close };
  const read: ReadAt = async (buffer, position) => {
    if (missing > 0) throw incomplete(missing);
    if (position >= length) return 0;
    const room = length - position;
    const bytes = await body.read!(buffer.byteLength > room ? buffer.subarray(0, room) : buffer, position);
    if (bytes === 0) throw incomplete(room);
    return bytes;
  };
  return { size: length, stream, close, read };
}

/**
 * One range of something that can be read at any position. `read` gets positions of that thing; the returned body counts
 * from the start of the range. Its stream fails with `incomplete` if the bytes end before the range does.
 */
export function rangeBody(read: ReadAt, { start, end }: ByteRange, close: () => void): FileBody {
  const size = end - start + 1;
  return {
    size,
    read(buffer, position) {
      const room = Math.max(0, size - position);
      return read(buffer.byteLength > room ? buffer.subarray(0, room) : buffer, start + position);
    },
    async *stream() {
      for (let position = 0; position < size;) {
        const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, size - position));
        const bytes = await read(buffer, start + position);
        if (bytes === 0) throw incomplete(size - position);
        position += bytes;
        yield buffer.subarray(0, bytes);
      }
    },
    close,
  };
}

/** Bytes in memory as a body. Nothing is copied until they are read. */
export function bytesBody(bytes: Uint8Array, range?: ByteRange): FileBody {
  const part = range ? bytes.subarray(range.start, range.end + 1) : bytes;
  return {
    size: part.byteLength,
    async read(buffer, position) {
      const read = part.subarray(position, position + buffer.byteLength);
      buffer.set(read);
      return read.byteLength;
    },
    async *stream() {
      if (part.byteLength > 0) yield part;
    },
    close() {},
  };
}

/** A stream without its first bytes: for sources that can only start at the beginning. */
export async function* skip(
  chunks: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (chunk.byteLength > left) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.byteLength);
  }
}

/** Reads a body to its end into memory, and closes it. */
export async function collect(body: FileBody): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  try {
    // Copied, because the source may reuse a chunk's memory for the next one.
    for await (const chunk of body.stream()) chunks.push(Buffer.from(chunk));
  } finally {
    body.close();
  }
  return Buffer.concat(chunks);
}

/** The same bytes; fails with `incomplete` where they become more than `size`, or end before. */
export async function* whole(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = size;
  for await (const chunk of chunks) {
    left -= chunk.byteLength;
    if (left < 0)
      throw new FileFieldError('incomplete', `The source has more bytes than the ${size} that it promised.`);
    yield chunk;
  }
  if (left > 0) throw incomplete(left);
}

async function* limit(chunks: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = length;
  if (left === 0) return;
  for await (const chunk of chunks) {
    const kept = chunk.byteLength > left ? chunk.subarray(0, left) : chunk;
    left -= kept.byteLength;
    if (kept.byteLength > 0) yield kept;
    if (left === 0) return;
  }
  throw incomplete(left);
}

// eslint-disable-next-line require-yield
async function* failing(error: FileFieldError): AsyncGenerator<Uint8Array, void, undefined> {
  throw error;
}

function incomplete(missing: number): FileFieldError {
  return new FileFieldError('incomplete', `The file ended ${missing} bytes early.`);
}
