import { broken } from './broken.js';

/** Rejects unless a stream gives these bytes and no others; reads no further than it must. */
export async function sameBytes(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  expected: Uint8Array,
  fault: string,
): Promise<void> {
  let position = 0;
  for await (const chunk of stream) {
    const wanted = expected.subarray(position, position + chunk.byteLength);
    if (Buffer.compare(wanted, chunk) !== 0)
      throw broken(fault, new Error(`From byte ${position} on it is not the same.`));
    position += chunk.byteLength;
  }
  if (position < expected.byteLength) throw broken(fault, new Error(`It ended at byte ${position}.`));
}
