import { FileFieldError } from '../errors.js';
import type { DownloadHandler } from '../response/download.js';
import { rootedFile, type RootedFileOptions } from '../sources/rooted-file.js';
import { downloadView } from './download-view.js';
import type { DownloadViewOptions } from './view-options.js';
import { precompressed, type PrecompressedOptions } from './precompressed.js';
import { requested, type Requested } from './requested.js';

export interface PathDownloadViewOptions<Raw>
  extends DownloadViewOptions<Raw, string>, RootedFileOptions, PrecompressedOptions {
  /** The folder; nothing outside of it can be had. Relative ones start at the working directory. */
  readonly root: string;
  /** The file below the root, `/` between its parts. May be a function of the request and the route's parameters. */
  readonly path: Requested<string | readonly string[], Raw>;
}

/**
 * A view that serves files of a folder. A path that leads out of it - by `..`, a backslash, a NUL, an absolute path, a
 * symbolic link - answers 404, and so do folders and, below the root, names that begin with a dot. Where the root itself
 * is does not matter. Paths are taken as the framework decoded them and never decoded again.
 *
 * With a `delivery` the file is checked likewise before it is handed over, but it is the other server that opens it.
 *
 * @example
 * ```ts
 * import { pathDownloadView } from 'filefield';
 *
 * const manual = pathDownloadView({ root: 'public', path: 'manual.pdf' });
 * const any = pathDownloadView({ root: 'public', path: (_request, params) => params.file });
 * ```
 */
export function pathDownloadView<Raw = unknown>(options: PathDownloadViewOptions<Raw>): DownloadHandler<Raw> {
  const { root, symlinks, dotFiles } = options;
  if (!root) throw new FileFieldError('invalid_option', 'pathDownloadView needs a root folder.');
  return downloadView(async (request) => {
    const given = await requested(options.path, request);
    if (given === undefined || given === null) return null;
    const below = typeof given === 'string' ? given : given.join('/');
    const file = (ending: string) => rootedFile(root, below + ending, { symlinks, dotFiles });
    return { subject: below, file: () => precompressed(request, options.precompressed, file) };
  }, options);
}
