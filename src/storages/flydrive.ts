import { Readable } from 'node:stream';
import type { Storage } from '../file/storage.js';
import { BorrowedStorage } from './borrowed/borrowed-storage.js';

/** What is used of the metadata of an object. */
export interface FlydriveMetaData {
  /** Bytes. */
  readonly contentLength: number;
  /** When the object was written. */
  readonly lastModified: Date;
}

/** What is used of a `Disk` of flydrive. */
export interface FlydriveDisk {
  /** Replaces an object. */
  putStream(
    key: string,
    contents: Readable,
    options?: {
      readonly contentType?: string;
      readonly contentDisposition?: string;
      readonly contentLength?: number;
    },
  ): Promise<void>;
  /** Opens an object. */
  getStream(key: string): Promise<Readable>;
  /** Rejects for a missing object. */
  getMetaData(key: string): Promise<FlydriveMetaData>;
  /** Copies and deletes. */
  move(source: string, destination: string): Promise<void>;
  /** Succeeds for a missing object. */
  delete(key: string): Promise<void>;
}

/**
 * A storage that keeps its objects in a disk of flydrive 1, so that an application can go on with what it has. It has no
 * optional member: flydrive lists in no order, and its URLs are for GET only.
 *
 * What is not guaranteed, unlike in the storages of this library:
 * - A taken key is refused by a look before the write. Of two writes of one key at the same time, the later one wins.
 * - An object is written below `filefield-unfinished` and moved to its key. On a local disk flydrive copies for that: for this
 *   moment a reader may see a part, and a process that is killed leaves one. Delete what is old in that folder.
 * - Nothing waits until the disk has the bytes.
 * - A range costs all bytes before it: flydrive 1 has no ranges.
 * - In S3 a write needs the option `size`, and is copied once more by the server.
 *
 * flydrive allows few characters in keys. Others are written as `!` and two hexadecimal digits for each byte.
 *
 * @example
 * ```ts
 * import { Disk } from 'flydrive';
 * import { FSDriver } from 'flydrive/drivers/fs';
 * import { fromFlydrive } from 'filefield/storages/flydrive';
 *
 * const documents = fromFlydrive(new Disk(new FSDriver({ location: 'storage/documents', visibility: 'private' })));
 * ```
 */
export function fromFlydrive(disk: FlydriveDisk): Storage {
  return new BorrowedStorage({
    name: 'flydrive',
    hasRanges: false,
    put: async (key, body, { size, type, disposition }) =>
      disk.putStream(encoded(key), Readable.from(body, { objectMode: false }), {
        ...(type && { contentType: type }),
        ...(disposition && { contentDisposition: disposition }),
        ...(size !== undefined && { contentLength: size }),
      }),
    move: async (from, to) => disk.move(encoded(from), encoded(to)),
    open: async (key) => {
      const bytes = await disk.getStream(encoded(key));
      return { bytes, close: () => void bytes.destroy() };
    },
    stat: async (key) => {
      const { contentLength, lastModified } = await disk.getMetaData(encoded(key));
      return { size: contentLength, modified: lastModified };
    },
    delete: async (key) => disk.delete(encoded(key)),
  });
}

/** flydrive refuses most characters, and changes double blanks and dots at the end of a part. */
const encoded = (key: string) =>
  key.replace(/[^\w/.-]|\.(?=[./]|$)/gu, (text) => Buffer.from(text).toString('hex').replace(/../g, '!$&'));
