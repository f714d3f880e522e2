import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiskStorage } from '../storages/disk.js';

/** A storage that is on a disk, and gone when it is removed. */
export class TemporaryStorage extends DiskStorage {
  /** Deletes the folder and all that is in it; safe to call twice. */
  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  /** `await using storage = await temporaryStorage()` removes it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

/**
 * A `DiskStorage` in a new folder of the system's temporary one.
 *
 * @example
 * ```ts
 * import { temporaryStorage } from 'filefield/testing';
 *
 * const storage = await temporaryStorage();
 * afterAll(() => storage.remove());
 * ```
 */
export async function temporaryStorage(): Promise<TemporaryStorage> {
  return new TemporaryStorage({ root: await mkdtemp(path.join(tmpdir(), 'filefield-')), sync: false });
}
