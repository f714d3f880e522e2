import path from 'node:path';
import type { ByteRange } from '../file/body.js';
import type { FileSource } from '../file/file.js';
import { locateFile, OpenFile } from '../file/open-file.js';

export interface LocalFileOptions {
  /**
   * The name shown to people.
   * @default the last part of the path
   */
  readonly name?: string;
  /**
   * Media type.
   * @default by the name
   */
  readonly type?: string;
}

/**
 * A file on this machine that no storage keeps. Nothing is opened until it is served, and then once: size, time and bytes
 * are of the same file even if the path is replaced meanwhile. It may be served any number of times.
 *
 * WARNING: the path must come from your program. Never join it from a URL.
 *
 * @example
 * ```ts
 * import { downloadView, localFile } from 'filefield';
 *
 * const terms = localFile('/srv/texts/terms.pdf');
 * const view = downloadView(async () => ({ subject: null, file: () => terms }), { disposition: 'inline' });
 * ```
 */
export function localFile(file: string, options: LocalFileOptions = {}): FileSource {
  const localPath = path.resolve(file);
  const described = { name: options.name ?? path.basename(localPath), type: options.type };
  const load = async () => {
    const opened = await OpenFile.at(localPath);
    return {
      ...described,
      size: opened.size,
      modified: opened.modified,
      // What is loaded stays open for the next range; a body of its own does not.
      open: async (range?: ByteRange) => opened.body(range, () => undefined),
      close: () => opened.close(),
    };
  };
  return {
    ...described,
    load,
    locate: () => locateFile(localPath),
    open: async (range) => (await OpenFile.at(localPath)).body(range),
  };
}
