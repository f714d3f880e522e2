import { Ledger } from './ledger.js';

/**
 * The mode `leak-only`: no table, no record, and so no deletion, since every deletion would be a guess. Rows never lose
 * their bytes; bytes that no row has stay until a reconcile is told to delete them.
 */
export class NoLedger extends Ledger {
  override readonly recorded = false;

  override async verify(): Promise<void> {}

  override async intend(): Promise<boolean> {
    return true;
  }

  override keepAlive(): () => void {
    return () => undefined;
  }

  override async renew(): Promise<boolean> {
    return true;
  }

  override async withdraw(): Promise<void> {}

  override async abandon(): Promise<void> {}

  override async reserve(): Promise<void> {}

  override async bind(): Promise<void> {}

  override async adopt(): Promise<void> {}

  override async doom(): Promise<void> {}

  override async doomMany(): Promise<void> {}

  override async holder(): Promise<undefined> {}
}
