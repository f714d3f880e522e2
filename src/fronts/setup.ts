import type { Place } from './storage-places.js';
import { FileFieldError } from '../errors.js';

/** A storage of another machine from which nginx fetches by URLs that the application hands to it. */
export interface FrontRemote {
  /** What those URLs begin with: `https://bucket.s3.example`, or `https://s3.example/bucket`. */
  readonly url: string;
  /** What the application puts in its place, such as `/_filefield/photos`; not reachable from outside. */
  readonly prefix: string;
}

/** What a configuration is printed for. */
export interface FrontSetup {
  /** Folders, as the server in front sees them; those of a registry are `storagePlaces(storages)`. */
  readonly places: readonly Place[];
  /**
   * Only nginx can do this.
   * @default none
   */
  readonly remotes?: readonly FrontRemote[];
  /** The application: `http://127.0.0.1:3000`. */
  readonly upstream: string;
  /** Where clients connect: `127.0.0.1:8080`, or `8080` for every address. */
  readonly listen: string;
  /**
   * The host name to answer to.
   * @default every name
   */
  readonly serverName?: string;
  /**
   * A folder for logs and temporary files. With it the text is a whole configuration, which runs in the foreground from
   * that folder; without it, what belongs into the server's folder of sites.
   * @default a text for the folder of sites
   */
  readonly standalone?: string;
}

/** A setup that was checked: no slash at the end of a folder or a prefix, addresses taken apart. */
export interface CheckedSetup {
  readonly places: readonly Place[];
  readonly remotes: readonly { readonly url: URL; readonly prefix: string }[];
  readonly upstream: URL;
  /** Undefined for every address. */
  readonly host: string | undefined;
  readonly port: string;
  /** As it was given. */
  readonly listen: string;
  readonly serverName: string | undefined;
  readonly standalone: string | undefined;
}

/** Throws `invalid_option`, with a sentence that says what is wrong, for what no server could run. */
export function checkSetup(setup: FrontSetup): CheckedSetup {
  const places = setup.places.map(({ folder, prefix }) => ({
    folder: checkFolder(folder),
    prefix: checkPrefix(prefix),
  }));
  const remotes = (setup.remotes ?? []).map(({ url, prefix }) => ({
    url: checkRemote(url),
    prefix: checkPrefix(prefix),
  }));
  if (places.length + remotes.length === 0) throw refused('There is nothing to hand over: name at least one place.');
  checkApart([...places, ...remotes].map(({ prefix }) => prefix));
  const [, host, port = ''] = /^(?:([\w.-]+|\[[\da-f:.]+\]):)?(\d{1,5})$/i.exec(setup.listen) ?? [];
  if (port === '' || Number(port) > 65_535) {
    throw refused(`"${setup.listen}" is nothing to listen at: give "127.0.0.1:8080" or "8080".`);
  }
  const { serverName, standalone } = setup;
  if (serverName !== undefined && !/^[\w.-]+$/.test(serverName)) throw refused(`"${serverName}" is no host name.`);
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

function refused(sentence: string): FileFieldError {
  return new FileFieldError('invalid_option', sentence);
}

function checkFolder(folder: string): string {
  const shown = JSON.stringify(folder);
  if (!folder.startsWith('/')) throw refused(`The folder ${shown} must be absolute, as the server in front sees it.`);
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(folder) || !folder.isWellFormed()) {
    throw refused(`The folder ${shown} has characters that no configuration can hold.`);
  }
  const bare = folder.replace(/\/+$/, '');
  if (bare === '') throw refused('The folder "/" would hand over the whole machine.');
  if (/(^|\/)\.{1,2}(\/|$)/.test(bare)) throw refused(`The folder ${shown} must do without "." and "..".`);
  return bare;
}

function checkPrefix(prefix: string): string {
  const bare = prefix.replace(/\/$/, '');
  // Plain segments mean the same to every server; those of dots would lead elsewhere.
  if (/^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/.test(bare)) return bare;
  throw refused(`The prefix ${JSON.stringify(prefix)} must be like "/_filefield/documents", of A-Z a-z 0-9 _ . ~ -`);
}

/** One prefix below another would leave it open whose file is meant. */
function checkApart(prefixes: readonly string[]): void {
  const sorted = prefixes.map((prefix) => `${prefix}/`).sort();
  const index = sorted.findIndex((prefix, at) => sorted[at + 1]?.startsWith(prefix));
  if (index < 0) return;
  throw refused(`The prefixes ${sorted[index]} and ${sorted[index + 1]} get in each other's way.`);
}

function checkOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url;
  throw refused(`"${text}" must be http:// or https:// with a host, perhaps a port, and nothing more.`);
}

/** May have a path, of characters that mean nothing to nginx and that it does not encode anew. */
function checkRemote(text: string): URL {
  const [, origin = text, path = ''] = /^([^/]*\/\/[^/]*)((?:\/[\w.~-]+)*)\/?$/.exec(text) ?? [];
  return new URL(path, checkOrigin(origin));
}
