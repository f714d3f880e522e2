import { realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { FileFieldError } from '../errors.js';
import { isPromise } from '../file/promise.js';
import type { FileSource } from '../file/file.js';
import { locateFile, OpenFile } from '../file/open-file.js';

/** Which files below a root folder exist for clients. */
export interface FolderOptions {
  /**
   * Symbolic links below the root: `inside` follows those whose target is below the root, `follow` follows all.
   * @default 'inside'
   */
  readonly symlinks?: 'inside' | 'follow';
  /**
   * Files and folders below the root whose names begin with a dot: `hide` treats them as absent, `show` serves them.
   * @default 'hide'
   */
  readonly dotFiles?: 'hide' | 'show';
}

/** Options of `localFile`. `symlinks` and `dotFiles` need a `root`. */
export interface LocalFileOptions extends FolderOptions {
  /**
   * The folder that the path must stay in. Relative paths start at the working directory. WARNING: without a root the
   * path must come from your program. Never build it from a URL.
   * @default none: the path is used as it is
   */
  readonly root?: string;
  /**
   * File name shown to clients.
   * @default the last part of the path
   */
  readonly name?: string;
  /**
   * Media type.
   * @default the type of the name's extension
   */
  readonly type?: string;
}

/** A path with the rules that decide whether it may be read. */
interface Location {
  /** Absolute. */
  readonly path: string;
  /** False if no file can be served under this path, whatever is on the disk. */
  readonly valid: boolean;
  /** True for a path directly below the root. */
  readonly isDirect?: boolean;
  /** Decides by the path with all links resolved; absent if every path is allowed. */
  readonly allows?: ((realPath: string | undefined) => boolean) | undefined;
}

/**
 * A file on the disk of this machine, outside of any storage. Nothing is opened until the file is served; then size, time
 * and bytes come from one file descriptor, even if the path is replaced meanwhile. It can be served any number of times.
 *
 * With `root`, a client may choose the path: a path that leaves the folder, through `..`, an absolute path, a backslash or
 * a symbolic link, rejects with `not_found`. The link check is made on the open descriptor, so that replacing a part of
 * the path after the check has no effect.
 *
 * @param path absolute, or relative to the working directory; with `root`, below the root with `/` between its parts
 *
 * @example
 * ```ts
 * import { downloadView, localFile } from 'filefield';
 *
 * const terms = localFile('terms.pdf', { root: '/srv/texts' });
 * const view = downloadView(async () => ({ subject: null, file: () => terms }), { disposition: 'inline' });
 * ```
 */
export function localFile(path: string, options: LocalFileOptions = {}): FileSource {
  const { root } = options;
  const location = root === undefined ? { path: resolve(path), valid: true } : locationBelow(root, path, options);
  const name = options.name ?? basename(location.path);
  const { type } = options;
  return {
    name,
    type,
    async load() {
      const file = await openAllowed(location);
      return {
        name,
        type,
        size: file.size,
        modified: file.modified,
        // The descriptor stays open for further ranges until the loaded file is closed.
        open: async (range) => file.body(range, () => undefined),
        close: () => file.close(),
      };
    },
    async locate() {
      if (!location.valid) throw noSuchFile();
      const { path: asked, allows } = location;
      if (allows && !allows(await realpath(asked).catch(() => undefined))) throw noSuchFile();
      return locateFile(location.path);
    },
    open: async (range) => (await openAllowed(location)).body(range),
  };
}

/** Opens first and checks then, so that the file that was checked is the file that is read. */
async function openAllowed({ path, valid, isDirect, allows }: Location): Promise<OpenFile> {
  if (!valid) throw noSuchFile();
  // What is directly below the root, and no link, is in the root.
  const direct = isDirect && allows ? await OpenFile.unlessLink(path) : undefined;
  if (direct) return direct;
  const file = await OpenFile.at(path);
  if (!allows) return file;
  try {
    const real = file.realPath(path);
    if (allows(isPromise(real) ? await real : real)) return file;
    throw noSuchFile();
  } catch (error) {
    file.close();
    throw error;
  }
}

function locationBelow(root: string, path: string, { symlinks, dotFiles }: FolderOptions): Location {
  const base = resolve(root);
  const segments = path.split('/');
  return {
    path: join(base, path),
    valid: segments.every((segment) => isSafeSegment(segment, dotFiles === 'show')),
    isDirect: segments.length === 1,
    allows: symlinks === 'follow' ? undefined : (realPath) => isInside(base, realPath),
  };
}

/** False for a segment that leads up, makes the path absolute, hides a separator or a NUL, or names a hidden file. */
function isSafeSegment(segment: string, dotFiles: boolean): boolean {
  if (segment === '' || segment === '.' || segment === '..') return false;
  if (/[\\\u0000]/.test(segment)) return false; // eslint-disable-line no-control-regex
  // On Windows a colon marks a drive or an alternate data stream.
  if (sep === '\\' && segment.includes(':')) return false;
  return dotFiles || !segment.startsWith('.');
}

function isInside(base: string, realPath: string | undefined): boolean {
  if (realPath === undefined) return false;
  // A path without links begins with the root only if the root has none: then it need not be resolved.
  if (isBelow(base, realPath)) return true;
  const root = realRoot(base);
  return root !== undefined && isBelow(root, realPath);
}

/** Compares with a trailing separator; without it `/srv/public-not` would be inside `/srv/public` (CVE-2014-6394). */
function isBelow(root: string, realPath: string): boolean {
  return realPath.startsWith(root) && (root.endsWith(sep) || realPath.startsWith(sep, root.length));
}

/**
 * A root with its links resolved; undefined if it is not there. Resolved each time: a root that is a symbolic link may be
 * switched to another release while the process runs. Synchronous: the file below it has just been found, so that the kernel
 * knows all parts of the path, and no disk is waited for.
 */
function realRoot(base: string): string | undefined {
  try {
    return realpathSync.native(base);
  } catch {
    return undefined;
  }
}

function noSuchFile(): FileFieldError {
  return new FileFieldError('not_found', 'There is no such file below the root folder.');
}
