import type { DownloadHandler } from '../response/download.js';
import { virtualFile, type VirtualFileOptions } from '../sources/virtual-file.js';
import { downloadView } from './download-view.js';
import type { DownloadViewOptions } from './view-options.js';
import type { RouteParams } from './requested.js';

/**
 * A view that serves what your program makes for the request: text, bytes, a Node or Web stream, a generator. What is
 * made while it is sent leaves as it is made; for HEAD nothing is. Without a `size` it has no length and no ranges.
 *
 * `make` runs after `authorize`; null or undefined answers 404.
 *
 * @example
 * ```ts
 * import { virtualDownloadView } from 'filefield';
 *
 * async function* rows() {
 *   yield 'id,total\n';
 *   yield '1,20\n';
 * }
 * const report = virtualDownloadView(() => ({ name: 'report.csv', content: rows }));
 * ```
 */
export function virtualDownloadView<Raw = unknown>(
  make: (
    request: Raw,
    params: RouteParams,
  ) => VirtualFileOptions | null | undefined | Promise<VirtualFileOptions | null | undefined>,
  options: DownloadViewOptions<Raw, undefined> = {},
): DownloadHandler<Raw> {
  return downloadView(
    async (request) => ({
      subject: undefined,
      async file() {
        const made = await make(request.raw, request.params);
        return made ? virtualFile(made) : null;
      },
    }),
    options,
  );
}
