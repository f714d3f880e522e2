import { createHash, randomUUID } from 'node:crypto';
import { promises as fsp } from 'node:fs';
import path from 'node:path';
import { diskError, errno } from '../../file/disk-error.js';
import type { FileFieldError } from '../../errors.js';

/** A file takes at least one block of the disk; this also bounds the number of files. */
const block = 4096;
/** Milliseconds after which an unfinished file that nothing has written to was left by a process that is gone. */
const abandoned = 60_000;
/** Milliseconds for which the last use of a file is not recorded again. */
const useInterval = 60_000;

/**
 * The folder of a cache: its names, and the deletion of what was not used for the longest time. Everything is read from the
 * folder itself, so that processes can share it. Files that were not made by a cache are never touched.
 */
export class CacheFolder {
  /** Bytes that this process has added since it last looked at the folder. */
  #added = 0;
  #isTidying = false;

  constructor(
    private readonly root: string,
    private readonly maxSize: number,
    private readonly onFault: (error: FileFieldError) => void,
  ) {}

  /** Where the object of a key is, if it is cached. */
  fileOf(key: string): string {
    const hash = createHash('sha256').update(key).digest('hex');
    return path.join(this.root, hash.slice(0, 2), hash.slice(2));
  }

  /** A new name for a file that is being filled; its folder exists. */
  async unfinished(): Promise<string> {
    const folder = path.join(this.root, '.filling');
    await fsp.mkdir(folder, { recursive: true, mode: 0o700 });
    if (this.#added === 0) this.#tidy();
    return path.join(folder, randomUUID());
  }

  /** Gives a finished file its name. */
  async publish(unfinished: string, file: string, size: number): Promise<void> {
    await fsp.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await fsp.rename(unfinished, file);
    this.#added += onDisk(size);
    if (this.#added >= this.maxSize / 10) this.#tidy();
  }

  /** Records the use of a file, by which the next deletions are decided. */
  used(file: string, lastUse: Date): void {
    const now = Date.now();
    if (now - lastUse.getTime() < useInterval) return;
    // Another process may have deleted it; otherwise it only looks older than it is.
    void fsp.utimes(file, now / 1000, now / 1000).catch(() => undefined);
  }

  /** Deletes a file; it is gone already in most cases. */
  async remove(file: string): Promise<void> {
    await fsp.unlink(file).catch((cause: unknown) => {
      if (errno(cause) !== 'ENOENT') this.fault(cause, 'delete a file of the cache');
    });
  }

  /** Reports a failure of the cache; no read fails for it. */
  fault(cause: unknown, action: string): void {
    this.onFault(diskError(cause, action));
  }

  /** Looks at all files in the background. */
  #tidy(): void {
    if (this.#isTidying) return;
    this.#isTidying = true;
    void this.#deleteOldest()
      .catch((cause: unknown) => this.fault(cause, 'look for old files of the cache'))
      .finally(() => (this.#isTidying = false));
  }

  async #deleteOldest(): Promise<void> {
    // Not 0, which would start another look at the next file.
    this.#added = 1;
    for await (const { file, used } of filesBelow(this.root, /^\.filling$/, /^[\da-f-]{36}$/))
      if (Date.now() - used > abandoned) await this.remove(file);
    const files = [];
    let total = 0;
    for await (const found of filesBelow(this.root, /^[\da-f]{2}$/, /^[\da-f]{62}$/)) {
      files.push(found);
      total += onDisk(found.size);
    }
    files.sort((one, other) => one.used - other.used);
    for (const { file, size } of files) {
      if (total <= this.maxSize * 0.9) break;
      await this.remove(file);
      total -= onDisk(size);
    }
  }
}

const onDisk = (size: number) => Math.max(block, Math.ceil(size / block) * block);

/** The files with such names in the folders with such names. What another process deletes meanwhile is left out. */
async function* filesBelow(root: string, folders: RegExp, names: RegExp) {
  const entries = (folder: string) =>
    fsp.readdir(folder).catch((cause: unknown) => {
      if (errno(cause) === 'ENOENT') return [];
      throw cause;
    });
  for (const folder of await entries(root)) {
    if (!folders.test(folder)) continue;
    for (const name of await entries(path.join(root, folder))) {
      const file = path.join(root, folder, name);
      const stats = names.test(name) ? await fsp.lstat(file).catch(() => undefined) : undefined;
      if (stats?.isFile()) yield { file, size: stats.size, used: stats.mtimeMs };
    }
  }
}
