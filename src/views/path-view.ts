import { FileFieldError } from '../errors.js';
import { isPromise } from '../file/promise.js';
import type { DownloadHandler } from '../response/download.js';
import type { DownloadRequest } from '../response/request.js';
import { localFile, type FolderOptions } from '../sources/local-file.js';
import { viewOf } from './download-view.js';
import { precompressed, type PrecompressedOptions } from './precompressed.js';
import { pathFor, type DownloadViewOptions, type PathOptions, type Requested } from './view-options.js';

/** Options of `pathView`. */
export interface PathViewOptions<Raw>
  extends DownloadViewOptions<Raw, string>, FolderOptions, PathOptions, PrecompressedOptions {
  /** The folder. Nothing outside of it is served. Relative paths start at the working directory. */
  readonly root: string;
  /**
   * The path below the root with `/` between its parts, a list of parts without `/`, or a function of the request and its
   * route parameters.
   */
  readonly path: Requested<string | readonly string[], Raw>;
}

/**
 * A view that serves the files of a folder. Answers 404 for a path that leaves the folder (`..`, a backslash, a NUL, an
 * absolute path, a symbolic link), for folders, and for names below the root that begin with a dot. The path is used as
 * the framework decoded it and is not decoded again.
 *
 * With a `delivery` the path is checked in the same way, but the other server opens the file afterwards.
 *
 * @throws `invalid_option` if `root` is empty
 *
 * @example
 * ```ts
 * import { pathView } from 'filefield';
 *
 * const manual = pathView({ root: 'public', path: 'manual.pdf' });
 * const any = pathView({ root: 'public', path: (_request, params) => params.file });
 * ```
 */
export function pathView<Raw = unknown>(options: PathViewOptions<Raw>): DownloadHandler<Raw> {
  const { root, symlinks, dotFiles } = options;
  if (!root) throw new FileFieldError('invalid_option', 'The option "root" of pathView must name a folder.');
  const found = (request: DownloadRequest<Raw>, path: string | null) => {
    if (path === null) return null;
    const fileWith = (suffix: string) => localFile(path + suffix, { root, symlinks, dotFiles });
    return { subject: path, file: () => precompressed(request, options.precompressed, fileWith) };
  };
  return viewOf('path')((request) => {
    const path = pathFor(options.path, request, options);
    return isPromise(path) ? path.then((known) => found(request, known)) : found(request, path);
  }, options);
}

/** Options of the adapters' `sendFile`. */
export interface SendFileOptions<Raw> extends DownloadViewOptions<Raw, string>, FolderOptions {
  /**
   * The folder that the path must stay in. WARNING: without a root the path must come from your program.
   * @default none: the path is used as it is
   */
  readonly root?: string;
}

/**
 * A view of one local file, for the adapters' `sendFile`.
 *
 * @internal
 */
export function sendFileView<Raw>(path: string, options: SendFileOptions<Raw> = {}): DownloadHandler<Raw> {
  const { root, symlinks, dotFiles } = options;
  const file = () => localFile(path, { root, symlinks, dotFiles });
  return viewOf('file')<Raw, string>(async () => ({ subject: path, file }), options);
}
