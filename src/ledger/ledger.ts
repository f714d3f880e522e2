import type { FileDescriptor } from '../descriptor.js';
import { FileFieldError } from '../errors.js';
import type { LedgerConnection } from './connection.js';
import { now } from './dialect.js';
import type { Slot } from './reference.js';

export interface LedgerOptions {
  /**
   * Milliseconds that a staged file waits for its row before a sweep may take it; renewed while an upload runs.
   * @default 1_800_000 (30 minutes)
   */
  readonly lease?: number;
  /**
   * Milliseconds that the bytes of a replaced or deleted file stay, for downloads that are running, caches, and a
   * database restored from a backup. Set it to at least your restore window.
   * @default 600_000 (10 minutes)
   */
  readonly grace?: number;
}

/**
 * The write-ahead record of every stored object. Its row exists before the first byte does, its state flips inside the
 * entity's own transaction, and bytes are only ever deleted by a sweep that has read the truth anew.
 *
 * `pending` (staged, leased) → `live` (bound to a slot) → `doomed` (to be deleted after a grace) → trash → gone.
 */
export class Ledger {
  readonly lease: number;
  readonly grace: number;

  constructor(
    readonly database: LedgerConnection,
    options: LedgerOptions = {},
  ) {
    this.lease = options.lease ?? 30 * 60_000;
    this.grace = options.grace ?? 10 * 60_000;
  }

  /** Throws `database_failed` unless the ledger's tables are there: better at start-up than at the first upload. */
  async verify(): Promise<void> {
    await this.database.execute(`SELECT id FROM file_ledger WHERE id = ?`, ['']);
  }

  /** Writes the intent to store an object, committed on its own before any byte moves. */
  async intend(id: string, storage: string, key: string): Promise<void> {
    const time = now[this.database.dialect];
    await this.database.execute(
      `INSERT INTO file_ledger (id, storage, object_key, state, lease_until, created_at) VALUES (?, ?, ?, 'pending', ${time} + ${this.lease}, ${time})`,
      [id, storage, key],
    );
  }

  /** Renews the lease of a staged file until the returned function is called; for uploads that take long. */
  keepAlive(id: string, onError: (error: unknown) => void): () => void {
    const renew = `UPDATE file_ledger SET lease_until = ${now[this.database.dialect]} + ${this.lease} WHERE id = ? AND state = 'pending'`;
    const timer = setInterval(() => {
      this.database.execute(renew, [id]).catch(onError);
    }, this.lease / 3);
    timer.unref();
    return () => clearInterval(timer);
  }

  /**
   * Lets a sweep take a staged file at once instead of when its lease ends. Does nothing to a file that a row has
   * bound, so it is safe to call on a guess.
   */
  async abandon(id: string): Promise<void> {
    await this.database.execute(`UPDATE file_ledger SET lease_until = 0 WHERE id = ? AND state = 'pending'`, [id]);
  }

  /**
   * Binds a file to its slot, inside the transaction that wrote the row. Throws `staged_expired` or `already_bound`,
   * which rolls that transaction back: a row can never be committed without its bytes.
   */
  async bind(transaction: LedgerConnection, slot: Slot, file: FileDescriptor): Promise<void> {
    // A doomed file whose bytes are still there may come back: retiring deletes this very row, so one of the two wins.
    const { affected } = await transaction.execute(
      `UPDATE file_ledger SET state = 'live', lease_until = NULL, doomed_at = NULL, not_before = NULL, owner_type = ?, owner_pk = ?, slot = ?, size = ?, checksum = ? ` +
        `WHERE ${named} AND (state IN ('pending', 'doomed') OR owner_type IS NULL OR (owner_type = ? AND owner_pk = ? AND slot = ?))`,
      [slot.owner, slot.pk, slot.slot, file.size, file.sha256, ...names(file), slot.owner, slot.pk, slot.slot],
    );
    // MariaDB counts rows that changed, not rows that matched: binding a bound file again changes none.
    if (affected > 0) return;
    const { rows } = await transaction.execute(
      `SELECT owner_type AS owner, owner_pk AS pk, slot FROM file_ledger WHERE ${named}`,
      names(file),
    );
    const found = rows[0];
    if (!found) throw expired(file);
    if (found.owner !== slot.owner || found.pk !== slot.pk || found.slot !== slot.slot) {
      throw new FileFieldError(
        'already_bound',
        `The file belongs to another row or field already (${String(found.owner)}.${String(found.slot)}); stage its bytes anew to give this one its own copy.`,
        { field: slot.slot, storage: file.storage, key: file.key },
      );
    }
  }

  /**
   * Binds a file to a row whose key the ORM does not tell, as in an update by criteria: the file is safe, and what the
   * row held before is left to triggers or a reconcile. Throws `staged_expired`.
   */
  async adopt(transaction: LedgerConnection, file: FileDescriptor): Promise<void> {
    const { affected } = await transaction.execute(
      `UPDATE file_ledger SET state = 'live', lease_until = NULL, doomed_at = NULL, not_before = NULL, size = ?, checksum = ? WHERE ${named}`,
      [file.size, file.sha256, ...names(file)],
    );
    if (affected > 0) return;
    const { rows } = await transaction.execute(`SELECT id FROM file_ledger WHERE ${named}`, names(file));
    if (rows.length === 0) throw expired(file);
  }

  /**
   * Dooms whatever the slot held except the file it holds now, inside the transaction that wrote the row. The slot
   * decides, not the old value that the ORM remembers: that may be stale.
   */
  async doom(transaction: LedgerConnection, slot: Slot, current: string | null, known?: string): Promise<void> {
    const time = now[transaction.dialect];
    const owned = `(owner_type = ? AND owner_pk = ? AND slot = ?)`;
    await transaction.execute(
      `UPDATE file_ledger SET state = 'doomed', doomed_at = ${time}, not_before = ${time} + ${this.grace} ` +
        `WHERE state = 'live' AND id <> ? AND ${known ? `(${owned} OR (id = ? AND owner_type IS NULL))` : owned}`,
      [current ?? '', slot.owner, slot.pk, slot.slot, ...(known ? [known] : [])],
    );
  }
}

/** A descriptor must name what the ledger knows in every part: one that was tampered with names nothing. */
const named = 'id = ? AND storage = ? AND object_key = ?';

function names(file: FileDescriptor): readonly string[] {
  return [file.id, file.storage, file.key];
}

function expired(file: FileDescriptor): FileFieldError {
  return new FileFieldError(
    'staged_expired',
    'The staged file expired before its row was saved and has been swept; upload it again, or raise the lease.',
    { storage: file.storage, key: file.key },
  );
}
