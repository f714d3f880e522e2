import type { FileDescriptor } from '../file/descriptor.js';
import type { FileEvents } from '../events.js';
import { FileFieldError } from '../errors.js';
import type { BindOptions, Release } from './binding.js';
import type { CopyPolicy } from './policies.js';
import type { LedgerConnection } from './connection.js';
import { Intents, type Intent } from './intents.js';
import { insertOnce, now, placeholders } from './dialect.js';
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

/** Unless it is said otherwise: ten minutes. */
export const defaultGrace = 10 * 60_000;

/** A descriptor must name what the ledger knows in every part: one that was tampered with names nothing. */
const named = 'id = ? AND storage = ? AND object_key = ?';
const owned = 'owner_type = ? AND owner_pk = ? AND slot = ?';
const toLive = `state = 'live', lease_until = NULL, doomed_at = NULL, not_before = NULL`;

/**
 * The write-ahead record of every stored object. Its row exists before the first byte does, its state flips inside the
 * entity's own transaction, and bytes are only ever deleted by a sweep that has read the truth anew.
 *
 * `pending` (staged, leased) → `live` (bound to a slot) → `doomed` (to be deleted after a grace) → trash → gone; or
 * `kept`, by policy, which nothing deletes.
 */
export class Ledger {
  /** Whether there is a record at all. */
  readonly recorded: boolean = true;
  readonly lease: number;
  readonly grace: number;
  readonly #intents = new Intents((intents) => this.#record(this.database, intents));

  constructor(
    readonly database: LedgerConnection,
    private readonly events: FileEvents,
    options: LedgerOptions = {},
  ) {
    this.lease = options.lease ?? 30 * 60_000;
    this.grace = options.grace ?? defaultGrace;
  }

  /** Throws `database_failed` unless the ledger's tables are there: better at start-up than at the first upload. */
  async verify(): Promise<void> {
    await this.database.execute(`SELECT id FROM file_ledger WHERE id = ?`, ['']);
  }

  /**
   * Writes the intent to store an object, committed on its own before any byte moves. Resolves to false when the key is
   * taken: nothing is recorded then. Through a transaction it is committed with that one only: if it is rolled back, or the
   * process dies, the object is one that a reconcile finds as unknown.
   */
  async intend(
    id: string,
    storage: string,
    key: string,
    connection: LedgerConnection = this.database,
  ): Promise<boolean> {
    const intent = { id, storage, key };
    const together = connection === this.database && !connection.personal;
    const recorded = together ? await this.#intents.add(intent) : (await this.#record(connection, [intent])).has(id);
    if (recorded) this.events.emit('intended', intent);
    return recorded;
  }

