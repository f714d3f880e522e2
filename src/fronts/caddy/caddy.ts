import { encodedPath, hasControl, rawPath } from '../encode-path.js';
import type { Front } from '../front.js';
import type { FrontPath } from '../places.js';
import { caddyConfiguration } from './configuration.js';

/**
 * The path for Caddy 2.7 and later. Caddy takes everything after a question mark for a query, encoded or not, so a name with
 * one cannot be handed over.
 */
function encoded(path: FrontPath): string | undefined {
  return isUnfit(path, /\?/) ? undefined : encodedPath(path);
}

/**
 * The path for Caddy 2.6 and earlier, which do not decode it. Names with `#` and `%` would work, but mean another file to
 * Caddy 2.7: after an upgrade, `a%41` would be `aA` and `a#b` would be `a`.
 */
export function caddyRawPath(path: FrontPath): string | undefined {
  return isUnfit(path, /[?#%]/) ? undefined : rawPath(path);
}

function isUnfit(path: FrontPath, characters: RegExp): boolean {
  return hasControl(path) || characters.test(path.segments.join('/'));
}

/** Caddy with reverse_proxy and file_server. */
export const caddy = {
  name: 'caddy',
  description: 'Caddy with file_server',
  header: 'x-accel-redirect',
  paths: 'uri',
  encode: encoded,
  // It compares all but If-None-Match with a tag and a time of its own.
  conditions: [],
  instructions: ['X-Accel-Redirect'],
  fetches: false,
  listensOnSockets: false,
  configuration: caddyConfiguration,
  sentences: {
    mapping:
      'Caddy finds no such file: the prefix of the delivery and its folder must be those of a handle_path, and Caddy 2.6 and earlier need the option paths: "raw".',
    permission: 'Caddy may not read the file: let its account read the files, their folder and all folders above.',
    ignored_header:
      'Caddy sends no file: add a handle_response for X-Accel-Redirect, or use the delivery for the server that runs there.',
  },
} as const satisfies Front;
