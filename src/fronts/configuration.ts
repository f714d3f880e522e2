import { FileFieldError } from '../errors.js';
import { apacheConfiguration } from './apache/configuration.js';
import { caddyConfiguration } from './caddy/configuration.js';
import { lighttpdConfiguration } from './lighttpd/configuration.js';
import { nginxConfiguration } from './nginx/configuration.js';
import { checkSetup, type CheckedSetup, type FrontSetup } from './setup.js';

/** The servers that can send files in place of the application. */
export type FrontName = 'nginx' | 'apache' | 'lighttpd' | 'caddy';

const printers: Readonly<Record<FrontName, (setup: CheckedSetup) => string>> = {
  nginx: nginxConfiguration,
  apache: apacheConfiguration,
  lighttpd: lighttpdConfiguration,
  caddy: caddyConfiguration,
};

/**
 * The text of a configuration with which a server in front sends the files that a delivery hands to it, keeps the view's
 * headers, and lets everything else through to the application. Throws `invalid_option` for a setup that cannot work, and
 * for a folder whose name the server's configuration cannot hold.
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
  const checked = checkSetup(setup);
  if (checked.remotes.length > 0 && server !== 'nginx') {
    throw new FileFieldError('invalid_option', `Only nginx passes on the answers of another host; ${server} cannot.`);
  }
  return printers[server](checked);
}
