import { promises as fsp } from 'node:fs';
import path from 'node:path';
import { unfinishedFolder } from '../file/key.js';
import type { Storage } from '../file/storage.js';

/** The folders that are missing before the first of several probes that are in one storage at the same time. */
interface Use {
  probes: number;
  readonly missing: Promise<readonly string[]>;
}

const uses = new Map<string, Use>();

/**
 * Notes which folders a probe will make. The returned function removes them again, unless they are used by then: in a folder
 * that is not the right one - the volume is not mounted, the working directory is another - a check leaves nothing behind.
 */
export async function noteFolders({ root }: Storage, folder: string): Promise<() => Promise<void>> {
  const use = uses.get(folder) ?? { probes: 0, missing: missingFolders(folder, root) };
  uses.set(folder, use);
  use.probes += 1;
  await use.missing;
  return async () => {
    use.probes -= 1;
    if (use.probes > 0) return;
    uses.delete(folder);
    for (const made of await use.missing) {
      // Fails for a folder that has something in it.
      await fsp.rmdir(made).catch(() => undefined);
    }
  };
}

/** The folder of an object. Undefined for a storage without one; the link `path` says it if `localPath` fails. */
export function folderOf(storage: Storage, key: string): string | undefined {
  try {
    const file = storage.localPath?.(key);
    return file === undefined ? undefined : path.dirname(file);
  } catch {
    return undefined;
  }
}

/** Those that do not exist, each before the folder that it will be in. */
async function missingFolders(folder: string, root: string | undefined): Promise<readonly string[]> {
  const missing: string[] = [];
  const unfinished = root === undefined ? undefined : path.join(root, unfinishedFolder);
  if (unfinished !== undefined && !(await exists(unfinished))) missing.push(unfinished);
  for (let one = folder; !(await exists(one)) && one !== path.dirname(one); one = path.dirname(one)) missing.push(one);
  return missing;
}

/** Only what surely does not exist is missing. */
function exists(folder: string): Promise<boolean> {
  return fsp.lstat(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
}
