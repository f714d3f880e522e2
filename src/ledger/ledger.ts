import type { FileDescriptor } from '../file/descriptor.js';
import type { Duration } from '../options.js';
import type { LedgerConnection } from './connection.js';
import type { Fence } from './fence.js';
import type { Intent } from './intents.js';
import type { OwnedColumn, OwnedSlot } from './owner.js';
import type { CopyPolicy } from './policies.js';
import type { Sql } from './sql.js';

/** The times of the ledger. */
export interface LedgerOptions {
  /**
   * How long a staged file waits for its row before a sweep may delete it; renewed while an upload runs.
   * @default '30m'
   */
  readonly lease?: Duration;
  /**
   * How long the bytes of a replaced or deleted file stay, for downloads that are running, for caches, and for a database
   * that is restored from a backup: give at least your restore window.
   * @default '10m'
   */
  readonly grace?: Duration;
  /**
   * How long the marker of this database must have stood in a storage before the bytes of files that were retired before it
   * are deleted: the time in which the original of a copied database finds the copy, and both stop. At least twice the time
   * between two sweeps, up to 7 days, whatever is given here. It does not hold up a ledger that is younger than that.
   * @default '1h'
   */
  readonly fence?: Duration;
}

/** The grace when none is given. */
export const defaultGrace: Duration = '10m';

/** What the ledger knows of an object. */
export interface LedgerEntry {
  readonly storage: string;
  readonly key: string;
  readonly state: string;
}

/** How a file is bound. */
export interface BindOptions {
  /** Whether several rows may refer to the file. */
  readonly copies?: CopyPolicy | undefined;
  /** A condition that holds while the row exists. */
  readonly row?: Sql | undefined;
}

/** What a slot releases. */
export interface ReleaseOptions {
  /** The id of the file that the slot holds now; null for none. */
  readonly current: string | null;
  /** The id of the file that the slot held as far as the ORM knows; finds files without a recorded owner. */
  readonly known?: string;
  /** Milliseconds that the bytes are retained, or for ever. */
  readonly retain: number | 'keep';
}

/** What many slots of one column release. */
export interface ReleaseManyOptions {
  /** Primary keys as text. */
  readonly keys: readonly string[];
  /** Ids of the files that the rows held as far as the ORM knows. */
  readonly known: readonly string[];
  readonly retain: number | 'keep';
}

/**
 * The write-ahead record of every stored object. An entry exists before the first byte does, changes its state inside the
 * entity's own transaction, and only a sweep that has read the rows anew deletes bytes. `states.ts` has every state and
 * transition. Two classes: `RecordedLedger` with tables, `NoLedger` without.
 */
export interface Ledger {
  /** False for `NoLedger`: there are no tables, and nothing is ever deleted by itself. */
  readonly recorded: boolean;
  /** The connection that commits each statement at once. */
  readonly database: LedgerConnection;
  /** Milliseconds. */
  readonly lease: number;
  /** Milliseconds. */
  readonly grace: number;
  /** Absent without tables. */
  readonly fence?: Fence;
  /** The first part of the keys of new objects; on the connection of a transaction it may be made in that transaction. */
  identity(connection?: LedgerConnection): Promise<string>;
  /** Rejects with `database_failed` unless the ledger's tables exist in a version that this release can work with. */
  verify(): Promise<void>;
  /**
   * Records that an object will be stored, committed on its own before any byte moves. Resolves to false when the key is
   * taken; nothing is recorded then. On the connection of a transaction the entry is committed with that transaction: after
   * a rollback, or when the process dies, the object is one that a reconcile reports as unknown.
   */
  intend(intent: Intent, connection?: LedgerConnection): Promise<boolean>;
  /** Deletes the entry of an object whose key turned out to be taken: a sweep must never delete that object. */
  withdraw(id: string, connection?: LedgerConnection): Promise<void>;
  /** Renews the lease of a staged file until the returned function is called. */
  keepAlive(id: string): () => void;
  /** Gives a staged file a full lease from now. Resolves to false when a sweep has taken it already. */
  renew(id: string): Promise<boolean>;
  /**
   * Lets a sweep delete a staged file at once. Does nothing to a file that a row has, and never waits for a transaction that
   * is binding it.
   */
  abandon(id: string, connection?: LedgerConnection): Promise<void>;
  /**
   * Keeps sweeps away from a file for the length of a lease, before a write that commits at once, where an error of `bind`
   * would come too late. Rejects with `staged_expired`.
   */
  reserve(connection: LedgerConnection, file: FileDescriptor): Promise<void>;
  /**
   * Binds a file to its slot inside the transaction that wrote the row. Rejects with `staged_expired` or `already_bound`,
   * which rolls that transaction back, so no row is committed without its bytes. If the row has been deleted meanwhile,
   * the file stays staged.
   */
  bind(transaction: LedgerConnection, slot: OwnedSlot, file: FileDescriptor, options?: BindOptions): Promise<void>;
  /**
   * Binds a file to a row of a column whose key the ORM does not tell, as in an update by criteria. What the row held before is found
   * by triggers or a reconcile. Rejects with `staged_expired`.
   */
  adopt(transaction: LedgerConnection, column: OwnedColumn, file: FileDescriptor): Promise<void>;
  /**
   * Releases whatever the slot held except the file that it holds now, inside the transaction that wrote the row. The slot
   * decides, not the old value that the ORM remembers, which may be stale.
   */
  release(transaction: LedgerConnection, slot: OwnedSlot, options: ReleaseOptions): Promise<void>;
  /** Does the same for one field of many rows that are deleted. */
  releaseMany(transaction: LedgerConnection, column: OwnedColumn, options: ReleaseManyOptions): Promise<void>;
  /** The entry of a file by its id; undefined if there is none. */
  entry(id: string): Promise<LedgerEntry | undefined>;
  /** True if a row has the file, in another slot than this one. */
  isTaken(connection: LedgerConnection, file: FileDescriptor, slot: OwnedSlot | undefined): Promise<boolean>;
}
