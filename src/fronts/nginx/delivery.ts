import type { Delivery } from '../../response/download.js';
import { handOver, type HandOverOptions } from '../hand-over.js';
import type { HandOverFolders, PathMapping, StorageMap } from '../places.js';
import { accelHeaders, type AccelOptions } from './accel-headers.js';
import { nginx } from './nginx.js';
import { mapRemotes } from './remotes.js';

/** Options of `xAccelRedirect`. */
export interface XAccelRedirectOptions extends AccelOptions, HandOverOptions {
  /**
   * Buckets and other servers that nginx fetches from, by the start of their URLs:
   * `{ 'https://bucket.s3.example': '/_photos' }`. For files whose storage has signed or permanent URLs, and for those of
   * `httpView` and `remoteFile`, unless these send headers of yours or were redirected. nginx gets the URL, the client never
   * sees it. nginx checks no addresses, so an `http:` URL of `httpView` needs `allowPrivate`; for `https:` it checks the
   * certificate. Costs one `stat` of the storage per download, unless the file knows its metadata, as those of columns do.
   * @default none
   */
  readonly remotes?: PathMapping;
}

/**
 * A delivery for nginx: the view responds without a body and with `X-Accel-Redirect`; nginx sends the file from an
 * `internal` location, and handles ranges. The view answers 304 and 412, and what a bucket could answer wrongly. Other files
 * are streamed by this process. Costs one stat() per download.
 *
 * WARNING: nginx drops X-Content-Type-Options, Content-Security-Policy, ETag and Last-Modified of the view's response. The
 * location must add them again, as the configuration that `filefield nginx` prints does.
 *
 * @throws `invalid_option` for folders or options that cannot work
 *
 * @example
 * ```ts
 * import { xAccelRedirect, type StorageRegistry } from 'filefield';
 *
 * declare const storages: StorageRegistry;
 * const all = xAccelRedirect(storages); // the folder of `documents` is /_filefield/documents, and so on
 * const one = xAccelRedirect({ '/srv/var/documents': '/_documents' }, { limitRate: '500 KB' });
 * ```
 */
export function xAccelRedirect<Storages extends StorageMap>(
  folders: HandOverFolders<Storages>,
  options: XAccelRedirectOptions = {},
): Delivery {
  const { remotes, explain, minSize } = options;
  return handOver(nginx, folders, {
    explain,
    minSize,
    headers: accelHeaders(options),
    ...(remotes && { remote: mapRemotes(remotes) }),
  });
}
