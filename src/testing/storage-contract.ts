import type { Storage } from '../file/storage.js';
import { abilityClaims } from './storage-claims/abilities.js';
import { readingClaims } from './storage-claims/reading.js';
import { writingClaims } from './storage-claims/writing.js';

/** One thing that a storage must do: a title, and a function that rejects where it does not. */
export interface StorageClaim {
  readonly title: string;
  readonly run: () => Promise<void>;
}

/**
 * Everything that the rest of the library relies upon in a storage, as claims that any test runner can run. `make` is
 * called once for each claim; the storages may share what they keep, since every claim uses keys of its own.
 *
 * @example
 * ```ts
 * import { storageContract } from 'filefield/testing';
 * import { MemoryStorage } from 'filefield/storages/memory';
 *
 * for (const claim of storageContract(() => new MemoryStorage())) it(claim.title, claim.run);
 * ```
 */
export function storageContract(make: () => Promise<Storage> | Storage): readonly StorageClaim[] {
  const claims = { ...writingClaims, ...readingClaims, ...abilityClaims };
  return Object.entries(claims).map(([title, claim]) => ({ title, run: async () => claim(await make()) }));
}
