import path from 'node:path';
import { FileFieldError } from '../errors.js';
import { realpath } from 'node:fs/promises';
import type { ByteRange } from '../file/body.js';
import type { FileSource } from '../file/file.js';
import { locateFile, OpenFile } from '../file/open-file.js';

export interface RootedFileOptions {
  /**
   * Symbolic links below the root: `inside` follows those that stay below it, `follow` all.
   * @default 'inside'
   */
  readonly symlinks?: 'inside' | 'follow';
  /**
   * Whether names below the root may begin with a dot.
   * @default 'hide'
   */
  readonly dotFiles?: 'hide' | 'show';
}

/**
 * A file below a folder, by a path that a client may have chosen. What leads out of the folder, through `..` or through a
 * link, does not exist. The file that was judged is the file that is sent: it is opened first and judged then, so that a
 * path that changes in between changes nothing.
 *
 * @example
 * ```ts
 * import { downloadView, rootedFile } from 'filefield';
 *
 * const terms = downloadView(async () => ({ subject: null, file: () => rootedFile('public', 'terms.pdf') }));
 * ```
 */
export function rootedFile(root: string, below: string, options: RootedFileOptions = {}): FileSource {
  const segments = below.split('/');
  const base = path.resolve(root);
  const localPath = path.join(base, ...segments);
  const described = { name: segments.at(-1) ?? '' };
  const plain = isPlain(segments, options.dotFiles === 'show');
  const mayBe = async (real: string | undefined) => options.symlinks === 'follow' || (await isInside(base, real));
  const open = async () => {
    if (!plain) throw notFound();
    const file = await OpenFile.at(localPath);
    try {
      if (!(await mayBe(await file.realPath(localPath)))) throw notFound();
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  };
  return {
    ...described,
    async load() {
      const file = await open();
      return {
        ...described,
        size: file.size,
        modified: file.modified,
        open: async (range?: ByteRange) => file.body(range, () => undefined),
        close: () => file.close(),
      };
    },
    async locate() {
      if (!plain || !(await mayBe(await realpath(localPath).catch(() => undefined)))) throw notFound();
      return locateFile(localPath);
    },
    open: async (range) => (await open()).body(range),
  };
}

/** No way up, no absolute path, no second separator, nothing that ends a name early; a dot file only where wanted. */
function isPlain(segments: readonly string[], dotFiles: boolean): boolean {
  return segments.every(
    (segment) =>
      segment !== '' &&
      segment !== '.' &&
      segment !== '..' &&
      !/[\\\u0000]/.test(segment) && // eslint-disable-line no-control-regex
      // On Windows a drive, or a second stream of a file.
      !(path.sep === '\\' && segment.includes(':')) &&
      (dotFiles || !segment.startsWith('.')),
  );
}

/** Compared with the separator, or `/srv/public-not` would be inside `/srv/public` (CVE-2014-6394). */
async function isInside(base: string, real: string | undefined): Promise<boolean> {
  // Resolved anew each time: a root that is itself a link may be switched to another release meanwhile.
  const root = await realpath(base).catch(() => undefined);
  if (root === undefined || real === undefined) return false;
  return real.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
}

function notFound(): FileFieldError {
  return new FileFieldError('not_found', 'There is no such file below the root.');
}
