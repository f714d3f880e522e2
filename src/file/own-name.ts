import { promises as fsp } from 'node:fs';
import path from 'node:path';
import { diskError } from './disk-error.js';
import type { Storage } from './storage.js';

/**
 * False where a key is a second name of its object: a symbolic link leads to the file or its folder, or the file system
 * ignores the case of letters and the file is spelled otherwise. Two keys could then be one file, which one of them deletes.
 * Always true for storages without a folder on this machine, and where there is no such file.
 */
export async function isOwnName(storage: Storage, key: string): Promise<boolean> {
  const { root } = storage;
  const file = storage.localPath?.(key);
  if (root === undefined || file === undefined) return true;
  try {
    const [folder, real] = await Promise.all([fsp.realpath(root), fsp.realpath(file)]);
    return real === path.join(folder, path.relative(root, file));
  } catch (cause) {
    const error = diskError(cause, 'look for an object', { key });
    if (error.code === 'not_found') return true;
    throw error;
  }
}
