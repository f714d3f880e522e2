/**
 * Buffers of one size, kept for reuse: allocating and collecting a quarter of a MiB per chunk costs more than reading it.
 */
export class BufferPool {
  readonly #free: Buffer[] = [];

  constructor(
    private readonly bytes: number,
    /** Buffers kept at most; more may be in use. */
    private readonly keep: number,
  ) {}

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.bytes);
  }

  give(buffer: Buffer): void {
    if (this.#free.length < this.keep) this.#free.push(buffer);
  }
}
