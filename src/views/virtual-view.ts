import type { DownloadHandler } from '../response/download.js';
import { virtualFile, type VirtualFileOptions } from '../sources/virtual-file.js';
import { viewOf } from './download-view.js';
import type { DownloadViewOptions, RouteParams } from './view-options.js';

/** Options of `virtualView`. */
export type VirtualViewOptions<Raw> = DownloadViewOptions<Raw, undefined>;

/** Generates the file for a request; null or undefined answers 404. Called after `authorize`. */
export type MakeVirtualFile<Raw> = (
  request: Raw,
  params: RouteParams,
) => VirtualFileOptions | null | undefined | Promise<VirtualFileOptions | null | undefined>;

/**
 * A view that serves what your program generates for the request: text, bytes, a Node or Web stream, a generator. A
 * stream is sent while it is generated; a HEAD request starts none. Without a `size`, a stream has no Content-Length and
 * supports no ranges.
 *
 * @example
 * ```ts
 * import { virtualView } from 'filefield';
 *
 * async function* rows() {
 *   yield 'id,total\n';
 *   yield '1,20\n';
 * }
 * const report = virtualView(() => ({ name: 'report.csv', content: rows }));
 * ```
 */
export function virtualView<Raw = unknown>(
  make: MakeVirtualFile<Raw>,
  options: VirtualViewOptions<Raw> = {},
): DownloadHandler<Raw> {
  return viewOf('virtual')(async (request) => {
    const file = async () => {
      const content = await make(request.raw, request.params);
      return content ? virtualFile(content) : null;
    };
    return { subject: undefined, file };
  }, options);
}
