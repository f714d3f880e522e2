import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import type { Storage } from '../file/storage.js';
import { BorrowedStorage } from './borrowed/borrowed-storage.js';

/** What is used of the capabilities of an adapter. */
export interface FilesSdkCapabilities {
  /** Whether a range is requested, instead of all bytes. */
  readonly rangeRead: boolean;
}

/** What is used of an object of files-sdk. */
export interface FilesSdkFile {
  /** Bytes: of the whole object from `head`. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly lastModified?: number;
  /** The bytes. */
  stream(): unknown;
}

/** What is used of a `Files` of files-sdk. */
export interface FilesSdk {
  /** What the adapter can do. */
  readonly capabilities: FilesSdkCapabilities;
  /** Replaces an object. */
  upload(key: string, body: never, options?: { readonly contentType?: string }): Promise<unknown>;
  /** Opens an object. */
  download(
    key: string,
    options?: { readonly as?: 'stream'; readonly range?: { readonly start: number; readonly end?: number } },
  ): Promise<FilesSdkFile>;
  /** Rejects for a missing object. */
  head(key: string): Promise<FilesSdkFile>;
  /** Replaces an object. */
  move(from: string, to: string): Promise<void>;
  /** Deletes an object. */
  delete(key: string): Promise<void>;
}

/**
 * A storage that keeps its objects in a `Files` of files-sdk 2. A range is one request if the adapter has ranges; otherwise
 * it costs all bytes before it. There is no optional member: what the adapters do for listings and URLs differs.
 *
 * What is not guaranteed, unlike in the storages of this library:
 * - A taken key is refused by a look before the write. Of two writes of one key at the same time, the later one wins.
 * - An object is written below `filefield-unfinished` and moved to its key, which most adapters do by a copy. A process that
 *   is killed leaves an object there: delete what is old in that folder.
 * - Some adapters hold all bytes of a write in memory.
 * - Nothing waits until a local disk has the bytes.
 *
 * @example
 * ```ts
 * import { fromFilesSdk, type FilesSdk } from 'filefield/storages/files-sdk';
 *
 * // new Files({ adapter: r2({ … }) }) of files-sdk
 * declare const files: FilesSdk;
 * const documents = fromFilesSdk(files);
 * ```
 */
export function fromFilesSdk(files: FilesSdk): Storage {
  return new BorrowedStorage({
    name: 'files-sdk',
    hasRanges: files.capabilities.rangeRead,
    put: async (key, body, { type }) =>
      files.upload(key, ReadableStream.from(body) as never, { ...(type && { contentType: type }) }),
    move: async (from, to) => files.move(from, to),
    open: async (key, range) => {
      const file = await files.download(key, { as: 'stream', ...(range && { range }) });
      const bytes = Readable.fromWeb(file.stream() as ReadableStream<Uint8Array>);
      // A body that is closed early fails, and nobody may be listening.
      bytes.on('error', () => undefined);
      return { bytes, close: () => void bytes.destroy() };
    },
    stat: async (key) => {
      const { size, lastModified } = await files.head(key);
      return { size, ...(lastModified !== undefined && { modified: new Date(lastModified) }) };
    },
    delete: async (key) => files.delete(key),
  });
}
