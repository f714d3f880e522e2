import { encodedPath, hasControl } from '../encode-path.js';
import type { Front } from '../front.js';
import { lighttpdConfiguration } from './configuration.js';

/** lighttpd with mod_proxy. */
export const lighttpd = {
  name: 'lighttpd',
  description: 'lighttpd with X-Sendfile',
  header: 'x-sendfile',
  paths: 'disk',
  // mod_proxy decodes the path once, and changes control characters.
  encode: (path) => (hasControl(path) ? undefined : encodedPath(path)),
  // It ignores If-Match and If-Unmodified-Since, and compares If-Modified-Since with the time on the disk.
  conditions: ['if-match', 'if-unmodified-since', 'if-range'],
  // The last two are for FastCGI, where lighttpd acts on them.
  instructions: ['X-Sendfile', 'X-Sendfile2', 'X-LIGHTTPD-send-file'],
  fetches: false,
  listensOnSockets: false,
  configuration: lighttpdConfiguration,
  sentences: {
    mapping:
      'lighttpd finds no such file: the folder of the delivery must be the root of the storage, as lighttpd sees it.',
    permission:
      'lighttpd may not send the file: name the root of the storage in "x-sendfile-docroot", and let the account of lighttpd read the files, their folder and all folders above.',
    ignored_header:
      'lighttpd sends no file: set "x-sendfile" => "enable" for the application, or use the delivery for the server that runs there.',
  },
} as const satisfies Front;
