import { oneOf } from '../../options.js';
import type { Delivery } from '../../response/download.js';
import { handOver, type HandOverOptions } from '../hand-over.js';
import type { HandOverFolders, StorageMap } from '../places.js';
import { caddy, caddyRawPath } from './caddy.js';

/** Options of `caddyFileServer`. */
export interface CaddyFileServerOptions extends HandOverOptions {
  /**
   * How paths are written: `'encoded'` for Caddy 2.7 and later, which decode them; `'raw'` for 2.6 and earlier, which do not.
   * @default 'encoded'
   */
  readonly paths?: 'encoded' | 'raw';
}

/**
 * A delivery for Caddy: the view responds without a body and with `X-Accel-Redirect`, on which `handle_response` in Caddy's
 * configuration acts: `file_server` sends the bytes and handles ranges. The view answers requests with conditions.
 * Other files are streamed by this process; so are names with `?` or control characters and, with raw paths, with `#`, `%` or
 * a blank at the end. Costs one stat() per download.
 *
 * @throws `invalid_option` for folders or options that cannot work
 *
 * @example
 * ```ts
 * import { caddyFileServer, type StorageRegistry } from 'filefield';
 *
 * declare const storages: StorageRegistry;
 * const delivery = caddyFileServer(storages);
 * ```
 */
export function caddyFileServer<Storages extends StorageMap>(
  folders: HandOverFolders<Storages>,
  options: CaddyFileServerOptions = {},
): Delivery {
  const paths = oneOf('paths', options.paths ?? 'encoded', ['encoded', 'raw']);
  return handOver(caddy, folders, { ...options, encode: paths === 'raw' ? caddyRawPath : caddy.encode });
}
