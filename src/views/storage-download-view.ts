import { isFileFieldError } from '../errors.js';
import type { FileSource } from '../file/file.js';
import type { DownloadHandler } from '../response/download.js';
import { storageFile } from '../sources/storage-file.js';
import type { Storage } from '../file/storage.js';
import { downloadView } from './download-view.js';
import type { DownloadViewOptions } from './view-options.js';
import { precompressed, type PrecompressedOptions } from './precompressed.js';
import { requested, type Requested } from './requested.js';

export interface StorageDownloadViewOptions<Raw> extends DownloadViewOptions<Raw, string>, PrecompressedOptions {
  /** What to serve: a key, or what follows `prefix`. May be a function of the request and the route's parameters. */
  readonly name: Requested<string | readonly string[], Raw>;
  /**
   * What every key of this view begins with, such as `'exports/'`; nothing else in the storage can be had.
   * @default ''
   */
  readonly prefix?: string;
}

/**
 * A view that serves objects of a storage by name, without any row. A name that is no key, a folder and an object that is
 * not there all answer 404. The type is found by the name; the tag is strong where the storage vouches for the bytes.
 *
 * WARNING: whoever reaches the route can have every object below `prefix`; use `authorize`, or serve rows instead.
 *
 * @example
 * ```ts
 * import { storageDownloadView, type Storage } from 'filefield';
 *
 * declare const exports: Storage;
 * const view = storageDownloadView(exports, { name: (_request, params) => params.name });
 * ```
 */
export function storageDownloadView<Raw = unknown>(
  storage: Storage | ((request: Raw) => Storage | Promise<Storage>),
  options: StorageDownloadViewOptions<Raw>,
): DownloadHandler<Raw> {
  const { prefix = '' } = options;
  return downloadView(async (request) => {
    const name = await requested(options.name, request);
    if (name === undefined || name === null) return null;
    const key = prefix + (typeof name === 'string' ? name : name.join('/'));
    const file = async (): Promise<FileSource | null> => {
      const chosen = typeof storage === 'function' ? await storage(request.raw) : storage;
      try {
        return await precompressed(request, options.precompressed, (ending) => storageFile(chosen, key + ending));
      } catch (error) {
        // A name that no object can have: there is none, and nothing was missed.
        if (isFileFieldError(error, 'invalid_key')) return null;
        throw error;
      }
    };
    return { subject: key, file };
  }, options);
}
