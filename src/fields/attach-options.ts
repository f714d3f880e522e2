import type { LedgerOptions } from '../ledger/ledger.js';
import type { StorageRegistry } from '../registry.js';

/** What `attachFiles` of either ORM is given. */
export interface AttachOptions extends LedgerOptions {
  /** The storages that the file fields name. */
  readonly storages: StorageRegistry;
}
