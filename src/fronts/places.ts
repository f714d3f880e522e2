import path from 'node:path';
import { FileFieldError } from '../errors.js';
import type { StorageRegistry } from '../file/registry.js';
import type { Storage } from '../file/storage.js';
import { storagePlaces, type Place } from './storage-places.js';

/** Folders on this machine, and where the server in front has them. */
export type PathMapping = Readonly<Record<string, string>>;

/**
 * What may be handed over: a mapping, or a registry for all of its storages that have a folder on this machine, under
 * `/_filefield/` and their names.
 */
export type Places<Storages extends Kept = Kept> = PathMapping | (StorageRegistry<Storages> & WithFolder<Storages>);

export type Kept = Readonly<Record<string, Storage>>;

/** Satisfied by every registry with a storage that may have a folder: one that cannot hand over anything does not compile. */
type WithFolder<Storages extends Kept> = {
  [Name in keyof Storages]: 'root' extends keyof Storages[Name] ? Name : never;
}[keyof Storages] extends never
  ? { readonly nothingToHandOver: 'no storage of this registry has a folder on this machine' }
  : unknown;

/** A file as the server in front knows it: the prefix of a place, and the parts below it. */
export interface MappedPath {
  readonly prefix: string;
  readonly segments: readonly string[];
}

/**
 * Makes a function from an absolute path to where the server in front has it; undefined where no folder matches. Folders
 * match by whole segments, and the first one wins. `kind` is what the server in front is told: a path of its URLs or a
 * folder of its disk. Throws `invalid_option` at start-up for what cannot work.
 */
export function mapPaths(
  places: Places,
  kind: 'uri' | 'folder',
  atLeast: 0 | 1 = 1,
): (file: string) => MappedPath | undefined {
  const listed = isRegistry(places) ? registered(places, kind) : entries(places);
  if (listed.length < atLeast) {
    throw invalid('There is nothing to hand over: map at least one folder, or register a storage with a folder.');
  }
  const folders = listed.map(checkPlace);
  folders.forEach((place, index) => checkApart(place, folders.slice(0, index), kind));
  return (file) => {
    for (const { folder, prefix } of folders) {
      const segments = below(folder, file);
      if (segments) return { prefix, segments };
    }
    return undefined;
  };
}

function checkPlace({ folder, prefix }: Place): Place {
  if (!prefix.startsWith('/')) {
    throw invalid(`The folder ${folder} is mapped to "${prefix}", which must start with a slash.`);
  }
  // eslint-disable-next-line no-control-regex
  if (/[\0-\x1f\x7f]|\/\.{1,2}(\/|$)/.test(prefix)) {
    throw invalid(`The folder ${folder} is mapped to a place with dot segments or control characters.`);
  }
  return { folder: path.resolve(folder), prefix: prefix.replace(/\/+$/, '') };
}

function checkApart({ folder, prefix }: Place, earlier: readonly Place[], kind: 'uri' | 'folder'): void {
  for (const other of earlier) {
    if (folder === other.folder || below(other.folder, folder)) {
      throw invalid(`The folder ${folder} is never reached: it lies in ${other.folder}. Put it first.`);
    }
    const [one, two] = [`${prefix}/`, `${other.prefix}/`];
    // A path below both could be the one file or the other; folders of a disk hold each other rightly.
    if (one === two || (kind === 'uri' && (one.startsWith(two) || two.startsWith(one)))) {
      throw invalid(`Two folders are mapped to "${other.prefix}" and "${prefix}"; give each a place of its own.`);
    }
  }
}

/** The parts of a path below a folder; undefined when it is not below it. */
export function below(folder: string, file: string): readonly string[] | undefined {
  const rest = path.relative(folder, file);
  const segments = rest.split(path.sep);
  return rest === '' || segments[0] === '..' || path.isAbsolute(rest) ? undefined : segments;
}

function isRegistry(places: Places): places is StorageRegistry {
  return typeof places.resolve === 'function';
}

/** A server that is told folders knows them by the names that they have here. */
function registered(storages: StorageRegistry, kind: 'uri' | 'folder') {
  return storagePlaces(storages).map(({ folder, prefix }) => ({ folder, prefix: kind === 'uri' ? prefix : folder }));
}

function entries(mapping: PathMapping): Place[] {
  return Object.entries(mapping).map(([folder, prefix]) => ({ folder, prefix }));
}

function invalid(message: string): FileFieldError {
  return new FileFieldError('invalid_option', message);
}
