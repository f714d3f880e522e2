import { FileFieldError } from '../errors.js';
import { byteSize, duration, oneOf, type Duration } from '../options.js';
import type { Delivery, Download } from '../response/download.js';
import { header } from '../response/request.js';
import { explain } from './explain.js';
import { fileDelivery, type HandOverOptions } from './hand-over.js';

/** Options of `redirect`. */
export interface RedirectOptions extends HandOverOptions {
  /**
   * Status of the redirect. 307 forbids the client to change the method; GET and HEAD keep theirs with 302, too.
   * @default 302
   */
  readonly status?: 302 | 307;
  /**
   * How long the URL works. If the client came by a signed URL of this application, never longer than that one.
   * @default '5m'
   */
  readonly expiresIn?: Duration;
}

/**
 * A delivery that redirects the client to the storage: to a signed URL, or to the permanent URL of a public object. The
 * storage sends the name and type that the view chose, and handles ranges and conditions. Files whose storage has no URLs,
 * and requests with If-Range, are streamed by this process.
 *
 * WARNING: anybody who has the URL can use it until it expires.
 *
 * @throws `invalid_option` for options that cannot work
 *
 * @example
 * ```ts
 * import { redirect } from 'filefield';
 *
 * const delivery = redirect({ expiresIn: '1m' });
 * ```
 */
export function redirect(options: RedirectOptions = {}): Delivery {
  const status = oneOf('status', options.status ?? 302, [302, 307]);
  const minSize = byteSize('minSize', options.minSize ?? 0);
  const expiresIn = duration('expiresIn', options.expiresIn ?? '5m', { from: 1 });
  return fileDelivery(async (request, download, file) => {
    const decision = { delivery: 'redirect', name: file.name };
    if (file.size !== undefined && file.size < minSize) {
      return explain(request, download, { ...decision, reason: 'small' }, options);
    }
    // Not every bucket knows If-Range, and none has the view's tag: a resumed download could be made of two files.
    if (header(request, 'if-range') !== undefined && header(request, 'range') !== undefined) {
      return explain(request, download, { ...decision, reason: 'condition' }, options);
    }
    const location = await fileUrl(download, request.method === 'HEAD' ? 'HEAD' : 'GET', expiresIn);
    if (location === undefined) return explain(request, download, { ...decision, reason: 'no_url' }, options);
    file.close?.();
    const headers: Record<string, string> = { ...download.headers, location, 'cache-control': 'no-store' };
    // These describe the file, not the redirect; the storage sends them.
    for (const name of ['content-type', 'content-disposition', 'content-security-policy']) delete headers[name];
    return explain(request, { ...download, status, headers, file: null, settled: true }, decision, options);
  });
}

/**
 * The URL of a download's file at its storage, with the name and type that the view chose; undefined if it has none. It
 * works for at most `expiresIn` milliseconds, and not longer than the signed URL by which the client came.
 */
export async function fileUrl(
  { file, headers, expires }: Download,
  method: 'GET' | 'HEAD',
  expiresIn: number,
): Promise<string | undefined> {
  const left = expires ? expires.getTime() - Date.now() : Infinity;
  // Too short for a second request; the view has let this one in, so it is streamed.
  if (left < 1000) return undefined;
  const url = await file?.url?.({
    method,
    expiresIn: Math.min(expiresIn, left),
    contentType: headers['content-type'],
    contentDisposition: headers['content-disposition'],
  });
  if (url === undefined || /^https?:\/\/[\x21-\x7e]+$/.test(url)) return url;
  throw new FileFieldError(
    'storage_failed',
    'A storage returned a URL that no client can use: it must be absolute, percent-encoded, and http or https.',
  );
}
