import { randomFillSync } from 'node:crypto';

const MiB = 2 ** 20;

/** Bytes that cannot be compressed, in chunks as they come from a socket. */
const piece = randomFillSync(Buffer.alloc(64 * 1024));

export async function* body(size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; left -= piece.byteLength) yield piece.subarray(0, Math.min(left, piece.byteLength));
}

/** The bytes of a body in parts, each in memory of its own. */
export async function* parts(size: number, partSize = 5 * MiB): AsyncGenerator<Buffer, void, undefined> {
  for (let left = size; left > 0; left -= partSize) {
    const part = Buffer.allocUnsafe(Math.min(left, partSize));
    for (let at = 0; at < part.byteLength; at += piece.byteLength) piece.copy(part, at);
    yield part;
  }
}

/** Reads bytes, and expects this many. */
export async function drain(bytes: AsyncIterable<Uint8Array>, size: number): Promise<void> {
  let left = size;
  for await (const chunk of bytes) left -= chunk.byteLength;
  if (left !== 0) throw new Error(`${left} bytes are missing`);
}
