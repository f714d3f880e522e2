import path from 'node:path';
import type { StorageRegistry } from '../file/registry.js';
import type { Storage } from '../file/storage.js';
import { invalidOption } from '../options.js';

/** A folder of this machine, and its name for the server in front. */
export interface Place {
  /** Absolute path. */
  readonly folder: string;
  /** The path under which the server in front has it, such as `/_filefield/documents`. */
  readonly prefix: string;
}

/** The name that the server in front has for each folder: `{ '/srv/var/documents': '/_documents' }`. */
export type PathMapping = Readonly<Record<string, string>>;

/**
 * The folders whose files may be handed over: a mapping, or a registry, which stands for all of its storages that have a
 * folder on this machine (`storagePlaces`). A registry without any such storage does not compile.
 */
export type HandOverFolders<Storages extends StorageMap = StorageMap> =
  PathMapping | (StorageRegistry<Storages> & WithFolder<Storages>);

/** Storages by name, as a registry has them. */
export type StorageMap = Readonly<Record<string, Storage>>;

/** `unknown` if a storage of the registry may have a folder on this machine; else a property that no registry has. */
export type WithFolder<Storages extends StorageMap> = {
  [Name in keyof Storages]: 'root' extends keyof Storages[Name] ? Name : never;
}[keyof Storages] extends never
  ? {
      /** Names the fault in the error of the compiler. */
      readonly nothingToHandOver: 'no storage of this registry has a folder on this machine';
    }
  : unknown;

/** A file as the server in front knows it. */
export interface FrontPath {
  /** The prefix of its place, without a slash at the end. */
  readonly prefix: string;
  /** The parts of its path below the folder of the place. */
  readonly segments: readonly string[];
}

/**
 * The places of all storages in a registry that have a folder on this machine: `/_filefield/` and the name of the storage.
 * The deliveries use the same places, so a configuration that is made of them fits.
 *
 * @example
 * ```ts
 * import { StorageRegistry, storagePlaces } from 'filefield';
 * import { DiskStorage } from 'filefield/storages/disk';
 *
 * const storages = new StorageRegistry({ documents: new DiskStorage({ root: '/srv/var/documents' }) });
 * storagePlaces(storages); // [{ folder: '/srv/var/documents', prefix: '/_filefield/documents' }]
 * ```
 */
export function storagePlaces(storages: StorageRegistry): readonly Place[] {
  return storages.names.flatMap((name) => {
    const folder = storages.resolve(name).root;
    return folder === undefined ? [] : [{ folder, prefix: `/_filefield/${name}` }];
  });
}

/**
 * Returns a function from an absolute path to the path for the server in front; undefined if no folder contains it. Folders
 * match by whole segments, and the first match wins. `paths` says what a prefix is: a path of the front's URL space, or of
 * its disk. Throws `invalid_option` for prefixes that are not paths, for overlapping ones, and for fewer than `minimum`.
 */
export function mapPaths(
  folders: HandOverFolders,
  paths: 'uri' | 'disk',
  minimum: 0 | 1 = 1,
): (file: string) => FrontPath | undefined {
  const listed = isRegistry(folders) ? registryPlaces(folders, paths) : mappingPlaces(folders);
  if (listed.length < minimum) {
    throw invalidOption('A delivery needs at least one folder: map one, or register a storage that has one.');
  }
  const places = listed.map(checkPlace);
  places.forEach((place, index) => checkApart(place, places.slice(0, index), paths));
  return (file) => {
    for (const { folder, prefix } of places) {
      const segments = segmentsBelow(folder, file);
      if (segments) return { prefix, segments };
    }
    return undefined;
  };
}

function checkPlace({ folder, prefix }: Place): Place {
  if (!prefix.startsWith('/')) {
    throw invalidOption(`The folder ${folder} is mapped to "${prefix}", which must start with a slash.`);
  }
  // eslint-disable-next-line no-control-regex
  if (/[\0-\x1f\x7f]|\/\.{1,2}(\/|$)/.test(prefix)) {
    throw invalidOption(`The folder ${folder} is mapped to a path with dot segments or control characters.`);
  }
  return { folder: path.resolve(folder), prefix: prefix.replace(/\/+$/, '') };
}

function checkApart({ folder, prefix }: Place, earlier: readonly Place[], paths: 'uri' | 'disk'): void {
  for (const other of earlier) {
    if (folder === other.folder || segmentsBelow(other.folder, folder)) {
      throw invalidOption(
        `The folder ${folder} is never reached, because ${other.folder} contains it and comes first: put it first.`,
      );
    }
    const [one, two] = [`${prefix}/`, `${other.prefix}/`];
    // Below both prefixes, a URL could mean a file of either folder. Folders of a disk may contain each other.
    if (one === two || (paths === 'uri' && (one.startsWith(two) || two.startsWith(one)))) {
      throw invalidOption(`The prefixes "${other.prefix}" and "${prefix}" overlap: give each folder its own.`);
    }
  }
}

/** The parts of a path below a folder; undefined if the folder does not contain it. */
export function segmentsBelow(folder: string, file: string): readonly string[] | undefined {
  const rest = path.relative(folder, file);
  const segments = rest.split(path.sep);
  return rest === '' || segments[0] === '..' || path.isAbsolute(rest) ? undefined : segments;
}

function isRegistry(folders: HandOverFolders): folders is StorageRegistry {
  return typeof folders.resolve === 'function';
}

/** A front that reads paths of its disk has the folders of a registry under the same paths as this machine. */
function registryPlaces(storages: StorageRegistry, paths: 'uri' | 'disk'): readonly Place[] {
  const places = storagePlaces(storages);
  return paths === 'uri' ? places : places.map(({ folder }) => ({ folder, prefix: folder }));
}

function mappingPlaces(mapping: PathMapping): Place[] {
  return Object.entries(mapping).map(([folder, prefix]) => ({ folder, prefix }));
}
