import dns from 'node:dns';
import { invalidOption } from '../options.js';
import {
  checkResolver,
  checkServerNames,
  parseListen,
  parseOrigin,
  parseUpstreams,
  type ListenAddress,
  type Upstream,
} from './addresses.js';
import type { Place } from './places.js';

/** A bucket, or another server, from which nginx fetches by URLs that the application sends to it. */
export interface FrontRemote {
  /** The start of those URLs: `https://bucket.s3.example`, or `https://s3.example/bucket`. */
  readonly url: string;
  /** The path that the application uses instead, such as `/_filefield/photos`. Clients cannot request it. */
  readonly prefix: string;
}

/** What the configuration of a server in front depends on. */
export interface FrontSetup {
  /** The folders that it may send files from, as it sees them; `storagePlaces(storages)` are those of a registry. */
  readonly places: readonly Place[];
  /**
   * Buckets that it fetches from. Only nginx can.
   * @default none
   */
  readonly remotes?: readonly FrontRemote[];
  /**
   * The addresses of the name servers that nginx asks for the hosts of `remotes`, again and again: those of a bucket change.
   * `'off'` leaves it to the system, which nginx asks once, at its start; names of /etc/hosts need that.
   * @default those that this machine asks
   */
  readonly resolver?: readonly string[] | 'off';
  /**
   * The origin of the application, `http://127.0.0.1:3000`, or its socket, `unix:/run/app.sock`. Several are the processes of
   * one application.
   */
  readonly upstream: string | readonly string[];
  /** Where clients connect: `127.0.0.1:8080`, or `8080` for all addresses of IPv4 and IPv6. nginx has `unix:/run/front.sock`. */
  readonly listen: string;
  /**
   * The host names that it serves. The first label may be `*`.
   * @default all host names
   */
  readonly serverName?: string | readonly string[];
  /**
   * The path below which the application is, `/app`: it gets URLs with that path, and creates and signs its links with it.
   * Everything else of the site is 404, or what you add to the text.
   * @default the whole site
   */
  readonly path?: string;
  /**
   * Whether a proxy before this server tells where requests come from: X-Forwarded-Proto, -Host and -For of the request are
   * then kept. WARNING: clients that reach this server without that proxy can write there what they like.
   * @default false: they are replaced
   */
  readonly trustProxy?: boolean;
  /**
   * Headers of every response of this site, in place of those of the application: `{ 'Strict-Transport-Security': '…' }`.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * A folder for logs and temporary files. The text is then a complete configuration that runs in the foreground from this
   * folder; without it, a file for the server's folder of sites.
   * @default a file for the folder of sites
   */
  readonly standalone?: string;
}

/** A `FrontRemote` after its checks. */
export interface CheckedRemote {
  readonly url: URL;
  readonly prefix: string;
}

/** A `FrontSetup` after its checks: folders and prefixes have no slash at the end, and addresses are parsed. */
export interface CheckedSetup {
  readonly places: readonly Place[];
  readonly remotes: readonly CheckedRemote[];
  /** Empty for names that are looked up once. */
  readonly resolver: readonly string[];
  /** At least one; several are without TLS. */
  readonly upstreams: readonly Upstream[];
  readonly listen: ListenAddress;
  /** In lower case; empty for all host names. */
  readonly serverNames: readonly string[];
  /** Without a slash at its end; empty for the whole site. */
  readonly path: string;
  readonly trustProxy: boolean;
  /** Names and values. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** A name that no other site of the same server has, for what these configurations must name. */
  readonly name: string;
  readonly standalone: string | undefined;
}

/** Throws `invalid_option` for a setup that no server can run, with a sentence that names the fault. */
export function checkSetup(setup: FrontSetup): CheckedSetup {
  const places = setup.places.map(({ folder, prefix }) => ({
    folder: checkFolder(folder),
    prefix: checkPrefix(prefix),
  }));
  const remotes = (setup.remotes ?? []).map(({ url, prefix }) => ({
    url: checkRemote(url),
    prefix: checkPrefix(prefix),
  }));
  if (places.length + remotes.length === 0)
    throw invalidOption('A configuration needs at least one folder in "places", or a bucket in "remotes".');
  checkApart([...places, ...remotes].map(({ prefix }) => prefix));
  const { standalone, resolver = dns.getServers().filter((address) => !address.includes('%')) } = setup;
  const serverNames = checkServerNames([setup.serverName ?? []].flat());
  return {
    places,
    remotes,
    resolver: resolver === 'off' ? [] : checkResolver(resolver),
    upstreams: parseUpstreams([setup.upstream].flat()),
    listen: parseListen(setup.listen),
    serverNames,
    path: checkPath(setup.path ?? '/'),
    trustProxy: setup.trustProxy ?? false,
    headers: checkHeaders(setup.headers ?? {}),
    name: ['filefield', setup.listen.replace(/^unix:/, ''), ...serverNames.slice(0, 1)]
      .join('_')
      .replaceAll('*', 'all')
      .replaceAll(/[^\w.-]/g, '_'),
    standalone: standalone === undefined ? undefined : checkFolder(standalone),
  };
}