  async #record(connection: LedgerConnection, intents: readonly Intent[]): Promise<ReadonlySet<string>> {
    const time = now[connection.dialect];
    const row = `(?, ?, ?, 'pending', ${time} + ${this.lease}, ${time})`;
    const insert = `INSERT INTO file_ledger (id, storage, object_key, state, lease_until, created_at) VALUES ${intents.map(() => row).join(', ')}`;
    const { affected } = await connection.execute(
      insertOnce(connection.dialect, insert),
      intents.flatMap(({ id, storage, key }) => [id, storage, key]),
    );
    const ids = intents.map(({ id }) => id);
    if (affected === ids.length) return new Set(ids);
    if (affected === 0) return new Set();
    // Somebody has one of the keys, which random ones never are.
    const { rows } = await connection.execute(`SELECT id FROM file_ledger WHERE id IN (${placeholders(ids)})`, ids);
    return new Set(rows.map((row) => String(row.id)));
  }

  /** Takes an intent back whose key turned out to be somebody else's: a sweep must never delete that object. */
  async withdraw(id: string): Promise<void> {
    await this.database.execute(`DELETE FROM file_ledger WHERE id = ? AND state = 'pending'`, [id]);
  }

  /** Renews the lease of a staged file until the returned function is called; for uploads that take long. */
  keepAlive(id: string): () => void {
    const timer = setInterval(() => {
      this.renew(id).catch((error: unknown) => this.events.emit('fault', error));
    }, this.lease / 3);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** Gives a staged file a full lease from now; resolves to false when a sweep has taken it already. */
  async renew(id: string): Promise<boolean> {
    const lease = `${now[this.database.dialect]} + ${this.lease}`;
    const { affected } = await this.database.execute(
      `UPDATE file_ledger SET lease_until = ${lease} WHERE id = ? AND state = 'pending'`,
      [id],
    );
    return affected > 0;
  }

  /**
   * Lets a sweep take a staged file at once instead of when its lease ends. Does nothing to a file that a row has
   * bound, so it is safe to call on a guess.
   */
  async abandon(id: string): Promise<void> {
    await this.database.execute(`UPDATE file_ledger SET lease_until = 0 WHERE id = ? AND state = 'pending'`, [id]);
  }

  /**
   * Makes sure of a file before a write that is committed at once, where `bind` would throw too late: no sweep takes it
   * for the length of a lease. Throws `staged_expired`.
   */
  async reserve(connection: LedgerConnection, file: FileDescriptor): Promise<void> {
    const later = `${now[connection.dialect]} + ${this.lease}`;
    const { affected } = await connection.execute(
      `UPDATE file_ledger SET lease_until = ${later}, not_before = CASE WHEN state = 'doomed' THEN ${later} END WHERE ${named} AND state <> 'live'`,
      names(file),
    );
    if (affected === 0) await this.#find(connection, file);
  }

  /**
   * Binds a file to its slot, inside the transaction that wrote the row. Throws `staged_expired` or `already_bound`,
   * which rolls that transaction back: a row can never be committed without its bytes. Where the row is gone by now, the
   * file stays staged.
   */
  async bind(
    transaction: LedgerConnection,
    slot: Slot,
    file: FileDescriptor,
    { copies = 'forbid', row }: BindOptions = {},
  ): Promise<void> {
    const place = [slot.owner, slot.pk, slot.slot];
    // A doomed file whose bytes are still there may come back: retiring deletes this very row, so one of the two wins.
    // Where files are shared, one without an owner is one that several rows have; it stays so.
    const free = copies === 'share' ? `state = 'pending'` : `state <> 'live' OR owner_type IS NULL`;
    const { affected } = await transaction.execute(
      `UPDATE file_ledger SET ${toLive}, owner_type = ?, owner_pk = ?, slot = ?, size = ?, checksum = ? WHERE ${named} AND (${free} OR (${owned}))${row ? ` AND ${row.sql}` : ''}`,
      [...place, file.size, file.sha256, ...names(file), ...place, ...(row?.parameters ?? [])],
    );
    // MariaDB may count rows that changed, not rows that matched: binding a bound file again changes none.
    if (affected === 0 && !(await this.#bindTaken(transaction, slot, file, copies))) return;
    this.events.emit('bound', { id: file.id, storage: file.storage, key: file.key, ...slot });
  }

  /**
   * Binds a file to a row whose key the ORM does not tell, as in an update by criteria: the file is safe, and what the
   * row held before is left to triggers or a reconcile. Throws `staged_expired`.
   */
  async adopt(transaction: LedgerConnection, file: FileDescriptor): Promise<void> {
    const { affected } = await transaction.execute(
      `UPDATE file_ledger SET ${toLive}, size = ?, checksum = ? WHERE ${named}`,
      [file.size, file.sha256, ...names(file)],
    );
    if (affected === 0) await this.#find(transaction, file);
    this.events.emit('bound', { id: file.id, storage: file.storage, key: file.key });
  }

  /**
   * Lets go of whatever the slot held except the file it holds now, inside the transaction that wrote the row. The slot
   * decides, not the old value that the ORM remembers: that may be stale.
   */
  async doom(transaction: LedgerConnection, slot: Slot, { current, known, retain }: Release): Promise<void> {
    const { affected } = await transaction.execute(
      `UPDATE file_ledger SET ${this.#fate(transaction, retain)} WHERE state = 'live' AND id <> ? AND ((${owned})${known ? ' OR (id = ? AND owner_type IS NULL)' : ''})`,
      [current ?? '', slot.owner, slot.pk, slot.slot, ...(known ? [known] : [])],
    );
    if (affected > 0) this.events.emit('doomed', { owner: slot.owner, pk: slot.pk, slot: slot.slot, count: affected });
  }

  /** The same for one field of many rows that are deleted; `known` are the files that the rows held. */
  async doomMany(
    transaction: LedgerConnection,
    { owner, slot }: Omit<Slot, 'pk'>,
    keys: readonly string[],
    known: readonly string[],
    retain: number | 'keep',
  ): Promise<void> {
    const unowned = known.length > 0 ? ` OR (owner_type IS NULL AND id IN (${placeholders(known)}))` : '';
    const { affected } = await transaction.execute(
      `UPDATE file_ledger SET ${this.#fate(transaction, retain)} WHERE state = 'live' AND ((owner_type = ? AND slot = ? AND owner_pk IN (${placeholders(keys)}))${unowned})`,
      [owner, slot, ...keys, ...known],
    );
    if (affected > 0) this.events.emit('doomed', { owner, pk: keys.join(', '), slot, count: affected });
  }

  #fate({ dialect }: LedgerConnection, retain: number | 'keep'): string {
    if (retain === 'keep') return `state = 'kept'`;
    const time = now[dialect];
    return `state = 'doomed', doomed_at = ${time}, not_before = ${time} + ${Math.max(this.grace, retain)}`;
  }

  /** The slot that has a file, with nulls where nobody knows; undefined for a file that is free to be bound. */
  async holder(
    connection: LedgerConnection,
    file: FileDescriptor,
  ): Promise<{ readonly owner: unknown; readonly pk: unknown; readonly slot: unknown } | undefined> {
    const { rows } = await connection.execute(
      `SELECT owner_type AS owner, owner_pk AS pk, slot FROM file_ledger WHERE state = 'live' AND ${named}`,
      names(file),
    );
    const [found] = rows;
    return found && { owner: found.owner, pk: found.pk, slot: found.slot };
  }

  /** What binding comes to when the file is in a slot already: this very one, or another. False when the row is gone. */
  async #bindTaken(
    transaction: LedgerConnection,
    slot: Slot,
    file: FileDescriptor,
    copies: CopyPolicy,
  ): Promise<boolean> {
    const found = await this.#find(transaction, file);
    if (found.owner === slot.owner && found.pk === slot.pk && found.slot === slot.slot) return true;
    if (found.state === 'pending' || (copies !== 'share' && found.owner === null)) return false;
    if (copies !== 'share') {
      throw new FileFieldError(
        'already_bound',
        `The file belongs to another row or field already (${String(found.owner)}.${String(found.slot)}); stage it anew to give this one a copy.`,
        { field: slot.slot, storage: file.storage, key: file.key },
      );
    }
    await transaction.execute(
      `UPDATE file_ledger SET ${toLive}, owner_type = NULL, owner_pk = NULL, slot = NULL WHERE ${named}`,
      names(file),
    );
    return true;
  }

  async #find(transaction: LedgerConnection, file: FileDescriptor): Promise<Readonly<Record<string, unknown>>> {
    // Without the lock, MariaDB tells what was there when the transaction began, a swept file among it.
    const lock = transaction.dialect === 'mysql' ? ' FOR UPDATE' : '';
    const { rows } = await transaction.execute(
      `SELECT state, owner_type AS owner, owner_pk AS pk, slot FROM file_ledger WHERE ${named}${lock}`,
      names(file),
    );
    if (rows[0]) return rows[0];
    throw new FileFieldError(
      'staged_expired',
      'The staged file expired before its row was saved and has been swept; upload it again, or raise the lease.',
      { storage: file.storage, key: file.key },
    );
  }
}

const names = ({ id, storage, key }: FileDescriptor): readonly string[] => [id, storage, key];
