import type { Request, RequestHandler } from 'express';
import { Refusal } from './refusal.js';

/** The names under which a browser on the same machine finds this application. */
export const localHosts: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests for other hosts than these, so that the page of a stranger cannot reach this application under a name of
 * its own (DNS rebinding), and uploads and deletions that come from other sites: this example has no login that would
 * protect against them. It compares names, not ports and schemes, which a server in front changes.
 */
export function guard(hosts: readonly string[]): RequestHandler {
  const known = new Set(hosts.map((host) => host.toLowerCase()));
  return (request, _response, next) => {
    if (!known.has(hostOf(`http://${request.headers.host ?? ''}`))) throw new Refusal(421, 'unknown_host');
    const safe = request.method === 'GET' || request.method === 'HEAD';
    if (!safe && !fromOwnPage(request, known)) throw new Refusal(403, 'forbidden');
    next();
  };
}

/** True for a request of this application's own page, or of a client that is no browser. */
function fromOwnPage({ headers }: Request, known: ReadonlySet<string>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return headers.origin === undefined || known.has(hostOf(headers.origin));
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : '';
}

/** Refuses uploads beyond this many at once. */
export function limitUploads(most: number): RequestHandler {
  let running = 0;
  return (request, response, next) => {
    if (request.method !== 'POST' && request.method !== 'PUT') return next();
    if (running >= most) {
      response.setHeader('retry-after', '5');
      throw new Refusal(503, 'busy');
    }
    running += 1;
    response.once('close', () => (running -= 1));
    next();
  };
}
