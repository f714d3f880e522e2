import { duration, type Duration } from '../options.js';
import type { Delivery } from '../response/download.js';
import { deliveryOf } from './delivery-of.js';
import { explain } from './explain.js';
import type { HandOverOptions } from './hand-over-options.js';
import { fileUrl } from './file-url.js';

export interface RedirectOptions extends HandOverOptions {
  /**
   * 302 is what clients know best; 307 forbids them to change the method, which for GET and HEAD they never do.
   * @default 302
   */
  readonly status?: 302 | 307;
  /**
   * How long the URL is good for; never longer than the signed URL by which the client came.
   * @default '5m'
   */
  readonly expiresIn?: Duration;
}

/**
 * Sends the client to the storage: the view answers with a redirect to a signed URL, or to the lasting one of a public
 * object, under the name and type that the view gave the file. Ranges and conditions are the storage's. Files whose
 * storage has no URLs are streamed as usual.
 *
 * WARNING: whoever is given the URL can use it until it expires.
 *
 * @example
 * ```ts
 * import { redirect } from 'filefield';
 *
 * const delivery = redirect({ expiresIn: '1m' });
 * ```
 */
export function redirect(options: RedirectOptions = {}): Delivery {
  const { status = 302, minSize = 0 } = options;
  const life = duration('expiresIn', options.expiresIn ?? '5m', { from: 1 });
  return deliveryOf(async (request, response, file) => {
    const told = { delivery: 'redirect', name: file.name };
    if (file.size !== undefined && file.size < minSize) {
      return explain(request, response, { ...told, reason: 'small' }, options);
    }
    const location = await fileUrl(response, request.method === 'HEAD' ? 'HEAD' : 'GET', life);
    if (location === undefined) return explain(request, response, { ...told, reason: 'no_url' }, options);
    file.close?.();
    const headers: Record<string, string> = { ...response.headers, location, 'cache-control': 'no-store' };
    // Of the file, not of a redirect; the storage says them again.
    for (const name of ['content-type', 'content-disposition', 'content-security-policy']) delete headers[name];
    return explain(request, { ...response, status, headers, file: null, settled: true }, told, options);
  });
}
