import { rawPath } from '../encode-path.js';
import type { Front } from '../front.js';
import { apacheConfiguration } from './configuration.js';

/** Apache with mod_xsendfile. */
export const apache = {
  name: 'apache',
  description: 'Apache with mod_xsendfile',
  header: 'x-sendfile',
  paths: 'disk',
  // mod_xsendfile opens the path byte by byte, without decoding it.
  encode: rawPath,
  conditions: ['if-match', 'if-unmodified-since', 'if-modified-since', 'if-range'],
  instructions: ['X-Sendfile'],
  fetches: false,
  listensOnSockets: false,
  configuration: apacheConfiguration,
  sentences: {
    // mod_xsendfile answers 404 for a file that it may not read.
    mapping:
      'Apache finds no such file, or its account may not read it: name the root of the storage in XSendFilePath, and let the account of Apache read the files, their folder and all folders above.',
    permission:
      'Apache may not send the file: name the root of the storage in XSendFilePath, and let the account of Apache read the files, their folder and all folders above.',
    ignored_header:
      'Apache sends no file: enable mod_xsendfile and set "XSendFile on", or use the delivery for the server that runs there.',
  },
} as const satisfies Front;
