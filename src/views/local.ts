import type { DownloadHandler } from '../response/download.js';
import { localFile } from '../sources/local-file.js';
import { downloadView } from './download-view.js';
import type { DownloadViewOptions } from './view-options.js';
import { pathDownloadView } from './path-download-view.js';
import type { RootedFileOptions } from '../sources/rooted-file.js';

export interface SendFileOptions<Raw> extends DownloadViewOptions<Raw, string>, RootedFileOptions {
  /**
   * The folder that the path must stay in. WARNING: without it, the path must come from your program alone.
   * @default none: the path is taken as it is
   */
  readonly root?: string;
}

/** What `sendFile` of the adapters runs: one file of this machine, once. */
export function localDownloadView<Raw>(path: string, options: SendFileOptions<Raw> = {}): DownloadHandler<Raw> {
  const { root } = options;
  if (root !== undefined) return pathDownloadView<Raw>({ ...options, root, path });
  return downloadView<Raw, string>(async () => ({ subject: path, file: () => localFile(path) }), options);
}
