import type { Delivery } from '../../response/download.js';
import { encodedPath } from '../encode-path.js';
import type { HandOverOptions } from '../hand-over-options.js';
import { handOver } from '../hand-over.js';
import { mapPaths, type Kept, type PathMapping, type Places } from '../places.js';
import { mapRemotes } from './remotes.js';
import { accelHeaders, type AccelOptions } from './headers.js';

export interface XAccelRedirectOptions extends AccelOptions, HandOverOptions {
  /**
   * Storages of other machines that nginx fetches from, by their URL: `{ 'https://bucket.s3.example': '/_photos' }`. For
   * files with a signed or lasting URL below it; nginx gets the URL, the client never sees it.
   * @default none
   */
  readonly remotes?: PathMapping;
}

/**
 * Lets nginx send the bytes: the view answers with an empty body and `X-Accel-Redirect`, and nginx takes the file from
 * an `internal` location, with ranges, conditions, ETag and Last-Modified of its own. What cannot be handed over is
 * streamed as usual. Costs one look for the file.
 *
 * WARNING: nginx drops X-Content-Type-Options and Content-Security-Policy from the view's answer; the location must add
 * them again, as the configuration does that `filefield nginx` prints.
 *
 * @example
 * ```ts
 * import { xAccelRedirect, type StorageRegistry } from 'filefield';
 *
 * declare const storages: StorageRegistry;
 * const all = xAccelRedirect(storages); // the folder of `documents` at /_filefield/documents, and so on
 * const one = xAccelRedirect({ '/srv/var/documents': '/_documents' }, { limitRate: 500_000 });
 * ```
 */
export function xAccelRedirect<Storages extends Kept>(
  places: Places<Storages>,
  options: XAccelRedirectOptions = {},
): Delivery {
  return handOver(
    {
      name: 'nginx',
      header: 'x-accel-redirect',
      encode: encodedPath,
      validators: 'server',
      headers: accelHeaders(options),
      ...(options.remotes && { remote: mapRemotes(options.remotes) }),
    },
    mapPaths(places, 'uri', options.remotes ? 0 : 1),
    options,
  );
}
