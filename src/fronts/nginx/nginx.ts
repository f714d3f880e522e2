import { encodedPath } from '../encode-path.js';
import type { Front } from '../front.js';
import { nginxConfiguration } from './configuration.js';

/** nginx with X-Accel-Redirect. */
export const nginx = {
  name: 'nginx',
  description: 'nginx with X-Accel-Redirect',
  header: 'x-accel-redirect',
  paths: 'uri',
  encode: encodedPath,
  // Its own tags would be made of time and size, which two files can share. It has no tag to compare If-Match with.
  conditions: ['if-modified-since', 'if-range'],
  instructions: ['X-Accel-Redirect', 'X-Accel-Buffering', 'X-Accel-Charset', 'X-Accel-Expires', 'X-Accel-Limit-Rate'],
  fetches: true,
  listensOnSockets: true,
  configuration: nginxConfiguration,
  sentences: {
    mapping:
      'nginx finds no such file: the prefix of the delivery needs an internal location whose alias is the root of the storage.',
    permission: 'nginx may not send the file: let its account read the files, their folder and all folders above.',
    ignored_header:
      'nginx sends no file: remove proxy_ignore_headers X-Accel-Redirect, or use the delivery for the server that runs there.',
  },
} as const satisfies Front;
