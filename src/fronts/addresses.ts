import { isIP, isIPv6 } from 'node:net';
import { invalidOption } from '../options.js';

/** Where clients connect: a port of one or all addresses, or a socket. */
export interface ListenAddress {
  /** Undefined means all addresses. */
  readonly host: string | undefined;
  /** Empty for a socket. */
  readonly port: string;
  /** The path of a Unix socket. */
  readonly socket: string | undefined;
}

/** A process of the application. */
export interface Upstream {
  readonly tls: boolean;
  /** With brackets if it is an IPv6 address; `localhost` for a socket. */
  readonly hostname: string;
  /** Empty for a socket. */
  readonly port: string;
  /** The path of a Unix socket. */
  readonly socket: string | undefined;
}

// Characters of paths that no server interprets.
const socketPath = /^unix:((?:\/[\w.~+-]+)+)$/;

/** Parses `127.0.0.1:8080`, `8080` or `unix:/run/front.sock`. */
export function parseListen(text: string): ListenAddress {
  const socket = socketPath.exec(text)?.[1];
  if (socket !== undefined) return { host: undefined, port: '', socket };
  const [, host, port = ''] = /^(?:([\w.-]+|\[[\da-f:.]+\]):)?(\d{1,5})$/i.exec(text) ?? [];
  if (port !== '' && Number(port) <= 65_535) return { host, port, socket };
  throw invalidOption(
    `The option "listen" must be like "127.0.0.1:8080", "8080" or "unix:/run/front.sock"; it is "${text}".`,
  );
}

/** Parses the addresses of the application. Several must speak alike: all of them HTTP. */
export function parseUpstreams(texts: readonly string[]): readonly Upstream[] {
  const upstreams = texts.map(parseUpstream);
  if (upstreams.length === 0) throw invalidOption('The option "upstream" names no address of the application.');
  if (upstreams.length > 1 && upstreams.some(({ tls }) => tls)) {
    throw invalidOption('Several addresses in "upstream" must start with http:// or unix:.');
  }
  return upstreams;
}

function parseUpstream(text: string): Upstream {
  const socket = socketPath.exec(text)?.[1];
  if (socket !== undefined) return { tls: false, hostname: 'localhost', port: '', socket };
  const { protocol, hostname, port } = parseOrigin(text);
  const tls = protocol === 'https:';
  return { tls, hostname, port: port === '' ? (tls ? '443' : '80') : port, socket };
}

/** A URL that is an origin, and nothing more. */
export function parseOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url;
  throw invalidOption(`"${text}" must be http:// or https:// with a host and optionally a port, and nothing more.`);
}

/** Checks host names; the first label may be `*`. */
export function checkServerNames(names: readonly string[]): readonly string[] {
  for (const name of names) {
    if (/^(\*\.)?[\w-][\w.-]*$/.test(name)) continue;
    throw invalidOption(
      `The option "serverName" must be a host name, or one such as *.files.example; it is "${name}".`,
    );
  }
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

/** Checks the addresses of name servers, and puts those of IPv6 in brackets. */
export function checkResolver(addresses: readonly string[]): readonly string[] {
  return addresses.map((address) => {
    if (isIPv6(address)) return `[${address}]`;
    const [, host = ''] = /^\[?([\d.]+|[\da-f:.]+(?=\]))\]?(?::\d{1,5})?$/i.exec(address) ?? [];
    if (isIP(host) !== 0) return address;
    throw invalidOption(`The option "resolver" must have the addresses of name servers; one is "${address}".`);
  });
}
