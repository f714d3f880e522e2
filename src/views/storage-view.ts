import { isFileFieldError } from '../errors.js';
import { isPromise } from '../file/promise.js';
import type { FileSource } from '../file/file.js';
import type { Storage } from '../file/storage.js';
import type { DownloadHandler } from '../response/download.js';
import type { DownloadRequest } from '../response/request.js';
import { storageFile } from '../sources/storage-file.js';
import { viewOf } from './download-view.js';
import { precompressed, type PrecompressedOptions } from './precompressed.js';
import { pathFor, type DownloadViewOptions, type PathOptions, type Requested } from './view-options.js';

/** Options of `storageView`. */
export interface StorageViewOptions<Raw> extends DownloadViewOptions<Raw, string>, PathOptions, PrecompressedOptions {
  /**
   * The key of the object without the `prefix`, a list of its segments without `/`, or a function of the request and its
   * route parameters.
   */
  readonly name: Requested<string | readonly string[], Raw>;
  /**
   * Prepended to each name, such as `'exports/'`. Objects whose key does not begin with it are not served.
   * @default ''
   */
  readonly prefix?: string;
}

/** A storage, or a function that chooses one for a request. */
export type StorageOf<Raw> = Storage | ((request: Raw) => Storage | Promise<Storage>);

/**
 * A view that serves objects of a storage by name, without a database row. Answers 404 for a name that cannot be a key
 * and for an object that does not exist. The type is that of the name's extension; the entity-tag is strong if the
 * storage provides one.
 *
 * WARNING: every client that can reach the route can read every object below `prefix`. Use `authorize`, or serve rows
 * with `objectView` instead.
 *
 * @example
 * ```ts
 * import { storageView, type Storage } from 'filefield';
 *
 * declare const exports: Storage;
 * const view = storageView(exports, { name: (_request, params) => params.name });
 * ```
 */
export function storageView<Raw = unknown>(
  storage: StorageOf<Raw>,
  options: StorageViewOptions<Raw>,
): DownloadHandler<Raw> {
  const { prefix = '' } = options;
  const found = (request: DownloadRequest<Raw>, name: string | null) => {
    if (name === null) return null;
    const key = prefix + name;
    const file = async (): Promise<FileSource | null> => {
      const chosen = typeof storage === 'function' ? await storage(request.raw) : storage;
      try {
        const found = precompressed(request, options.precompressed, (suffix) => storageFile(chosen, key + suffix));
        return isPromise(found) ? await found : found;
      } catch (error) {
        // No object can have this name, so the client gets 404 and `onMissing` is not called.
        if (isFileFieldError(error, 'invalid_key')) return null;
        throw error;
      }
    };
    return { subject: key, file };
  };
  return viewOf('storage')((request) => {
    const name = pathFor(options.name, request, options);
    return isPromise(name) ? name.then((known) => found(request, known)) : found(request, name);
  }, options);
}
