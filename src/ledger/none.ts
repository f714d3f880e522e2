import { noIdentity } from '../file/key.js';
import { duration } from '../options.js';
import type { LedgerConnection } from './connection.js';
import { defaultGrace, type Ledger, type LedgerOptions } from './ledger.js';

/**
 * The option `ledger: false`: no tables, no record, and so no deletion, since every deletion would be a guess. Rows never
 * lose their bytes; bytes that no row refers to stay until a reconcile is asked to delete them.
 */
export class NoLedger implements Ledger {
  readonly recorded = false;
  readonly lease: number;
  readonly grace: number;

  constructor(
    readonly database: LedgerConnection,
    options: LedgerOptions = {},
  ) {
    this.lease = duration('lease', options.lease ?? '30m', { from: 1 });
    this.grace = duration('grace', options.grace ?? defaultGrace);
  }

  async identity(): Promise<string> {
    return noIdentity;
  }

  async verify(): Promise<void> {}

  async intend(): Promise<boolean> {
    return true;
  }

  async withdraw(): Promise<void> {}

  keepAlive(): () => void {
    return () => undefined;
  }

  async renew(): Promise<boolean> {
    return true;
  }

  async abandon(): Promise<void> {}

  async reserve(): Promise<void> {}

  async bind(): Promise<void> {}

  async adopt(): Promise<void> {}

  async release(): Promise<void> {}

  async releaseMany(): Promise<void> {}

  async entry(): Promise<undefined> {}

  async isTaken(): Promise<boolean> {
    return false;
  }
}
