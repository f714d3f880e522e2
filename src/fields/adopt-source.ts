import { promises as fsp } from 'node:fs';
import path from 'node:path';
import { isFileFieldError } from '../errors.js';
import { checkKey, isLedgerKey } from '../file/key.js';
import type { Storage } from '../file/storage.js';
import { invalidOption } from '../options.js';

/**
 * How a row says where its object is: by exactly one of `key`, `path` and `url`, each a function of the row's columns.
 * Undefined or null stands for a row without an object. Called twice per row; what it throws ends the adoption.
 */
export type AdoptSource<Entity> =
  | {
      /** The key of the object in its storage. */
      readonly key: (row: Entity) => string | null | undefined;
    }
  | {
      /**
       * The path of the file on this machine, within the folder of the storage, which must be one on a disk. A relative path
       * begins in the working directory, as those of multer do.
       */
      readonly path: (row: Entity) => string | null | undefined;
    }
  | {
      /**
       * The URL at which the object was public: `base` and then the key, percent-encoded. Query and fragment are ignored,
       * and so is the difference between http and https; a relative URL begins at `base`. Nothing is fetched from it.
       */
      readonly url: (row: Entity) => string | null | undefined;
      /**
       * What the URLs begin with before the key, such as `https://cdn.example.org/uploads/`.
       * @default the public address of the storage (its option `publicUrl`); needed where it has none
       */
      readonly base?: string;
    };

/** Where a row's object is, or why what the row says leads to none; undefined if the row says nothing. */
export type Place = { readonly key: string } | { readonly given: string; readonly reason: string } | undefined;

/** A key, or undefined where the text leads out of the storage. */
type KeyOf = (text: string) => string | undefined;

/** Resolves to the place of the object of each row. Throws `invalid_option` unless exactly one source is given that works. */
export async function placesOf(
  options: AdoptSource<object>,
  storage: Storage,
  name: string,
): Promise<(row: object) => Place> {
  const given = (['key', 'path', 'url'] as const).filter((source) => sourceOf(options, source));
  const [source] = given;
  if (given.length !== 1 || source === undefined) {
    throw invalidOption('An adoption needs exactly one of the options "key", "path" and "url", a function of the row.');
  }
  const textOf = sourceOf(options, source)!;
  const keyOf = await keysOf(source, 'base' in options ? options.base : undefined, storage, name);
  return (row) => {
    const text = textOf(row);
    return text === undefined || text === null ? undefined : placeOf(text, keyOf(text), outside[source]);
  };
}

type Source = 'key' | 'path' | 'url';

type TextOf = (row: object) => string | null | undefined;

function sourceOf(options: AdoptSource<object>, source: Source): TextOf | undefined {
  const value = (options as Partial<Record<Source, TextOf>>)[source];
  return typeof value === 'function' ? value : undefined;
}

const outside: Readonly<Record<Source, string>> = {
  key: '',
  path: 'The path leads out of the folder of the storage.',
  url: 'The URL does not begin with the base, or is none.',
};

async function keysOf(source: Source, base: string | undefined, storage: Storage, name: string): Promise<KeyOf> {
  if (source === 'key') return (key) => key;
  return source === 'path' ? keysOfPaths(storage, name) : keysOfUrls(base ?? baseOf(storage), name);
}

/** The folder may be a symbolic link: a row may have its path, or the one to which it leads. */
async function keysOfPaths({ root }: Storage, name: string): Promise<KeyOf> {
  if (root === undefined) {
    throw invalidOption(
      `The storage "${name}" is no folder on this machine: give the option "key" or "url", not "path".`,
    );
  }
  // A folder that cannot be looked at has no objects either: they will be missing.
  const roots = [root, await fsp.realpath(root).catch(() => root)];
  return (file) => {
    const keys = roots.map((folder) => path.relative(folder, path.resolve(String(file))).split(path.sep));
    return keys.find(([first]) => first !== '' && first !== '..' && !path.isAbsolute(first!))?.join('/');
  };
}

function keysOfUrls(base: string | undefined, name: string): KeyOf {
  if (base === undefined) {
    throw invalidOption(`The storage "${name}" has no public address: give the option "base" with "url".`);
  }
  const start = URL.canParse(base) ? new URL(base) : undefined;
  if (!start) throw invalidOption(`The option "base" must be a URL; it is ${JSON.stringify(base)}.`);
  if (!start.pathname.endsWith('/')) start.pathname += '/';
  return (text) => {
    const url = URL.canParse(text, start.href) ? new URL(text, start) : undefined;
    const isWithin = url && schemeOf(url) === schemeOf(start) && url.host === start.host;
    if (!isWithin || !url.pathname.startsWith(start.pathname)) return undefined;
    try {
      return decodeURIComponent(url.pathname.slice(start.pathname.length));
    } catch {
      return undefined;
    }
  };
}

function schemeOf({ protocol }: URL): string {
  return protocol === 'http:' ? 'https:' : protocol;
}

/** What the public URLs of a storage have before the key. */
function baseOf(storage: Storage): string | undefined {
  const url = storage.url?.('x');
  return url?.endsWith('/x') ? url.slice(0, -1) : undefined;
}

function placeOf(given: string, key: string | undefined, reason: string): Place {
  if (key === undefined) return { given: String(given), reason };
  const fault = keyFault(key);
  return fault === undefined ? { key } : { given: String(given), reason: fault };
}

function keyFault(key: string): string | undefined {
  try {
    if (isLedgerKey(checkKey(key))) return 'The object was stored by a filefield, and belongs to the row that has it.';
    return undefined;
  } catch (error) {
    if (isFileFieldError(error, 'invalid_key')) return error.message;
    throw error;
  }
}
