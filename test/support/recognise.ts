import { readHead } from '../../src/fields/types/head.js';
import { recogniseType } from '../../src/fields/types/recognise.js';

/** The type of a file that comes as a stream, as a form does. */
export async function typeOfStream(bytes: Uint8Array | string, name = 'file', chunkBytes = 64 * 1024): Promise<string> {
  const all = Buffer.from(bytes);
  const { head, complete } = await readHead(chunksOf(all, chunkBytes));
  return recogniseType({ head, name, size: complete ? head.byteLength : undefined });
}

/** The type of a file that can be read at any position, as a local file can, of which only 4100 bytes were read ahead. */
export async function typeOfFile(bytes: Uint8Array | string, name = 'file'): Promise<string> {
  const all = Buffer.from(bytes);
  // A read may give fewer bytes than were asked for.
  const readAt = async (buffer: Uint8Array, position: number) =>
    all.copy(buffer, 0, position, position + Math.min(buffer.byteLength, 1000));
  return recogniseType({ head: all.subarray(0, 4100), name, size: all.byteLength, readAt });
}

export async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
