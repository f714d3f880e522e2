import type { Storage } from '../file/storage.js';
import { capabilityClaims } from './storage-claims/capabilities.js';
import { listingClaims } from './storage-claims/listing.js';
import { readingClaims } from './storage-claims/reading.js';
import { writingClaims } from './storage-claims/writing.js';

/** One claim of the contract. */
export interface StorageClaim {
  /** A title for the test. */
  readonly title: string;
  /** Rejects if the storage breaks the claim. */
  readonly run: () => Promise<void>;
}

/**
 * Everything that this library expects of a `Storage`, as claims for any test runner. `make` is called once per claim. The
 * storages that it returns may share their objects, because each claim uses keys of its own.
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
  const claims = { ...writingClaims, ...readingClaims, ...listingClaims, ...capabilityClaims };
  return Object.entries(claims).map(([title, claim]) => ({ title, run: async () => claim(await make()) }));
}
