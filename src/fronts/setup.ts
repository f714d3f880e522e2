import { invalidOption } from '../options.js';
import type { Place } from './places.js';

/** A bucket from which nginx fetches by URLs that the application sends to it. */
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
  /** The origin of the application: `http://127.0.0.1:3000`. */
  readonly upstream: string;
  /** Where clients connect: `127.0.0.1:8080`, or `8080` for all addresses. */
  readonly listen: string;
  /**
   * The host name that it serves.
   * @default all host names
   */
  readonly serverName?: string;
  /**
   * A folder for logs and temporary files. The text is then a complete configuration that runs in the foreground from this
   * folder; without it, a file for the server's folder of sites.
   * @default a file for the folder of sites
   */
  readonly standalone?: string;
}

/** A `FrontSetup` after its checks: folders and prefixes have no slash at the end, and addresses are parsed. */
export interface CheckedSetup {
  readonly places: readonly Place[];
  readonly remotes: readonly { readonly url: URL; readonly prefix: string }[];
  readonly upstream: URL;
  /** Undefined means all addresses. */
  readonly host: string | undefined;
  readonly port: string;
  /** The text of the option. */
  readonly listen: string;
  readonly serverName: string | undefined;
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
  const [, host, port = ''] = /^(?:([\w.-]+|\[[\da-f:.]+\]):)?(\d{1,5})$/i.exec(setup.listen) ?? [];
  if (port === '' || Number(port) > 65_535) {
    throw invalidOption(`The option "listen" must be like "127.0.0.1:8080" or "8080"; it is "${setup.listen}".`);
  }
  const { serverName, standalone } = setup;
  if (serverName !== undefined && !/^[\w.-]+$/.test(serverName)) {
    throw invalidOption(`The option "serverName" must be a host name; it is "${serverName}".`);
  }
  return {
    places,
    remotes,
    upstream: checkOrigin(setup.upstream),
    host,
    port,
    listen: setup.listen,
    serverName,
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

function checkPrefix(prefix: string): string {
  const bare = prefix.replace(/\/$/, '');
  // All servers read these characters alike; dot segments would lead to another folder.
  if (/^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/.test(bare)) return bare;
  throw invalidOption(
    `The prefix ${JSON.stringify(prefix)} must be like "/_filefield/documents": segments of A-Z a-z 0-9 _ . ~ -`,
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

function checkOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url;
  throw invalidOption(`"${text}" must be http:// or https:// with a host and optionally a port, and nothing more.`);
}

/** A URL with or without a path; only characters that nginx neither interprets nor encodes again. */
function checkRemote(text: string): URL {
  const [, origin = text, path = ''] = /^([^/]*\/\/[^/]*)((?:\/[\w.~-]+)*)\/?$/.exec(text) ?? [];
  return new URL(path, checkOrigin(origin));
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
