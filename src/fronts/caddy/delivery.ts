import type { Delivery } from '../../response/download.js';
import { encodedPath, hasControl, rawPath } from '../encode-path.js';
import type { HandOverOptions } from '../hand-over-options.js';
import { handOver } from '../hand-over.js';
import { mapPaths, type Kept, type MappedPath, type Places } from '../places.js';

export interface CaddyFileServerOptions extends HandOverOptions {
  /**
   * How the path is written: `encoded` for Caddy 2.7 and later, which decodes it; `raw` for 2.6 and before, which does not.
   * @default 'encoded'
   */
  readonly paths?: 'encoded' | 'raw';
}

/**
 * Lets Caddy send the bytes: the view answers with an empty body and `X-Accel-Redirect`, and `handle_response` of Caddy's
 * configuration has `file_server` send the file, with ranges, conditions, ETag and Last-Modified of its own. What cannot
 * be handed over is streamed as usual, and so are names with `?` or control characters and, where paths are raw, `#` and
 * `%`. Costs one look for the file.
 *
 * @example
 * ```ts
 * import { caddyFileServer, type StorageRegistry } from 'filefield';
 *
 * declare const storages: StorageRegistry;
 * const delivery = caddyFileServer(storages);
 * ```
 */
export function caddyFileServer<Storages extends Kept>(
  places: Places<Storages>,
  options: CaddyFileServerOptions = {},
): Delivery {
  const write = options.paths === 'raw' ? rawPath : encodedPath;
  // Caddy takes whatever follows a question mark for a query, and cannot be told otherwise. What a later version would
  // read in another way is another file to it: after an upgrade `a%41` would be `aA`, and `a#b` would be `a`.
  const unfit = options.paths === 'raw' ? /[?#%]/ : /\?/;
  const encode = (place: MappedPath) =>
    hasControl(place) || unfit.test(place.segments.join('/')) ? undefined : write(place);
  return handOver(
    { name: 'caddy', header: 'x-accel-redirect', encode, validators: 'server' },
    mapPaths(places, 'uri'),
    options,
  );
}
