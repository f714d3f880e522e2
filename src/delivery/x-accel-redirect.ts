import type { Delivery, DownloadResponse } from '../response/response.js';
import { mapPaths, type PathMapping } from './path-mapping.js';

/**
 * Lets nginx send the bytes: the view answers with an empty body and `X-Accel-Redirect`, and nginx takes the file from
 * an `internal` location, ranges and conditions included. Files outside the mapped folders are streamed as usual.
 *
 * WARNING: nginx drops X-Content-Type-Options and Content-Security-Policy from the view's answer; the location must add
 * them again, as `docs/nginx.md` shows.
 *
 * @example
 * ```ts
 * import { xAccelRedirect } from 'filefield';
 *
 * const delivery = xAccelRedirect({ '/srv/var/documents': '/_documents' });
 * ```
 */
export function xAccelRedirect(mapping: PathMapping): Delivery {
  const map = mapPaths(mapping);
  return (handler) => async (request) => {
    const response = await handler(request);
    const path = response.status === 200 ? response.file?.localPath : undefined;
    const place = path === undefined ? undefined : map(path);
    return place ? handOff(response, `${place.prefix}/${place.segments.map(encode).join('/')}`) : response;
  };
}

/** Node and the disk know a lone surrogate as U+FFFD; encodeURIComponent would throw. */
function encode(segment: string): string {
  return encodeURIComponent(segment.toWellFormed());
}

/** nginx makes validators, ranges and length of its own from the file; what we said of them would get in its way. */
function handOff(response: DownloadResponse, location: string): DownloadResponse {
  response.file?.close?.();
  return { ...response, status: 200, headers: { ...response.headers, 'x-accel-redirect': location }, file: null };
}
