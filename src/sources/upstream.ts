import dns from 'node:dns';
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { FileFieldError, isFileFieldError } from '../errors.js';
import { isPublicAddress } from './public-address.js';

export interface UpstreamOptions {
  /** Headers of the request, such as your own Authorization. Nothing of the client's request is ever passed on. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Milliseconds until the head must be there, redirects included, and again for each piece of the body.
   * @default 30_000
   */
  readonly timeout?: number;
  /**
   * Addresses of this machine and of private networks: refused, allowed, or allowed for these hosts. What counts is the
   * address that is connected to, after DNS and after every redirect. WARNING: `true` lets whoever chooses the URL read
   * what only your network can.
   * @default false
   */
  readonly allowPrivate?: boolean | readonly string[];
  /**
   * Redirects followed at most; never from HTTPS to HTTP. `headers` are left out once they lead to another origin.
   * @default 5
   */
  readonly maxRedirects?: number;
}

interface Ask {
  readonly method: 'GET' | 'HEAD';
  readonly range?: string;
}

// Kept apart: a connection that was allowed for one host must not be used by a request for which it was not.
const agents = [false, true].map(() => ({
  'http:': new http.Agent({ keepAlive: true, maxFreeSockets: 16 }),
  'https:': new https.Agent({ keepAlive: true, maxFreeSockets: 16 }),
}));

/** Asks another server, and resolves to its answer, whatever the status, with the body not yet read. */
export async function askUpstream(url: URL, ask: Ask, options: UpstreamOptions): Promise<IncomingMessage> {
  // For the head only: a body may take as long as it likes, as long as it comes.
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), options.timeout ?? 30_000);
  try {
    return await follow(url, ask, options, deadline.signal);
  } finally {
    clearTimeout(timer);
  }
}

async function follow(url: URL, ask: Ask, options: UpstreamOptions, signal: AbortSignal): Promise<IncomingMessage> {
  let place = url;
  for (let left = options.maxRedirects ?? 5; ; left -= 1) {
    const own = place.origin === url.origin ? options.headers : {};
    const answer = await once(place, ask, own, isAllowed(place, options.allowPrivate), signal);
    const { location } = answer.headers;
    if (!location || ![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0)) return answer;
    answer.destroy();
    const next = URL.canParse(location, place.href) ? new URL(location, place) : undefined;
    if (!next || left <= 0 || (place.protocol === 'https:' && next.protocol !== 'https:')) {
      throw failed(left > 0 ? 'redirects to where nobody may follow' : 'redirects too often');
    }
    place = next;
  }
}

async function once(
  url: URL,
  { method, range }: Ask,
  given: Readonly<Record<string, string>> = {},
  allowed: boolean,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { protocol } = url;
  if (protocol !== 'http:' && protocol !== 'https:') throw failed('has a URL that is neither http nor https');
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (!allowed && isIP(literal) && !isPublicAddress(literal)) throw refused();
  // Bytes as they are stored: ranges and tags are of those.
  const headers: OutgoingHttpHeaders = { ...given, 'accept-encoding': 'identity', ...(range && { range }) };
  const agent = agents[allowed ? 1 : 0]![protocol];
  const lookup = allowed ? undefined : lookupPublic;
  const module = protocol === 'https:' ? https : http;
  for (let again = true; ; again = false) {
    try {
      return await new Promise<IncomingMessage>((resolve, reject) => {
        const request = module.request(url, { method, headers, agent, lookup, signal });
        request.on('response', resolve);
        request.on('error', (error) => reject(Object.assign(error, { stale: request.reusedSocket })));
        request.end();
      });
    } catch (error) {
      // A kept connection may have been closed by the other side just now; that says nothing about a new one.
      if (again && (error as { stale?: boolean }).stale && !signal.aborted) continue;
      throw upstreamError(error, signal);
    }
  }
}

function upstreamError(error: unknown, signal: AbortSignal): FileFieldError {
  if (isFileFieldError(error)) return error;
  if (!signal.aborted) return failed('cannot be reached', error);
  return new FileFieldError('upstream_timeout', 'The other server took too long.', { cause: error });
}

function isAllowed(url: URL, allowPrivate: UpstreamOptions['allowPrivate'] = false): boolean {
  if (typeof allowPrivate === 'boolean') return allowPrivate;
  return allowPrivate.includes(url.hostname) || allowPrivate.includes(url.host);
}

/** The very addresses that will be connected to: a name that is asked for twice may answer differently (DNS rebinding). */
const lookupPublic: LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? [];
    if (error || !first) callback(error ?? failed('has no address'), '');
    else if (!addresses.every(({ address }) => isPublicAddress(address))) callback(refused(), '');
    else if (options.all) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

function refused(): FileFieldError {
  return failed('has a private address; the option "allowPrivate" can allow it');
}

function failed(reason: string, cause?: unknown): FileFieldError {
  return new FileFieldError('upstream_failed', `The other server ${reason}.`, { cause });
}
