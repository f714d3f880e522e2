import { randomUUID } from 'node:crypto';
import { abortable, wasAborted } from '../../file/abortable.js';
import { FileFieldError, isFileFieldError } from '../../errors.js';
import { exactly, lengthOf, skip, type ByteRange, type FileBody } from '../../file/body.js';
import { checkKey } from '../../file/key.js';
import type { ObjectBody, ObjectInfo, Storage, WriteOptions } from '../../file/storage.js';
import { libraryError, type Library, type LibraryBody } from './library.js';

/** The folder of objects that are being written. */
const unfinished = 'filefield-unfinished';

/**
 * A storage of another library, which can neither refuse a taken key nor hide an object that is not complete: an object is
 * written under another key and moved to its own.
 */
export class BorrowedStorage implements Storage {
  constructor(private readonly library: Library) {}

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectInfo> {
    const { signal } = options;
    await this.#expectFree(key);
    if (signal?.aborted) throw wasAborted(signal);
    const temporary = `${unfinished}/${randomUUID()}`;
    const source = new Source(body, signal);
    try {
      await this.library.put(temporary, source.bytes(), options);
      if (source.failure) throw source.failure.error;
      if (signal?.aborted) throw wasAborted(signal);
      await this.#expectFree(key);
      await this.library.move(temporary, key).catch(async (error: unknown) => {
        await this.#deletePart(key, source.size);
        throw error;
      });
      return { size: source.size };
    } catch (error) {
      await this.library.delete(temporary).catch(() => undefined);
      // The library may have put an error of its own around that of the body.
      throw this.#error(source.failure ? source.failure.error : error, 'write an object', key);
    }
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    const info = await this.stat(key);
    if (!info) throw new FileFieldError('not_found', 'There is no such object.', { key });
    return { ...this.#body(key, range ?? { start: 0, end: info.size - 1 }, range), info };
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    checkKey(key);
    try {
      return await this.library.stat(key);
    } catch (cause) {
      const error = this.#error(cause, 'look for an object', key);
      if (error.code === 'not_found') return null;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.library.delete(key).catch((cause: unknown) => {
      const error = this.#error(cause, 'delete an object', key);
      if (error.code !== 'not_found') throw error;
    });
  }

  /** Opens the object when its first byte is wanted. */
  #body(key: string, part: ByteRange, range: ByteRange | undefined): FileBody {
    const { library } = this;
    const open = new Set<LibraryBody>();
    let isClosed = false;
    const wasClosed = () => new FileFieldError('aborted', 'The body was closed.', { key });
    const close = () => {
      isClosed = true;
      for (const body of open) body.close();
      open.clear();
    };
    const toError = (cause: unknown) => (isClosed ? wasClosed() : this.#error(cause, 'read an object', key));
    const stream = async function* () {
      if (isClosed) throw wasClosed();
      let body: LibraryBody | undefined;
      try {
        body = await library.open(key, library.hasRanges ? range : undefined);
        open.add(body);
        if (isClosed) throw wasClosed();
        yield* range && !library.hasRanges ? skip(body.bytes, part.start) : body.bytes;
      } catch (cause) {
        throw toError(cause);
      } finally {
        body?.close();
        if (body) open.delete(body);
      }
    };
    return exactly({ stream, close }, lengthOf(part));
  }

  async #expectFree(key: string): Promise<void> {
    if (await this.stat(key)) throw new FileFieldError('already_exists', 'The key is taken.', { key });
  }

  /** Deletes what a failed move has left; an object of the right size may be one of another write. */
  async #deletePart(key: string, size: number): Promise<void> {
    const found = await this.stat(key).catch(() => null);
    if (found && found.size !== size) await this.delete(key).catch(() => undefined);
  }

  #error(cause: unknown, action: string, key: string): FileFieldError {
    return libraryError(this.library.name, cause, action, key);
  }
}

/** The bytes of a write, for a library that may keep each chunk and hide why they ended. */
class Source {
  size = 0;
  failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly body: AsyncIterable<Uint8Array>,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of abortable(this.body, this.signal)) {
        if (chunk.byteLength === 0) continue;
        this.size += chunk.byteLength;
        yield Buffer.from(chunk);
      }
    } catch (cause) {
      const text = 'The object was not written: the source of its bytes failed.';
      const error = isFileFieldError(cause) ? cause : new FileFieldError('storage_failed', text, { cause });
      this.failure = { error };
      throw error;
    }
  }
}
