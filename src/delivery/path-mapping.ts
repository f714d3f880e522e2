import path from 'node:path';
import { FileFieldError } from '../errors.js';

/** Folders on this machine and what the server in front calls them. */
export type PathMapping = Readonly<Record<string, string>>;

/**
 * Makes a function from an absolute path to the server's prefix and the segments below it; undefined where no folder
 * matches. Folders match by whole segments, the longest first. Throws `invalid_option` at start-up for a bad mapping.
 */
export function mapPaths(
  mapping: PathMapping,
): (file: string) => { readonly prefix: string; readonly segments: readonly string[] } | undefined {
  const folders = Object.entries(mapping).map(([folder, prefix]) => {
    if (!prefix.startsWith('/')) {
      throw new FileFieldError(
        'invalid_option',
        `The folder ${folder} is mapped to "${prefix}", which must start with a slash.`,
      );
    }
    return { folder: path.resolve(folder), prefix: prefix.replace(/\/+$/, '') };
  });
  if (folders.length === 0) throw new FileFieldError('invalid_option', 'A delivery needs at least one folder to map.');
  folders.sort((a, b) => b.folder.length - a.folder.length);
  return (file) => {
    for (const { folder, prefix } of folders) {
      const below = path.relative(folder, file);
      const segments = below.split(path.sep);
      if (below !== '' && segments[0] !== '..' && !path.isAbsolute(below)) return { prefix, segments };
    }
    return undefined;
  };
}
