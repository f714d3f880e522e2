import dns from 'node:dns';
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { FileFieldError, isFileFieldError } from '../errors.js';
import { duration, wholeNumber, type Duration } from '../options.js';
import { isPublicAddress } from './public-address.js';

/** How another HTTP server is asked for a file. */
export interface UpstreamOptions {
  /** Headers of the request, such as your own Authorization. No header of the client is forwarded. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Time until the head of the response must have arrived, redirects included, and again for each chunk of the body: 1 ms
   * to 24 days.
   * @default '30s'
   */
  readonly timeout?: Duration;
  /**
   * Addresses of this machine and of private networks: refused, allowed, or allowed for the listed hosts (`'host'` or
   * `'host:port'`). The check applies to the address that is connected to, after DNS and after each redirect. WARNING:
   * with `true`, anyone who controls the URL can read what only your network can reach.
   * @default false
   */
  readonly allowPrivate?: boolean | readonly string[];
  /**
   * The largest number of redirects to follow; a redirect from HTTPS to HTTP is never followed. `headers` are not sent to
   * another origin.
   * @default 5
   */
  readonly maxRedirects?: number;
}

/** Checked options. */
export interface UpstreamSettings {
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number;
  readonly allowPrivate: boolean | readonly string[];
  readonly maxRedirects: number;
}

/** The part of a request that depends on what the client wants. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'HEAD';
  /** The Range header. */
  readonly range?: string;
}

/** A request to one URL, without its redirects. */
interface Hop extends UpstreamRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly allowPrivate: boolean;
  readonly signal: AbortSignal;
}

// The longest time that setTimeout can wait.
const longestTimeout = 2 ** 31 - 1;
const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];

// Separate pools: a connection that was allowed for one host must not serve a request for which it is not.
const newAgents = () => ({
  'http:': new http.Agent({ keepAlive: true, maxFreeSockets: 16 }),
  'https:': new https.Agent({ keepAlive: true, maxFreeSockets: 16 }),
});
const publicAgents = newAgents();
const privateAgents = newAgents();

/**
 * Checks the options and fills in the defaults.
 *
 * @throws `invalid_option` for a `timeout` or `maxRedirects` out of range
 */
export function upstreamSettings(options: UpstreamOptions): UpstreamSettings {
  return {
    headers: options.headers ?? {},
    timeout: duration('timeout', options.timeout ?? '30s', { from: 1, to: longestTimeout }),
    allowPrivate: options.allowPrivate ?? false,
    maxRedirects: wholeNumber('maxRedirects', options.maxRedirects ?? 5),
  };
}

/** The response of another server, and where it came from. */
export interface UpstreamReply {
  readonly message: IncomingMessage;
  /** The last URL, after all redirects. */
  readonly url: URL;
}

/**
 * Sends a request to another server and follows its redirects. Resolves to the response, whatever its status, with the
 * body unread. Rejects with `upstream_failed` or `upstream_timeout`.
 */
export async function requestUpstream(
  url: URL,
  request: UpstreamRequest,
  settings: UpstreamSettings,
): Promise<UpstreamReply> {
  // Limits the time to the head. A body may take longer, as long as chunks keep arriving.
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), settings.timeout);
  try {
    return await followRedirects(url, request, settings, deadline.signal);
  } finally {
    clearTimeout(timer);
  }
}

async function followRedirects(
  url: URL,
  request: UpstreamRequest,
  settings: UpstreamSettings,
  signal: AbortSignal,
): Promise<UpstreamReply> {
  let current = url;
  for (let left = settings.maxRedirects; ; left -= 1) {
    const headers = current.origin === url.origin ? settings.headers : {};
    const allowPrivate = isPrivateAllowed(current, settings.allowPrivate);
    const message = await send({ ...request, url: current, headers, allowPrivate, signal });
    const { location } = message.headers;
    if (!location || !redirectStatuses.includes(message.statusCode ?? 0)) return { message, url: current };
    message.destroy();
    if (left <= 0) throw failed('redirects too often');
    current = redirectTarget(current, location);
  }
}

function redirectTarget(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw failed('redirects to an invalid URL');
  const target = new URL(location, from);
  if (from.protocol === 'https:' && target.protocol !== 'https:') throw failed('redirects from HTTPS to HTTP');
  return target;
}

async function send(hop: Hop): Promise<IncomingMessage> {
  const { url, allowPrivate, signal } = hop;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw failed('has a URL that is neither http nor https');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!allowPrivate && isIP(host) && !isPublicAddress(host)) throw refused();
  for (let retried = false; ; retried = true) {
    try {
      return await sendOnce(hop, url.protocol);
    } catch (error) {
      // The server may have closed a kept-alive connection just before it was reused; a new connection can succeed.
      if (!retried && (error as { reusedSocket?: boolean }).reusedSocket && !signal.aborted) continue;
      throw upstreamError(error, signal);
    }
  }
}

function sendOnce(
  { url, method, range, headers, allowPrivate, signal }: Hop,
  protocol: 'http:' | 'https:',
): Promise<IncomingMessage> {
  const sent: OutgoingHttpHeaders = {
    ...headers,
    // Ranges and entity-tags must refer to the bytes as they are stored.
    'accept-encoding': 'identity',
    ...(range && { range }),
  };
  const agent = (allowPrivate ? privateAgents : publicAgents)[protocol];
  const lookup = allowPrivate ? undefined : lookupPublic;
  const { request: start } = protocol === 'https:' ? https : http;
  return new Promise<IncomingMessage>((resolve, reject) => {
    const request = start(url, { method, headers: sent, agent, lookup, signal });
    request.on('response', resolve);
    // Without a listener Node closes the connection and says nothing.
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(failed('switches to another protocol'));
    });
    request.on('close', () => reject(failed('closed the connection without an answer')));
    request.on('error', (error) => reject(Object.assign(error, { reusedSocket: request.reusedSocket })));
    request.end();
  });
}

function upstreamError(error: unknown, signal: AbortSignal): FileFieldError {
  if (isFileFieldError(error)) return error;
  if (!signal.aborted) return failed('cannot be reached', error);
  return new FileFieldError('upstream_timeout', 'The other server took too long to answer.', { cause: error });
}

/** True if a URL may lead to a private address. */
export function isPrivateAllowed(url: URL, allowPrivate: boolean | readonly string[]): boolean {
  if (typeof allowPrivate === 'boolean') return allowPrivate;
  return allowPrivate.includes(url.hostname) || allowPrivate.includes(url.host);
}

/**
 * Resolves a host name and refuses private addresses. The connection uses these very addresses: a second look-up could
 * return others (DNS rebinding).
 */
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
