/** Sizes and limits of a `BufferPool`. */
export interface BufferPoolOptions {
  /** Size of a buffer in bytes. */
  readonly bufferBytes: number;
  /** The number of buffers of this size at most; all others are small. */
  readonly crowd: number;
  /** Size of a small buffer in bytes. */
  readonly smallBytes: number;
  /** The number of unused small buffers to keep. More may be in use. */
  readonly keepSmall: number;
}

/**
 * Buffers that downloads, or uploads of local files, share one after the other: allocating and collecting a large buffer for
 * each chunk takes longer than reading it. During many downloads at once most buffers are small, because most of them only
 * wait for a slow client; 200 buffers of 256 KiB would take 50 MiB.
 */
export class BufferPool {
  readonly #free: Buffer[] = [];
  readonly #freeSmall: Buffer[] = [];
  /** Large buffers in use. */
  #large = 0;

  constructor(private readonly options: BufferPoolOptions) {}

  /** A buffer with undefined content. Call `recycle` or `discard` once for each. */
  take(): Buffer {
    const { bufferBytes, crowd, smallBytes } = this.options;
    if (this.#large >= crowd) return this.#freeSmall.pop() ?? Buffer.allocUnsafeSlow(smallBytes);
    this.#large += 1;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
  }

  /** Takes back a buffer that nothing else refers to any more. */
  recycle(buffer: Buffer): void {
    const isLarge = this.#giveBack(buffer);
    if (isLarge) this.#free.push(buffer);
    else if (this.#freeSmall.length < this.options.keepSmall) this.#freeSmall.push(buffer);
  }

  /** Counts a buffer as no longer in use whose memory something else, such as a socket, may still read. */
  discard(buffer: Buffer): void {
    this.#giveBack(buffer);
  }

  #giveBack(buffer: Buffer): boolean {
    const isLarge = buffer.byteLength === this.options.bufferBytes;
    if (isLarge) this.#large -= 1;
    return isLarge;
  }
}
