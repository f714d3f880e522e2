import { invalidOption, oneOf } from '../options.js';
import type { Front } from './front.js';
import { frontNames, fronts, instructionHeaders, type FrontName } from './fronts.js';
import { checkSetup, type FrontSetup } from './setup.js';

const able = (ability: 'fetches' | 'listensOnSockets') =>
  frontNames.filter((name) => fronts[name][ability]).join(' and ');

/**
 * The text of a configuration for a server in front. With it, the server sends the files that a delivery hands over, adds
 * the headers of the view, and passes all other requests to the application.
 *
 * @throws `invalid_option` for a setup that cannot work, and for a folder that the server's configuration cannot name
 *
 * @example
 * ```ts
 * import { frontConfiguration } from 'filefield';
 *
 * const text = frontConfiguration('nginx', {
 *   places: [{ folder: '/srv/var/documents', prefix: '/_filefield/documents' }],
 *   upstream: 'http://127.0.0.1:3000',
 *   listen: '8080',
 * });
 * ```
 */
export function frontConfiguration(server: FrontName, setup: FrontSetup): string {
  const front: Front = fronts[oneOf('server', server, frontNames)];
  const checked = checkSetup(setup);
  if (checked.remotes.length > 0 && !front.fetches) {
    throw invalidOption(`Remove "remotes": ${server} cannot fetch from a bucket. Only ${able('fetches')} can.`);
  }
  if (checked.listen.socket !== undefined && !front.listensOnSockets) {
    const who = able('listensOnSockets');
    throw invalidOption(`Give a port in "listen": only the configuration of ${who} can have a socket there.`);
  }
  return front.configuration(checked, instructionHeaders);
}
