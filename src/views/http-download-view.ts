import { FileFieldError } from '../errors.js';
import { header } from '../response/request.js';
import type { DownloadHandler } from '../response/download.js';
import { remoteFile } from '../sources/remote-file.js';
import type { UpstreamOptions } from '../sources/upstream.js';
import { downloadView } from './download-view.js';
import type { DownloadViewOptions } from './view-options.js';
import { requested, type Requested } from './requested.js';

export interface HttpDownloadViewOptions<Raw> extends DownloadViewOptions<Raw, URL>, Omit<UpstreamOptions, 'headers'> {
  /**
   * Where the file is. May be a function of the request and the route's parameters. WARNING: encode what you put into a
   * URL with `encodeURIComponent`; whatever is in it is fetched with the rights of this machine.
   */
  readonly url: Requested<string | URL, Raw>;
  /** Headers of the request to the other server; none of the client's are passed on. */
  readonly headers?: Requested<Readonly<Record<string, string>>, Raw>;
}

/**
 * A view that passes on files of another server: ranges, conditions and HEAD included, judged by the validators that the
 * other server gives. Its 404 is a 404, every other failure 502, and 504 when it takes too long. Addresses of this machine
 * and of private networks are refused unless `allowPrivate`.
 *
 * @example
 * ```ts
 * import { httpDownloadView } from 'filefield';
 *
 * const mirror = httpDownloadView({
 *   url: (_request, params) => `https://files.example/${encodeURIComponent(String(params.id))}`,
 * });
 * ```
 */
export function httpDownloadView<Raw = unknown>(options: HttpDownloadViewOptions<Raw>): DownloadHandler<Raw> {
  if (typeof options.url !== 'function') toUrl(options.url);
  const { timeout, allowPrivate, maxRedirects } = options;
  return downloadView(async (request) => {
    const wanted = await requested(options.url, request);
    if (wanted === undefined || wanted === null) return null;
    const url = toUrl(wanted);
    const file = async () => {
      const headers = (options.headers && (await requested(options.headers, request))) ?? {};
      // Loaded here and now: the type is in the other server's head, and this view's head needs it.
      const hint = { head: request.method === 'HEAD', range: header(request, 'range') };
      return remoteFile(url, { headers, timeout, allowPrivate, maxRedirects }).load!(hint);
    };
    return { subject: url, file };
  }, options);
}

function toUrl(url: string | URL): URL {
  if (URL.canParse(String(url))) return new URL(url);
  throw new FileFieldError('invalid_option', 'The option "url" of httpDownloadView must give an absolute URL.');
}