function checkFolder(folder: string): string {
  const shown = JSON.stringify(folder);
  if (!folder.startsWith('/')) {
    throw invalidOption(`The folder ${shown} must be absolute: its path for the server in front.`);
  }
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(folder) || !folder.isWellFormed()) {
    throw invalidOption(`The folder ${shown} has characters that a configuration cannot contain.`);
  }
  const bare = folder.replace(/\/+$/, '');
  if (bare === '') throw invalidOption('The folder "/" would hand over all files of the machine.');
  if (/(^|\/)\.{1,2}(\/|$)/.test(bare)) throw invalidOption(`The folder ${shown} must not contain "." or "..".`);
  return bare;
}

/** All servers read these characters alike; dot segments would lead to another folder. */
const isPath = (text: string) => /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/.test(text);

function checkPrefix(prefix: string): string {
  const bare = prefix.replace(/\/$/, '');
  if (isPath(bare)) return bare;
  throw invalidOption(
    `The prefix ${JSON.stringify(prefix)} must be like "/_filefield/documents": segments of A-Z a-z 0-9 _ . ~ -`,
  );
}

function checkPath(path: string): string {
  const bare = path.replace(/\/$/, '');
  if (bare === '' || isPath(bare)) return bare;
  throw invalidOption(
    `The option "path" must be like "/app": segments of A-Z a-z 0-9 _ . ~ -; it is ${JSON.stringify(path)}.`,
  );
}

/** Below two prefixes, a path could mean a file of either. */
function checkApart(prefixes: readonly string[]): void {
  const sorted = prefixes.map((prefix) => `${prefix}/`).sort();
  const index = sorted.findIndex((prefix, at) => sorted[at + 1]?.startsWith(prefix));
  if (index < 0) return;
  throw invalidOption(
    `The prefixes ${sorted[index]} and ${sorted[index + 1]} overlap: give each folder or bucket its own.`,
  );
}

/** Headers of one response or of the connection; a Content-Security-Policy of the site would end the one of downloads. */
const ownHeaders =
  /^(content-|x-accel-|x-sendfile|(etag|last-modified|accept-ranges|set-cookie|connection|date|vary)$)/i;

function checkHeaders(headers: Readonly<Record<string, string>>): CheckedSetup['headers'] {
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[a-z][a-z\d-]*$/i.test(name) || ownHeaders.test(name)) {
      throw invalidOption(`The option "headers" cannot set ${JSON.stringify(name)}.`);
    }
    // All servers read other characters alike between double quotes.
    if (/^[\x20-\x7e]+$/.test(value) && !/["\\$%{}]/.test(value)) continue;
    throw invalidOption(`The header ${name} of "headers" must have a value of ASCII, without " \\ $ % { or }.`);
  }
  return Object.entries(headers);
}

/** A URL with or without a path; only characters that nginx neither interprets nor encodes again. */
function checkRemote(text: string): URL {
  const [, origin = text, path = ''] = /^([^/]*\/\/[^/]*)((?:\/[\w.~-]+)*)\/?$/.exec(text) ?? [];
  return new URL(path, parseOrigin(origin));
}

/** How a server's configuration quotes text. */
export interface Quoting {
  /** Name of the server, for the error. */
  readonly server: string;
  /** What the server interprets even between quotes, and cannot escape. */
  readonly unquotable: RegExp;
  /** Escapes text that stands between double quotes. */
  readonly escape: (text: string) => string;
}

/** A folder, quoted for a server's configuration. Throws `invalid_option` if the server cannot be given that name. */
export function quoted(folder: string, { server, unquotable, escape }: Quoting): string {
  const match = unquotable.exec(folder)?.[0];
  if (match === undefined) return `"${escape(folder)}"`;
  throw invalidOption(
    `The folder ${JSON.stringify(folder)} cannot be named in the configuration of ${server}, which interprets ${match}: rename it.`,
  );
}
