/** Computes the checksum by which the server compares what it received with what was sent. */
export interface Checksum {
  update(bytes: Uint8Array): unknown;
  /** In Base64. */
  digest(encoding: 'base64'): string;
}

/** Consecutive bytes of an object, which are sent in one request. */
export interface Part {
  /** Counted from 1. */
  readonly number: number;
  /** The bytes. */
  readonly bytes: Uint8Array;
  /** Their checksum, in Base64. */
  readonly digest: string;
  /** True if no byte follows. */
  readonly last: boolean;
}

/** The bytes of a body in parts; at least one, which is empty if the body is. Chunks are copied. */
export async function* partsOf(
  body: AsyncIterable<Uint8Array>,
  sizeOf: (number: number) => number,
  checksum: () => Checksum,
  total?: number,
): AsyncGenerator<Part, void, undefined> {
  let part = new GrowingPart(1, sizeOf(1), checksum(), total);
  for await (const chunk of body) {
    for (let position = 0; position < chunk.byteLength;) {
      // A full part is sent when there is another byte: only then is it known that it is not the last.
      if (part.full) {
        yield part.end(false);
        part = new GrowingPart(part.number + 1, sizeOf(part.number + 1), checksum());
      }
      position += part.add(chunk.subarray(position));
    }
  }
  yield part.end(true);
}

/** A part that is being filled. Its memory doubles as it grows, so that a small object needs little. */
class GrowingPart {
  #buffer: Buffer;
  #length = 0;

  constructor(
    readonly number: number,
    private readonly size: number,
    private readonly hash: Checksum,
    expected = number === 1 ? 64 * 1024 : size,
  ) {
    this.#buffer = Buffer.allocUnsafe(Math.min(expected, size));
  }

  get full(): boolean {
    return this.#length === this.size;
  }

  /** Copies as many bytes as there is room for, and returns their number. */
  add(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.size - this.#length);
    const needed = this.#length + taken.byteLength;
    if (needed > this.#buffer.byteLength) {
      const larger = Buffer.allocUnsafe(Math.min(this.size, Math.max(needed, this.#buffer.byteLength * 2)));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.set(taken, this.#length);
    this.hash.update(taken);
    this.#length = needed;
    return taken.byteLength;
  }

  end(last: boolean): Part {
    const bytes = this.#buffer.subarray(0, this.#length);
    return { number: this.number, bytes, digest: this.hash.digest('base64'), last };
  }
}
