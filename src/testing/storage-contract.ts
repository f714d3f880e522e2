import type { Storage } from '../file/storage.js';
import { byteSize, type ByteSize } from '../options.js';
import { capabilityClaims } from './storage-claims/capabilities.js';
import { largeClaims } from './storage-claims/large.js';
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

/** What `storageContract` should know about a storage. */
export interface StorageContractOptions {
  /**
   * Size of large objects, at least 10,000 bytes: more than three of the parts or blocks in which the storage sends them.
   * @default 300 KB
   */
  readonly large?: ByteSize;
  /**
   * Returns the number of sockets, open files and the like that the storage holds at this moment. It must return to its
   * former value after a reader that stops in the middle, and after a write that fails.
   * @default nothing is counted
   */
  readonly held?: () => number;
  /**
   * Returns the number of bytes of objects that were read from the storage so far, headers not counted. A range must not
   * cost more than its length.
   * @default nothing is counted
   */
  readonly bytesRead?: () => number;
}

/**
 * Everything that this library expects of a `Storage`, as claims for any test runner. `make` is called once per claim. The
 * storages that it returns may share their objects, because each claim uses keys of its own. Claims about optional members
 * pass for a storage that does not have them.
 *
 * A storage that sends large objects in parts needs the option `large`: by default the contract never gets to a second part.
 *
 * @throws `invalid_option` for a `large` that is no size, or too small.
 *
 * @example
 * ```ts
 * import { storageContract } from 'filefield/testing';
 * import { MemoryStorage } from 'filefield/storages/memory';
 *
 * for (const claim of storageContract(() => new MemoryStorage(), { large: '1 MiB' })) it(claim.title, claim.run);
 * ```
 */
export function storageContract(
  make: () => Promise<Storage> | Storage,
  options: StorageContractOptions = {},
): readonly StorageClaim[] {
  const claims = { ...writingClaims, ...largeClaims, ...readingClaims, ...listingClaims, ...capabilityClaims };
  const settings = { ...options, large: byteSize('large', options.large ?? '300 KB', { from: 10_000 }) };
  return Object.entries(claims).map(([title, claim]) => ({ title, run: async () => claim(await make(), settings) }));
}
