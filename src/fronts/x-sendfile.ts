import type { Delivery } from '../response/download.js';
import { encodedPath, hasControl, rawPath } from './encode-path.js';
import type { HandOverOptions } from './hand-over-options.js';
import { handOver, type Front } from './hand-over.js';
import { mapPaths, type Kept, type Places } from './places.js';

export interface XSendfileOptions extends HandOverOptions {
  /** The server in front. They share the header's name and nothing else, so there is no default. */
  readonly server: 'apache' | 'lighttpd';
}

const fronts: Readonly<Record<XSendfileOptions['server'], Front['encode']>> = {
  // mod_xsendfile opens what the header says, byte by byte.
  apache: rawPath,
  // mod_proxy decodes once; what it makes of control characters is another name.
  lighttpd: (place) => (hasControl(place) ? undefined : encodedPath(place)),
};

/**
 * Lets Apache (mod_xsendfile) or lighttpd (mod_proxy) send the bytes: the view answers with an empty body, its ETag and
 * Last-Modified, and `X-Sendfile`, the path of the file; ranges and conditions are the server's. What cannot be handed
 * over is streamed as usual, and so are names that the server cannot carry: control characters. Costs one look for the file.
 *
 * Places are folders here and the same folders as the server sees them; a registry's storages are where they are here.
 *
 * @example
 * ```ts
 * import { xSendfile, type StorageRegistry } from 'filefield';
 *
 * declare const storages: StorageRegistry;
 * const apache = xSendfile(storages, { server: 'apache' });
 * const elsewhere = xSendfile({ '/app/var/documents': '/srv/documents' }, { server: 'lighttpd' });
 * ```
 */
export function xSendfile<Storages extends Kept>(places: Places<Storages>, options: XSendfileOptions): Delivery {
  const { server } = options;
  const encode = fronts[server];
  return handOver(
    { name: server, header: 'x-sendfile', validators: 'view', encode },
    mapPaths(places, 'folder'),
    options,
  );
}
