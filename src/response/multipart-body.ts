import { FileFieldError } from '../errors.js';
import { lengthOf, type ByteRange, type FileBody } from '../file/body.js';

/** One range, and what goes before its bytes. */
export interface MultipartPart {
  readonly range: ByteRange;
  readonly head: Buffer;
}

/** The parts of a multipart answer as one body. One range is open at a time. */
export class MultipartBody implements FileBody {
  readonly read?: NonNullable<FileBody['read']>;
  #current: FileBody | undefined;
  #index = 0;
  #closed = false;

  constructor(
    private readonly parts: readonly MultipartPart[],
    private readonly tail: Buffer,
    readonly size: number,
    private readonly openRange: (range: ByteRange) => Promise<FileBody>,
    first: FileBody,
  ) {
    this.#current = first;
    // Random access, as far as the file has it, lets the adapter pool its buffers.
    if (first.read) this.read = (buffer, position) => this.#read(buffer, position);
  }

  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const [index, { head }] of this.parts.entries()) {
      yield head;
      const body = await this.#open(index);
      // The client left while the range was being opened.
      if (!body) return;
      yield* body.stream();
    }
    this.#leave();
    yield this.tail;
  }

  close(): void {
    this.#closed = true;
    this.#leave();
  }

  async #read(buffer: Uint8Array, position: number): Promise<number> {
    let start = 0;
    for (const [index, { head, range }] of this.parts.entries()) {
      const from = position - start;
      if (from < head.byteLength) return copy(head, from, buffer);
      const length = lengthOf(range);
      start += head.byteLength + length;
      if (position >= start) continue;
      const body = await this.#open(index);
      if (!body) throw new FileFieldError('aborted', 'The client left while a range was being opened.');
      return body.read!(buffer, position - (start - length));
    }
    this.#leave();
    return copy(this.tail, position - start, buffer);
  }

  /** The body of a part, once the one before it is closed; undefined when all is over. */
  async #open(index: number): Promise<FileBody | undefined> {
    if (this.#index !== index) {
      this.#leave();
      this.#index = index;
      if (!this.#closed) this.#current = await this.openRange(this.parts[index]!.range);
      if (this.#closed) this.#leave();
    }
    return this.#current;
  }

  #leave(): void {
    this.#current?.close();
    this.#current = undefined;
  }
}

function copy(from: Buffer, position: number, to: Uint8Array): number {
  return from.copy(to, 0, position, Math.min(from.byteLength, position + to.byteLength));
}
