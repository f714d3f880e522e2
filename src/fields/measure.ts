import { createHash } from 'node:crypto';
import { FileFieldError } from '../errors.js';
import { headBytes } from './sniff.js';

/** What one pass over an upload learns. Complete once its body has been read to the end. */
export class Measured {
  /** Bytes seen. */
  size = 0;
  #hash = createHash('sha256');
  #digest: string | undefined;

  get sha256(): string {
    return (this.#digest ??= this.#hash.digest('hex'));
  }

  /** Passes the chunks on while it counts and hashes them; throws `too_large` at the first byte over the limit. */
  async *body(
    head: readonly Uint8Array[],
    rest: AsyncIterator<Uint8Array>,
    limit: number | undefined,
    field: string,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let finished = false;
    try {
      for (const chunk of head) yield this.#count(chunk, limit, field);
      for (;;) {
        const next = await rest.next();
        finished = next.done === true;
        if (next.done) return;
        yield this.#count(next.value, limit, field);
      }
    } finally {
      if (!finished) await rest.return?.();
    }
  }

  #count(chunk: Uint8Array, limit: number | undefined, field: string): Uint8Array {
    this.size += chunk.byteLength;
    if (limit !== undefined && this.size > limit) throw tooLarge(field, limit);
    this.#hash.update(chunk);
    return chunk;
  }
}

export function tooLarge(field: string, limit: number): FileFieldError {
  return new FileFieldError('too_large', `The file is larger than ${limit} bytes.`, { field, rule: 'maxSize', limit });
}

/** Reads just enough of an upload to judge its type; what was read is to be put before the rest again. */
export async function readHead(
  chunks: AsyncIterator<Uint8Array>,
): Promise<{ head: Buffer; read: readonly Uint8Array[] }> {
  const read: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < headBytes) {
    const next = await chunks.next();
    if (next.done) break;
    read.push(next.value);
    bytes += next.value.byteLength;
  }
  return { head: Buffer.concat(read).subarray(0, headBytes), read };
}
