import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Utf8Check } from './types/text.js';

/** What one pass over an upload learns. */
export class Measured {
  /** Bytes seen so far. */
  size = 0;
  /** True once all bytes were seen. */
  complete = false;
  /** Why the bytes ended early; undefined if they did not, or if their reader left. */
  failure: { readonly error: unknown } | undefined;
  readonly #hash = createHash('sha256');
  #digest: string | undefined;
  #crc32 = 0;
  readonly #utf8 = new Utf8Check();

  /** True if all bytes are UTF-8. */
  get isUtf8(): boolean {
    return this.#utf8.valid;
  }

  /** SHA-256 of all bytes, lower-case hexadecimal. */
  get sha256(): string {
    return (this.#digest ??= this.#hash.digest('hex'));
  }

  /** CRC-32 of the bytes seen so far, 8 lower-case hexadecimal digits. */
  get crc32(): string {
    return this.#crc32.toString(16).padStart(8, '0');
  }

  /**
   * Passes chunks on while it counts and hashes them: those that were read already, then the rest. `check` gets the bytes
   * seen so far and may throw to end the upload.
   */
  async *body(
    head: readonly Uint8Array[],
    rest: AsyncIterator<Uint8Array>,
    check: (size: number) => void,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const count = (chunk: Uint8Array) => {
      this.size += chunk.byteLength;
      check(this.size);
      this.#hash.update(chunk);
      this.#crc32 = crc32(chunk, this.#crc32);
      this.#utf8.add(chunk);
      return chunk;
    };
    try {
      for (const chunk of head) yield count(chunk);
      for (let next = await rest.next(); !next.done; next = await rest.next()) yield count(next.value);
      this.complete = true;
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }
}
