import { Readable } from 'node:stream';
import { FileFieldError } from '../errors.js';
import type { Storage } from '../file/storage.js';
import { BorrowedStorage } from './borrowed/borrowed-storage.js';

/** What is used of the metadata of an object. */
export interface FlystorageInfo {
  /** Bytes. */
  readonly size?: number;
  /** When the object was written, in milliseconds since 1970. */
  readonly lastModifiedMs?: number;
}

/** What is used of a `FileStorage` of flystorage. */
export interface FlystorageFileStorage {
  /** Replaces an object. */
  write(
    path: string,
    contents: Readable,
    options?: { readonly mimeType?: string; readonly size?: number; readonly abortSignal?: AbortSignal },
  ): Promise<void>;
  /** Opens an object. */
  read(path: string, options?: { readonly abortSignal?: AbortSignal }): Promise<Readable>;
  /** Rejects for a missing object. */
  statFile(path: string): Promise<FlystorageInfo>;
  /** Replaces an object. */
  moveFile(from: string, to: string): Promise<void>;
  /** Succeeds for a missing object. */
  deleteFile(path: string): Promise<void>;
}

/**
 * A storage that keeps its objects in a `FileStorage` of flystorage 1, so that an application can go on with what it has. It
 * has no optional member: flystorage lists in no order, and its URLs are for GET only.
 *
 * What is not guaranteed, unlike in the storages of this library:
 * - A taken key is refused by a look before the write. Of two writes of one key at the same time, the later one wins.
 * - An object is written below `filefield-unfinished` and moved to its key, which a local disk does in one step, and S3 by a
 *   copy. A process that is killed leaves a file there: delete what is old in that folder.
 * - Nothing waits until the disk has the bytes.
 * - A range costs all bytes before it: flystorage has no ranges.
 * - A reader that stops early holds its file until the process collects garbage: flystorage does not close it.
 *
 * A key with a character of the Unicode category C, such as the joiner in some emoji, is refused with `invalid_key`, as
 * flystorage does.
 *
 * @example
 * ```ts
 * import { FileStorage } from '@flystorage/file-storage';
 * import { LocalStorageAdapter } from '@flystorage/local-fs';
 * import { fromFlystorage } from 'filefield/storages/flystorage';
 *
 * const documents = fromFlystorage(new FileStorage(new LocalStorageAdapter('/srv/documents')));
 * ```
 */
export function fromFlystorage(storage: FlystorageFileStorage): Storage {
  return new BorrowedStorage({
    name: 'flystorage',
    hasRanges: false,
    put: async (key, body, { size, type, signal }) =>
      storage.write(key, Readable.from(body, { objectMode: false }), {
        ...(type && { mimeType: type }),
        ...(size !== undefined && { size }),
        ...(signal && { abortSignal: signal }),
      }),
    move: async (from, to) => storage.moveFile(from, to),
    open: async (key) => {
      const bytes = await storage.read(key);
      return { bytes, close: () => void bytes.destroy() };
    },
    stat: async (key) => {
      if (/\p{C}/u.test(key)) throw new FileFieldError('invalid_key', 'flystorage refuses this key.', { key });
      const { size, lastModifiedMs } = await storage.statFile(key);
      if (size === undefined) throw new Error('flystorage did not say how large the object is');
      return { size, ...(lastModifiedMs !== undefined && { modified: new Date(lastModifiedMs) }) };
    },
    delete: async (key) => storage.deleteFile(key),
  });
}
