import { FileFieldError } from '../errors.js';
import type { DownloadHandler } from '../response/download.js';
import { loadHint } from '../response/request.js';
import { remoteFile } from '../sources/remote-file.js';
import { upstreamSettings, type UpstreamOptions } from '../sources/upstream.js';
import { viewOf } from './download-view.js';
import { valueFor, type DownloadViewOptions, type Requested } from './view-options.js';

/** Options of `httpView`. */
export interface HttpViewOptions<Raw> extends DownloadViewOptions<Raw, URL>, Omit<UpstreamOptions, 'headers'> {
  /**
   * The absolute URL of the file, or a function of the request and its route parameters. WARNING: encode values with
   * `encodeURIComponent` before they become a part of a URL; the URL is fetched with the network access of this machine.
   */
  readonly url: Requested<string | URL, Raw>;
  /** Headers of the request to the other server. No header of the client is forwarded. */
  readonly headers?: Requested<Readonly<Record<string, string>>, Raw>;
}

/**
 * A view that streams files from another HTTP server: ranges, conditions and HEAD included, based on the validators of
 * the other server. Its 404 becomes 404, any other failure 502, a timeout 504. Addresses of this machine and of private
 * networks are refused unless `allowPrivate` allows them. With `xAccelRedirect` and its option `remotes`, nginx fetches the
 * bytes, and this view only the head.
 *
 * @throws `invalid_option` for a URL that is not absolute, and for a `timeout` or `maxRedirects` out of range
 *
 * @example
 * ```ts
 * import { httpView } from 'filefield';
 *
 * const mirror = httpView({
 *   url: (_request, params) => `https://files.example/${encodeURIComponent(String(params.id))}`,
 *   timeout: '10s',
 * });
 * ```
 */
export function httpView<Raw = unknown>(options: HttpViewOptions<Raw>): DownloadHandler<Raw> {
  if (typeof options.url !== 'function') toUrl(options.url);
  const { timeout, allowPrivate, maxRedirects } = options;
  upstreamSettings({ timeout, allowPrivate, maxRedirects });
  return viewOf('http')(async (request) => {
    const requestedUrl = await valueFor(options.url, request);
    if (requestedUrl === undefined || requestedUrl === null) return null;
    const url = toUrl(requestedUrl);
    const file = async () => {
      const headers = (options.headers && (await valueFor(options.headers, request))) ?? {};
      // Loaded now, because the type in the head of this response comes from the head of the other server's response.
      return remoteFile(url, { headers, timeout, allowPrivate, maxRedirects }).load!(loadHint(request));
    };
    return { subject: url, file };
  }, options);
}

function toUrl(url: string | URL): URL {
  if (URL.canParse(String(url))) return new URL(url);
  throw new FileFieldError('invalid_option', 'The option "url" of httpView must give an absolute URL.');
}
