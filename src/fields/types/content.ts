import type { ReadAt } from '../../file/body.js';

/** What there is to recognise a file by. */
export interface Content {
  /** The first bytes, as `readHead` gives them. */
  readonly head: Buffer;
  /** The uploader's file name. */
  readonly name: string;
  /** Bytes of the file; absent if the source does not know. */
  readonly size?: number | undefined;
  /** Reads the file without consuming it; absent for a stream. */
  readonly readAt?: ReadAt | undefined;
}

/** Bytes of a file from a position; fewer where they end or are out of reach. */
export type Peek = (position: number, length: number) => Promise<Buffer>;

/** Reads within the head, and beyond it where the source allows it. */
export function peekInto({ head, readAt }: Content): Peek {
  return async (position, length) => {
    if (!readAt || position + length <= head.byteLength) return head.subarray(position, position + length);
    const buffer = Buffer.alloc(length);
    let bytes = 0;
    while (bytes < length) {
      const read = await readAt(buffer.subarray(bytes), position + bytes);
      if (read === 0) break;
      bytes += read;
    }
    return buffer.subarray(0, bytes);
  };
}
