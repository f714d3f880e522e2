import { randomBytes } from 'node:crypto';
import { FileFieldError } from '../errors.js';
import { lengthOf, type ByteRange, type FileBody } from '../file/body.js';
import { contentRange } from '../http/range.js';

/** Several ranges of a file as one body whose type and length are known before the file is opened. */
export interface Multipart {
  /** For the head of the response, which has no Content-Range of its own (RFC 9110 section 15.3.7.2). */
  readonly contentType: string;
  /** Length of the whole body in bytes. */
  readonly size: number;
  /** Opens the first range. Each further range is opened when the one before it has been sent and closed. */
  readonly open: () => Promise<FileBody>;
}

/** The file that a multipart body is made from. */
export interface MultipartFile {
  /** Length of the whole file in bytes. */
  readonly size: number;
  /** The Content-Type of the whole file, repeated in each part. */
  readonly contentType: string | undefined;
  /** Opens one range. The body must yield exactly its length or fail: another length would move every later boundary. */
  readonly open: (range: ByteRange) => Promise<FileBody>;
}

interface Part {
  readonly range: ByteRange;
  /** The boundary and the headers of the part. */
  readonly head: Buffer;
}

/**
 * Combines ranges as `multipart/byteranges` (RFC 9110 section 14.6). The boundary is random: an uploader could write a
 * constant one into a file and so forge a part.
 *
 * @param ranges at least one
 */
export function multipart(ranges: readonly ByteRange[], file: MultipartFile): Multipart {
  const boundary = randomBytes(18).toString('base64url');
  const type = file.contentType === undefined ? '' : `Content-Type: ${file.contentType}\r\n`;
  const parts = ranges.map((range): Part => {
    // Before the first boundary, too, as nginx and Apache do it (RFC 9110 section 14.6): zsync drops a line there.
    const head = `\r\n--${boundary}\r\n${type}Content-Range: ${contentRange(range, file.size)}\r\n\r\n`;
    return { range, head: Buffer.from(head, 'latin1') };
  });
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1');
  const size = parts.reduce((sum, { range, head }) => sum + head.byteLength + lengthOf(range), tail.byteLength);
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    size,
    open: async () => {
      // A failure here is still a clean error response; a failure of a later range can only break the connection.
      const first = await file.open(parts[0]!.range);
      return new MultipartBody({ parts, tail, size, open: file.open, first });
    },
  };
}

interface MultipartContent {
  readonly parts: readonly Part[];
  /** The closing boundary. */
  readonly tail: Buffer;
  readonly size: number;
  readonly open: (range: ByteRange) => Promise<FileBody>;
  readonly first: FileBody;
}

/** The parts as one body. One range is open at a time. */
class MultipartBody implements FileBody {
  readonly size: number;
  readonly read: FileBody['read'];
  readonly #content: MultipartContent;
  #current: FileBody | undefined;
  #index = 0;
  #closed = false;

  constructor(content: MultipartContent) {
    this.#content = content;
    this.#current = content.first;
    this.size = content.size;
    // Random access lets the adapter pool its buffers.
    if (content.first.read) this.read = (buffer, position) => this.#read(buffer, position);
  }

  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const [index, { head }] of this.#content.parts.entries()) {
      yield head;
      const body = await this.#open(index);
      // The client left while the range was being opened.
      if (!body) return;
      yield* body.stream();
    }
    this.#closeCurrent();
    yield this.#content.tail;
  }

  close(): void {
    this.#closed = true;
    this.#closeCurrent();
  }

  async #read(buffer: Uint8Array, position: number): Promise<number> {
    const { parts, tail } = this.#content;
    let offset = position;
    for (const [index, { head, range }] of parts.entries()) {
      if (offset < head.byteLength) return copy(head, offset, buffer);
      offset -= head.byteLength;
      if (offset < lengthOf(range)) {
        const body = await this.#open(index);
        if (!body) throw new FileFieldError('aborted', 'The client left while a range was being opened.');
        return body.read!(buffer, offset);
      }
      offset -= lengthOf(range);
    }
    this.#closeCurrent();
    return copy(tail, offset, buffer);
  }

  /** Closes the range before and opens this one; undefined if the whole body was closed meanwhile. */
  async #open(index: number): Promise<FileBody | undefined> {
    if (this.#index !== index) {
      this.#closeCurrent();
      this.#index = index;
      if (!this.#closed) this.#current = await this.#content.open(this.#content.parts[index]!.range);
      if (this.#closed) this.#closeCurrent();
    }
    return this.#current;
  }

  #closeCurrent(): void {
    this.#current?.close();
    this.#current = undefined;
  }
}

function copy(from: Buffer, position: number, to: Uint8Array): number {
  return from.copy(to, 0, position, Math.min(from.byteLength, position + to.byteLength));
}
