import { FileFieldError } from '../errors.js';
import { rangeBody, type ByteRange, type FileBody } from '../file/body.js';
import type { FileSource, LoadHint } from '../file/file.js';
import { checkKey } from '../file/key.js';
import { locateFile } from '../file/open-file.js';
import type { ObjectBody, ObjectInfo, Storage } from '../file/storage.js';

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
    open: (range) => storage.read(key, range),
  };
}

function loaded(
  storage: Storage,
  key: string,
  described: { readonly name: string; readonly type: string | undefined },
  info: ObjectInfo,
  body: ObjectBody | undefined,
): FileSource {
  return {
    ...described,
    size: info.size,
    modified: info.modified,
    // Strong: a storage only gives a tag that changes whenever the bytes do.
    etag: info.etag === undefined ? undefined : `"${info.etag}"`,
    async open(range) {
      // What was opened with the metadata serves further ranges too, and stays open until the file is closed.
      if (body && (body.read || !range)) return reopened(body, range);
      const again = await storage.read(key, range);
      if (again.info.size === info.size && again.info.etag === info.etag) return again;
      again.close();
      throw new FileFieldError('storage_failed', 'An object of a storage changed while it was served.', { key });
    },
    close: () => body?.close(),
  };
}

/** The bytes of a body that is open for the whole object, as a body whose end does not close it. */
function reopened(body: ObjectBody, range: ByteRange | undefined): FileBody {
  const close = () => undefined;
  const read = body.read && ((buffer: Uint8Array, position: number) => body.read!(buffer, position));
  if (read && range) return rangeBody(read, range, close);
  return { size: body.info.size, ...(read && { read }), stream: () => body.stream(), close };
}

async function stat(storage: Storage, key: string): Promise<ObjectInfo> {
  const info = await storage.stat(key);
  if (info) return info;
  throw new FileFieldError('not_found', 'There is no such object.', { key });
}
