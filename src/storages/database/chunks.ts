/** Consecutive bytes of an object. */
export interface Chunk {
  /** Counted from 0. */
  readonly number: number;
  /** The bytes, which are valid until the next chunk is asked for. */
  readonly bytes: Buffer;
  /** True if no byte follows. */
  readonly last: boolean;
}

/** The bytes of a body in chunks of one size, but for the last; at least one, which is empty if the body is. */
export async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  size: number,
  expected = 16 * 1024,
): AsyncGenerator<Chunk, void, undefined> {
  let buffer: Buffer = Buffer.allocUnsafe(Math.min(size, expected));
  let [number, length] = [0, 0];
  for await (const bytes of body) {
    for (let position = 0; position < bytes.byteLength;) {
      // A full chunk goes when there is another byte: only then is it known that it is not the last.
      if (length === size) {
        yield { number, bytes: buffer, last: false };
        [number, length] = [number + 1, 0];
      }
      const taken = bytes.subarray(position, position + size - length);
      buffer = withRoom(buffer, length, length + taken.byteLength, size);
      buffer.set(taken, length);
      length += taken.byteLength;
      position += taken.byteLength;
    }
  }
  yield { number, bytes: buffer.subarray(0, length), last: true };
}

/** The buffer, or one that is twice as large: a small object needs little memory. */
function withRoom(buffer: Buffer, length: number, needed: number, size: number): Buffer {
  if (needed <= buffer.byteLength) return buffer;
  const larger = Buffer.allocUnsafe(Math.min(size, Math.max(needed, buffer.byteLength * 2)));
  buffer.copy(larger, 0, 0, length);
  return larger;
}
