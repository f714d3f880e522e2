import { stat } from 'node:fs/promises';
import { diskError } from './disk-error.js';
import { FileFieldError } from '../errors.js';
import type { LocatedFile } from './file.js';

/** Looks for a file without opening it. Rejects with `not_found` where there is none, which a folder or a pipe is not. */
export async function locateFile(path: string): Promise<LocatedFile> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw diskError(cause, 'look for a file');
  });
  if (!stats.isFile()) throw new FileFieldError('not_found', 'There is no such file: the path is something else.');
  return { path, size: stats.size, modified: stats.mtime };
}
