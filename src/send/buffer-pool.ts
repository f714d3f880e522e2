/** Sizes and limits of a `BufferPool`. */
export interface BufferPoolOptions {
  /** Size of a buffer in bytes. */
  readonly bufferBytes: number;
  /** The largest number of unused buffers to keep. More may be in use. */
  readonly keep: number;
  /** The number of buffers in use from which on new buffers are small. */
  readonly crowd: number;
  /** Size of a small buffer in bytes. Small buffers are not kept. */
  readonly smallBytes: number;
}

/**
 * Buffers that downloads share, one after the other: allocating and collecting a large buffer for each chunk takes longer
 * than reading it. During many downloads at once new buffers are small, because most of them only wait for a slow client;
 * 200 buffers of 256 KiB would take 50 MiB.
 */
export class BufferPool {
  readonly #free: Buffer[] = [];
  #used = 0;

  constructor(private readonly options: BufferPoolOptions) {}

  /** A buffer with undefined content. Call `recycle` or `discard` once for each. */
  take(): Buffer {
    const { bufferBytes, crowd, smallBytes } = this.options;
    this.#used += 1;
    if (this.#used > crowd) return Buffer.allocUnsafeSlow(smallBytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
  }

  /** Takes back a buffer that nothing else refers to any more. */
  recycle(buffer: Buffer): void {
    const { bufferBytes, keep } = this.options;
    this.#used -= 1;
    if (buffer.byteLength === bufferBytes && this.#free.length < keep) this.#free.push(buffer);
  }

  /** Counts a buffer as no longer in use whose memory something else, such as a socket, may still read. */
  discard(): void {
    this.#used -= 1;
  }
}
