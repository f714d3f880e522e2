import { abortable } from '../file/abortable.js';
import { FileFieldError } from '../errors.js';
import { bytesBody, type ByteRange } from '../file/body.js';
import type { ListedObject, ObjectInfo, ObjectBody, Storage, WriteOptions } from '../file/storage.js';

interface StoredObject {
  readonly bytes: Buffer;
  readonly modified: Date;
}

/**
 * Keeps objects in the memory of this process, for tests. The objects are lost when the process ends.
 *
 * @example
 * ```ts
 * import { MemoryStorage } from 'filefield/storages/memory';
 *
 * const storage = new MemoryStorage();
 * ```
 */
export class MemoryStorage implements Storage {
  readonly volatile: boolean = true;
  readonly #objects = new Map<string, StoredObject>();

  /** The keys of all objects, in the order in which they were written. */
  get keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectInfo> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of abortable(body, options.signal)) chunks.push(Buffer.from(chunk));
    if (this.#objects.has(key)) throw new FileFieldError('already_exists', 'The key is taken.', { key });
    const object = { bytes: Buffer.concat(chunks), modified: new Date() };
    this.#objects.set(key, object);
    return info(object);
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    const object = this.#objects.get(key);
    if (!object) throw new FileFieldError('not_found', 'There is no such object.', { key });
    return { ...bytesBody(object.bytes, range), info: info(object) };
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    const object = this.#objects.get(key);
    return object ? info(object) : null;
  }

  async delete(key: string): Promise<void> {
    this.#objects.delete(key);
  }

  async *list({ after = '' }: { after?: string } = {}): AsyncGenerator<ListedObject, void, undefined> {
    for (const key of [...this.#objects.keys()].sort()) {
      const object = this.#objects.get(key);
      if (object && key > after) yield { key, modified: object.modified };
    }
  }
}

function info(object: StoredObject): ObjectInfo {
  return { size: object.bytes.byteLength, modified: object.modified };
}
