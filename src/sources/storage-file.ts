import { FileFieldError } from '../errors.js';
import type { ByteRange, FileBody, FileSource, LoadHint } from '../file/file.js';
import { checkKey } from '../file/key.js';
import { locateFile } from '../file/locate-file.js';
import type { ObjectInfo, ObjectReader, Storage } from '../file/storage.js';

export interface StorageFileOptions {
  /**
   * The name shown to people.
   * @default the last part of the key
   */
  readonly name?: string;
  /**
   * Media type.
   * @default by the name
   */
  readonly type?: string;
}

/**
 * An object of a storage, by its key. Nothing is asked of the storage until it is served, and then once: what the reader
 * of the bytes says of them is what is sent. A storage without random access is asked for the information alone where
 * no bytes are wanted, and for a range alone where one is. Throws `invalid_key`.
 *
 * @example
 * ```ts
 * import { downloadView, storageFile } from 'filefield';
 * import { DiskStorage } from 'filefield/storages/disk';
 *
 * const exports = new DiskStorage({ root: 'var/exports' });
 * const latest = downloadView(async () => ({ subject: null, file: () => storageFile(exports, 'latest.csv') }));
 * ```
 */
export function storageFile(storage: Storage, key: string, options: StorageFileOptions = {}): FileSource {
  checkKey(key);
  const localPath = storage.localPath?.(key);
  const described = { name: options.name ?? key.slice(key.lastIndexOf('/') + 1), type: options.type };
  const load = async (hint: LoadHint = { head: false }) => {
    // Where a path is at hand, opening costs no more than looking, and both are of one file.
    const looks = localPath === undefined && (hint.head || hint.range !== undefined);
    const known = looks ? await stat(storage, key) : await storage.read(key);
    return loaded(storage, key, described, 'info' in known ? known.info : known, 'info' in known ? known : undefined);
  };
  return {
    ...described,
    origin: storage,
    load,
    locate: async () => (localPath === undefined ? undefined : locateFile(localPath)),
    url: async (asked) => (await storage.signedUrl?.(key, asked)) ?? storage.url?.(key),
    open: async (range) => bodyOf(await storage.read(key, range), range),
  };
}

function loaded(
  storage: Storage,
  key: string,
  described: { readonly name: string; readonly type: string | undefined },
  info: ObjectInfo,
  reader: ObjectReader | undefined,
): FileSource {
  return {
    ...described,
    size: info.size,
    modified: info.modified,
    // Strong: a storage only gives a tag that changes whenever the bytes do.
    etag: info.etag === undefined ? undefined : `"${info.etag}"`,
    async open(range) {
      if (reader && (reader.read || !range)) return bodyOf(reader, range, () => undefined);
      const again = await storage.read(key, range);
      if (again.info.size === info.size && again.info.etag === info.etag) return bodyOf(again, range);
      again.close();
      throw new FileFieldError('storage_failed', 'An object of a storage changed while it was served.', { key });
    },
    close: () => reader?.close(),
  };
}

async function stat(storage: Storage, key: string): Promise<ObjectInfo> {
  const info = await storage.stat(key);
  if (info) return info;
  throw new FileFieldError('not_found', 'There is no such object.', { key });
}

function bodyOf(reader: ObjectReader, range?: ByteRange, close: () => void = () => reader.close()): FileBody {
  const start = range?.start ?? 0;
  const size = range ? range.end - range.start + 1 : reader.info.size;
  const read = reader.read?.bind(reader);
  return {
    size,
    stream: () => (read && range ? positioned(read, start, size) : reader.stream()),
    close,
    ...(read && {
      read: (buffer: Uint8Array, position: number) =>
        read(buffer.subarray(0, Math.max(0, size - position)), start + position),
    }),
  };
}

/** The reader may have been opened for the whole, so that its stream would begin at the first byte. */
async function* positioned(
  read: NonNullable<ObjectReader['read']>,
  start: number,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let position = 0; position < size;) {
    const buffer = Buffer.allocUnsafe(Math.min(256 * 1024, size - position));
    const bytes = await read(buffer, start + position);
    if (bytes === 0) return;
    position += bytes;
    yield buffer.subarray(0, bytes);
  }
}
