import { oneOf } from '../options.js';
import type { Delivery } from '../response/download.js';
import type { Front } from './front.js';
import { frontNames, fronts, type FrontName, type SendfileFrontName } from './fronts.js';
import { handOver, type HandOverOptions } from './hand-over.js';
import type { HandOverFolders, StorageMap } from './places.js';

/** Options of `xSendfile`. */
export interface XSendfileOptions extends HandOverOptions {
  /** The server in front. Required, because these servers encode paths and handle conditions differently. */
  readonly server: SendfileFrontName;
}

const isSendfileFront = (name: FrontName): name is SendfileFrontName => fronts[name].header === 'x-sendfile';

/**
 * A delivery for Apache (mod_xsendfile) and lighttpd (mod_proxy): the view responds without a body, with ETag,
 * Last-Modified and the absolute path of the file in `X-Sendfile`; the server sends the bytes and handles ranges and
 * conditions. Other files are streamed by this process; so are files whose name contains control characters, which these
 * servers cannot be given. Costs one stat() per download.
 *
 * A mapping translates folders of this machine into folders on the server's disk; the folders of a registry must have the
 * same paths on both.
 *
 * @throws `invalid_option` for folders or options that cannot work
 *
 * @example
 * ```ts
 * import { xSendfile, type StorageRegistry } from 'filefield';
 *
 * declare const storages: StorageRegistry;
 * const apache = xSendfile(storages, { server: 'apache' });
 * const container = xSendfile({ '/app/var/documents': '/srv/documents' }, { server: 'lighttpd' });
 * ```
 */
export function xSendfile<Storages extends StorageMap>(
  folders: HandOverFolders<Storages>,
  options: XSendfileOptions,
): Delivery {
  const front: Front = fronts[oneOf('server', options.server, frontNames.filter(isSendfileFront))];
  return handOver(front, folders, options);
}
