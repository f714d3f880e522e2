/**
 * Counts the parts of a multipart form by its boundaries, as chunks of it come. busboy skips a part whose headers it does not
 * understand without a word; the count shows it.
 */
export class PartCounter {
  readonly #boundary: Buffer;
  // The form may begin with a boundary, without the line break that belongs to every other.
  #carry: Buffer = Buffer.of(13, 10);
  #boundaries = 0;
  #ended = false;

  constructor(boundary: string) {
    this.#boundary = Buffer.from(`\r\n--${boundary}`, 'latin1');
  }

  /** The parts whose end has been seen. */
  get parts(): number {
    return Math.max(0, this.#boundaries - 1);
  }

  add(chunk: Buffer): void {
    if (this.#ended) return;
    // A boundary and the two bytes after it, which tell the last one.
    const whole = this.#boundary.byteLength + 2;
    const seam = Buffer.concat([this.#carry, chunk.subarray(0, whole - 1)]);
    this.#search(seam, Math.min(this.#carry.byteLength, seam.byteLength - whole + 1));
    this.#search(chunk, chunk.byteLength - whole + 1);
    this.#carry =
      chunk.byteLength >= whole - 1
        ? Buffer.from(chunk.subarray(chunk.byteLength - whole + 1))
        : seam.subarray(Math.max(0, seam.byteLength - whole + 1));
  }

  /** Counts the boundaries that begin before a position. */
  #search(bytes: Buffer, before: number): void {
    for (let at = bytes.indexOf(this.#boundary); !this.#ended && at >= 0 && at < before;) {
      this.#boundaries += 1;
      const end = at + this.#boundary.byteLength;
      this.#ended = bytes[end] === 0x2d && bytes[end + 1] === 0x2d;
      at = bytes.indexOf(this.#boundary, end);
    }
  }
}
