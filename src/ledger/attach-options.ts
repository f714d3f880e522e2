import type { FileEvents } from '../events.js';
import type { LedgerConnection } from './connection.js';
import { Ledger, type LedgerOptions } from './ledger.js';
import { NoLedger } from './no-ledger.js';
import type { StorageRegistry } from '../file/registry.js';

/** What `attachFiles` of either ORM is given. */
export interface AttachOptions extends LedgerOptions {
  /** The storages that the file fields name. */
  readonly storages: StorageRegistry;
  /**
   * `ledger` keeps the promise. `leak-only` needs no tables and deletes nothing by itself: for databases that you cannot
   * change, and none other.
   * @default 'ledger'
   */
  readonly mode?: 'ledger' | 'leak-only';
}

/** The record that the options ask for. */
export function openLedger(database: LedgerConnection, events: FileEvents, options: AttachOptions): Ledger {
  return options.mode === 'leak-only' ? new NoLedger(database, events, options) : new Ledger(database, events, options);
}
