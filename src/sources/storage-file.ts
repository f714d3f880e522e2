import { FileFieldError } from '../errors.js';
import { rangeBody, type ByteRange, type FileBody } from '../file/body.js';
import type { FileSource, LoadHint } from '../file/file.js';
import { checkKey } from '../file/key.js';
import { locateFile } from '../file/open-file.js';
import type { ObjectBody, ObjectInfo, Storage } from '../file/storage.js';

/** Options of `storageFile`. */
export interface StorageFileOptions {
  /**
   * File name shown to clients.
   * @default the last part of the key
   */
  readonly name?: string;
  /**
   * Media type.
   * @default the type of the name's extension
   */
  readonly type?: string;
}

/**
 * An object of a storage as a file. Nothing is read until the file is served; then metadata and bytes come from one call
 * of the storage. A storage without local paths gets a `stat` for a HEAD request, and a `stat` and a ranged `read` for a
 * range, so that no unwanted byte is transferred. Opening and loading reject with `not_found` if there is no such object.
 *
 * @throws `invalid_key` if no storage can have such a key
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
  return {
    name: described.name,
    type: described.type,
    origin: storage,
    async load(hint: LoadHint = { head: false }) {
      // For a file on the local disk, opening costs no more than a stat and needs no second call.
      if (localPath === undefined && (hint.head || hint.range !== undefined)) {
        return loaded(storage, key, described, await statObject(storage, key));
      }
      const body = await storage.read(key);
      return loaded(storage, key, described, body.info, body);
    },
    locate: async () => (localPath === undefined ? undefined : locateFile(localPath)),
    url: async (urlOptions) => (await storage.signedUrl?.(key, urlOptions)) ?? storage.url?.(key),
    open: (range) => storage.read(key, range),
  };
}

function loaded(
  storage: Storage,
  key: string,
  { name, type }: { readonly name: string; readonly type: string | undefined },
  info: ObjectInfo,
  body?: ObjectBody,
): FileSource {
  return {
    name,
    type,
    size: info.size,
    modified: info.modified,
    // Strong: the tag of a storage changes whenever the bytes do.
    etag: info.etag === undefined ? undefined : `"${info.etag}"`,
    async open(range) {
      // The body that was opened with the metadata stays open for further ranges until the file is closed.
      if (body && (body.read || !range)) return reopened(body, range);
      const opened = await storage.read(key, range);
      if (opened.info.size === info.size && opened.info.etag === info.etag) return opened;
      opened.close();
      throw new FileFieldError('storage_failed', 'The object was replaced in the storage during the download.', {
        key,
      });
    },
    close: () => body?.close(),
  };
}

/** Bytes of a body that is open for the whole object; closing them leaves that body open. */
function reopened(body: ObjectBody, range: ByteRange | undefined): FileBody {
  const close = () => undefined;
  const whole = { size: body.info.size, stream: () => body.stream(), close };
  if (!body.read) return whole;
  const read = (buffer: Uint8Array, position: number) => body.read!(buffer, position);
  return range ? rangeBody(read, range, close) : { size: whole.size, stream: whole.stream, close, read };
}

async function statObject(storage: Storage, key: string): Promise<ObjectInfo> {
  const info = await storage.stat(key);
  if (info) return info;
  throw new FileFieldError('not_found', 'The storage has no such object.', { key });
}
