import { promises as fsp } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { FileFieldError } from '../../errors.js';
import { abortable } from '../../file/abortable.js';
import type { ByteRange } from '../../file/body.js';
import { diskError } from '../../file/disk-error.js';
import type { ObjectBody, ObjectInfo } from '../../file/storage.js';
import type { CacheFolder } from './cache-folder.js';
import { headerOf } from './cache-file.js';

const chunkBytes = 256 * 1024;

/** An object on its way into the cache, and what is needed to get it. */
export interface Filling {
  readonly key: string;
  /** The object at its origin, unread. */
  readonly body: ObjectBody;
  /** Where it comes from, for readers that the cache cannot serve. */
  readonly readOrigin: (range: ByteRange) => Promise<ObjectBody>;
}

/**
 * One read of the origin for any number of readers: the bytes go to a file at the pace of the origin, and each reader
 * follows at its own. It ends early when nobody reads any more.
 */
export class Fill {
  readonly #info: ObjectInfo;
  /** Bytes of the object that are in the file. */
  #written = 0;
  #state: 'filling' | 'filled' | 'stopped' | 'unkept' | { readonly error: unknown } = 'filling';
  #readers = 0;
  readonly #stop = new AbortController();
  #isWanted = true;
  #isOver = false;
  #wake: () => void = () => undefined;
  #progress = this.#nextProgress();
  /** Resolves when the object is in the cache, or will not be. */
  readonly ended: Promise<void>;

  private constructor(
    private readonly filling: Filling,
    private readonly folder: CacheFolder,
    private readonly handle: FileHandle,
    private readonly unfinished: string,
    private readonly offset: number,
  ) {
    this.#info = filling.body.info;
    this.ended = this.#run();
  }

  /** Resolves to undefined if the cache cannot keep the object; its body is then as it was. */
  static async begin(filling: Filling, folder: CacheFolder): Promise<Fill | undefined> {
    const header = headerOf(filling.key, filling.body.info);
    if (!header) return undefined;
    try {
      const unfinished = await folder.unfinished();
      const handle = await fsp.open(unfinished, 'wx+', 0o600);
      try {
        await handle.appendFile(header);
      } catch (error) {
        await handle.close();
        await folder.remove(unfinished);
        throw error;
      }
      return new Fill(filling, folder, handle, unfinished, header.byteLength);
    } catch (cause) {
      folder.fault(cause, 'keep an object in the cache');
      return undefined;
    }
  }

  /** The object for one more reader; undefined if it is too late. */
  body(): ObjectBody | undefined {
    const isLate = this.#isOver && this.#readers === 0;
    if (isLate || (this.#state !== 'filling' && this.#state !== 'filled')) return undefined;
    this.#readers += 1;
    let isOpen = true;
    const rests = new Set<ObjectBody>();
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      for (const rest of rests) rest.close();
      this.#readers -= 1;
      this.#leave();
    };
    const bytes = () => this.#stream(() => isOpen, rests);
    // A file that nobody closes ends the process on Node 26, so an error closes it too.
    const stream = async function* () {
      try {
        yield* bytes();
      } finally {
        close();
      }
    };
    return { info: this.#info, size: this.#info.size, stream, close };
  }

  /** Makes the cache forget the object, whose origin is deleted; readers go on. */
  async discard(): Promise<void> {
    this.#isWanted = false;
    // The file may be getting its name at this moment, and is deleted after that.
    if (this.#state === 'filled') await this.ended;
  }

  async *#stream(isOpen: () => boolean, rests: Set<ObjectBody>): AsyncGenerator<Uint8Array, void, undefined> {
    const { size } = this.#info;
    for (let position = 0; position < size;) {
      if (!isOpen()) throw new FileFieldError('aborted', 'The body was closed.', { key: this.filling.key });
      if (position === this.#written) {
        if (typeof this.#state === 'object') throw this.#state.error;
        if (this.#state !== 'unkept') await this.#progress;
        else {
          const rest = await this.filling.readOrigin({ start: position, end: size - 1 });
          rests.add(rest);
          if (!isOpen()) rest.close();
          return yield* rest.stream();
        }
        continue;
      }
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, this.#written - position));
      const { bytesRead } = await this.handle
        .read(buffer, 0, buffer.byteLength, this.offset + position)
        .catch((cause: unknown) => {
          throw diskError(cause, 'read an object from the cache', { key: this.filling.key });
        });
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async #run(): Promise<void> {
    const { body, key } = this.filling;
    try {
      this.#state = (await this.#fill(body)) ? 'filled' : 'unkept';
    } catch (error) {
      this.#state = { error };
    }
    body.close();
    this.#notify();
    const isFilled = this.#state === 'filled' && (await this.#publish(this.folder.fileOf(key)));
    if (!isFilled) await this.folder.remove(this.unfinished);
    this.#isOver = true;
    this.#leave();
  }

  /** Resolves to false if the file could not be written. */
  async #fill(body: ObjectBody): Promise<boolean> {
    const { size } = this.#info;
    for await (const chunk of abortable(body.stream(), this.#stop.signal)) {
      if (this.#written + chunk.byteLength > size) throw this.#wrongLength();
      try {
        await writeAll(this.handle, chunk, this.offset + this.#written);
      } catch (cause) {
        this.folder.fault(cause, 'keep an object in the cache');
        return false;
      }
      this.#written += chunk.byteLength;
      this.#notify();
    }
    if (this.#written < size) throw this.#wrongLength();
    return true;
  }

  async #publish(file: string): Promise<boolean> {
    try {
      // After a power cut a file must not have its size without its bytes.
      await this.handle.sync();
      if (!this.#isWanted) return false;
      await this.folder.publish(this.unfinished, file, this.offset + this.#info.size);
    } catch (cause) {
      this.folder.fault(cause, 'keep an object in the cache');
      return false;
    }
    if (!this.#isWanted) await this.folder.remove(file);
    return true;
  }

  /** Frees what nobody needs any more. */
  #leave(): void {
    if (this.#readers > 0) return;
    if (this.#state === 'filling') {
      this.#state = 'stopped';
      // The origin may not answer for a long time; the file must not stay open until then.
      this.#stop.abort();
      this.filling.body.close();
    }
    if (this.#isOver) void this.handle.close().catch((cause: unknown) => this.folder.fault(cause, 'close a file'));
  }

  #notify(): void {
    const wake = this.#wake;
    this.#progress = this.#nextProgress();
    wake();
  }

  #nextProgress(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #wrongLength(): FileFieldError {
    const text = 'The storage returned another number of bytes than the object has.';
    return new FileFieldError('incomplete', text, { key: this.filling.key });
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}
