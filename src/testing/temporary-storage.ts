import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiskStorage } from '../storages/disk.js';

/**
 * A `DiskStorage` in a folder of its own, for one test or suite. Made by `temporaryStorage`.
 *
 * @example
 * ```ts
 * import { temporaryStorage, type TemporaryStorage } from 'filefield/testing';
 *
 * let storage: TemporaryStorage;
 * beforeAll(async () => void (storage = await temporaryStorage()));
 * afterAll(() => storage.remove());
 * ```
 */
export class TemporaryStorage extends DiskStorage {
  /** Deletes the folder with everything in it. Safe to call twice. */
  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  /** Calls `remove`: `await using storage = await temporaryStorage()` removes the folder at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

/**
 * A `DiskStorage` in a new folder below the system's temporary folder. It does not wait for the disk, so tests run faster.
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
