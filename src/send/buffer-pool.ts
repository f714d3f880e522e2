/**
 * Buffers for downloads, kept for reuse: allocating and collecting a quarter of a MiB per chunk costs more than reading
 * it. In a crowd buffers are small, since most of them only wait for a client: 200 slow readers would hold 50 MiB.
 */
export class BufferPool {
  readonly #free: Buffer[] = [];
  #used = 0;

  constructor(
    private readonly bytes: number,
    /** Buffers kept at most; more may be in use. */
    private readonly keep: number,
    /** Buffers in use from which on new ones are small. */
    private readonly crowd = Infinity,
    private readonly smallBytes = bytes,
  ) {}

  take(): Buffer {
    this.#used += 1;
    if (this.#used > this.crowd) return Buffer.allocUnsafeSlow(this.smallBytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.bytes);
  }

  /** To be called once for each that was taken; `clean` when nobody else can see the memory any more. */
  give(buffer: Buffer, clean: boolean): void {
    this.#used -= 1;
    if (clean && buffer.byteLength === this.bytes && this.#free.length < this.keep) this.#free.push(buffer);
  }
}
