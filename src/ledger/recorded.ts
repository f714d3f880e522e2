import { FileFieldError } from '../errors.js';
import type { FileEvents } from '../events.js';
import type { FileDescriptor } from '../file/descriptor.js';
import type { StorageRegistry } from '../file/registry.js';
import { duration, longestTimer } from '../options.js';
import type { LedgerConnection } from './connection.js';
import { Fence } from './fence.js';
import { Identity } from './identity.js';
import { Intents, type Intent } from './intents.js';
import {
  defaultGrace,
  type BindOptions,
  type Ledger,
  type LedgerEntry,
  type LedgerOptions,
  type ReleaseManyOptions,
  type ReleaseOptions,
} from './ledger.js';
import { ownerTerm, type OwnedColumn, type OwnedSlot } from './owner.js';
import type { CopyPolicy } from './policies.js';
import { join, list, raw, sql, type Sql } from './sql.js';
import * as states from './states.js';

/** Milliseconds that the statements of an upload wait for a connection. */
const patience = 5_000;

/** The ledger in two tables of the application's own database. */
export class RecordedLedger implements Ledger {
  readonly recorded = true;
  readonly lease: number;
  readonly grace: number;
  readonly #intents = new Intents(
    (intents) => record(this.database, intents, this.lease),
    () => this.database.lull?.() ?? Promise.resolve(),
  );

  readonly fence: Fence;
  readonly #identity: Identity;

  constructor(
    readonly database: LedgerConnection,
    storages: StorageRegistry,
    private readonly events: FileEvents,
    options: LedgerOptions = {},
  ) {
    const fence = duration('fence', options.fence ?? '1h');
    this.#identity = new Identity(database);
    this.fence = new Fence(database, this.#identity, storages, events, fence);
    this.lease = duration('lease', options.lease ?? '30m', { from: 1 });
    this.grace = duration('grace', options.grace ?? defaultGrace);
  }

  identity(connection?: LedgerConnection): Promise<string> {
    return this.#identity.get(connection);
  }

  async verify(): Promise<void> {
    await this.#identity.verify();
  }

  async intend(intent: Intent, connection: LedgerConnection = this.database): Promise<boolean> {
    const together = connection === this.database && !connection.personal;
    const recorded = together
      ? await this.#intents.add(intent)
      : (await record(connection, [intent], this.lease)).has(intent.id);
    if (recorded) this.events.emit('intended', { id: intent.id, storage: intent.storage, key: intent.key });
    return recorded;
  }

  async withdraw(id: string, connection: LedgerConnection = this.database): Promise<void> {
    await connection.execute(sql`DELETE FROM file_ledger WHERE id = ${id} AND state = 'pending'`, { patience });
  }

  keepAlive(id: string): () => void {
    const renew = () => this.renew(id).catch((error: unknown) => this.events.emit('fault', error));
    const timer = setInterval(renew, Math.min(this.lease / 3, longestTimer));
    timer.unref();
    return () => clearInterval(timer);
  }

  async renew(id: string): Promise<boolean> {
    const renewal = states.renew(now(this.database), this.lease);
    const { affected } = await this.database.execute(states.update(renewal, sql`id = ${id}`), { patience });
    return affected > 0;
  }

  async abandon(id: string, connection: LedgerConnection = this.database): Promise<void> {
    // A transaction that has bound the file locks its entry, and may be the one that waits for this call.
    const unlocked = raw(connection.dialect.unlocked);
    const entry = sql`SELECT id FROM file_ledger WHERE id = ${id} AND state = 'pending'${unlocked}`;
    const { rows } = await connection.execute(entry, { patience });
    if (rows.length > 0) await connection.execute(states.update(states.abandon, sql`id = ${id}`), { patience });
  }

  async reserve(connection: LedgerConnection, file: FileDescriptor): Promise<void> {
    const reservation = states.reserve(now(connection), this.lease);
    const { affected } = await connection.execute(states.update(reservation, states.isObject(file)));
    if (affected === 0) await find(connection, file);
  }

  async bind(
    transaction: LedgerConnection,
    slot: OwnedSlot,
    file: FileDescriptor,
    { copies = 'forbid', row }: BindOptions = {},
  ): Promise<void> {
    // A released file whose bytes still exist may be bound again: retiring it deletes this very entry, so one of the two wins.
    const terms = slotTerms(transaction, slot);
    const binding = states.bind(terms, file, [terms], copies === 'share');
    const conditions = [states.isObject(file), ...(row ? [row] : [])];
    const { affected } = await transaction.execute(states.update(binding, ...conditions));
    // MariaDB may count the rows that changed instead of those that matched: binding a bound file again changes none.
    if (affected === 0 && !(await bindTaken(transaction, slot, file, copies))) return;
    const { owner, pk, slot: column } = slot;
    this.events.emit('bound', { id: file.id, storage: file.storage, key: file.key, owner, pk, slot: column });
  }

  async adopt(transaction: LedgerConnection, column: OwnedColumn, file: FileDescriptor): Promise<void> {
    const adoption = states.adopt(columnTerms(transaction, column), file);
    const { affected } = await transaction.execute(states.update(adoption, states.isObject(file)));
    if (affected === 0) await find(transaction, file);
    this.events.emit('bound', { id: file.id, storage: file.storage, key: file.key });
  }

  async release(
    transaction: LedgerConnection,
    slot: OwnedSlot,
    { current, known, retain }: ReleaseOptions,
  ): Promise<void> {
    // Two statements: with OR, MariaDB reads a small ledger from end to end, and locks the entries of all other transactions.
    const isOther = sql`id <> ${current ?? ''}`;
    let count = await this.#release(transaction, retain, [states.isSlot(slotTerms(transaction, slot)), isOther]);
    if (known && known !== current) {
      count += await this.#release(transaction, retain, [sql`id = ${known}`, raw('owner_pk IS NULL')]);
    }
    if (count > 0) this.events.emit('released', { owner: slot.owner, pk: slot.pk, slot: slot.slot, count });
  }

  async releaseMany(
    transaction: LedgerConnection,
    column: OwnedColumn,
    { keys, known, retain }: ReleaseManyOptions,
  ): Promise<void> {
    const isColumn = states.isColumn(columnTerms(transaction, column));
    let count = await this.#release(transaction, retain, [isColumn, sql`owner_pk IN (${list(keys)})`]);
    if (known.length > 0) {
      count += await this.#release(transaction, retain, [sql`id IN (${list(known)})`, raw('owner_pk IS NULL')]);
    }
    const { owner, slot } = column;
    if (count > 0) this.events.emit('released', { owner, pk: keys.join(', '), slot, count });
  }

  async #release(transaction: LedgerConnection, retain: number | 'keep', conditions: readonly Sql[]): Promise<number> {
    const released = states.release(now(transaction), retain);
    return (await transaction.execute(states.update(released, ...conditions))).affected;
  }

  async entry(id: string): Promise<LedgerEntry | undefined> {
    const statement = sql`SELECT storage, object_key, state FROM file_ledger WHERE id = ${id}`;
    const { rows } = await this.database.execute(statement, { patience });
    const [entry] = rows;
    return entry && { storage: String(entry.storage), key: String(entry.object_key), state: String(entry.state) };
  }

  async isTaken(connection: LedgerConnection, file: FileDescriptor, slot: OwnedSlot | undefined): Promise<boolean> {
    const { rows } = await connection.execute(
      sql`SELECT ${isMine(connection, slot)} AS mine FROM file_ledger WHERE state = 'live' AND ${states.isObject(file)}`,
    );
    return rows.length > 0 && Number(rows[0]!.mine) === 0;
  }
}

function columnTerms({ dialect }: LedgerConnection, column: OwnedColumn): Omit<states.SlotTerms, 'pk'> {
  return { owner: ownerTerm(dialect.searchPaths, column), slot: column.slot };
}

function slotTerms(connection: LedgerConnection, slot: OwnedSlot): states.SlotTerms {
  return { ...columnTerms(connection, slot), pk: slot.pk };
}

/** 1 for an entry of this slot, 0 for others. */
function isMine(connection: LedgerConnection, slot: OwnedSlot | undefined): Sql {
  return slot ? sql`CASE WHEN ${states.isSlot(slotTerms(connection, slot))} THEN 1 ELSE 0 END` : raw('0');
}

function now({ dialect }: LedgerConnection): Sql {
  return raw(dialect.now);
}

/** Inserts entries and returns the ids of those whose keys were free. */
async function record(
  connection: LedgerConnection,
  intents: readonly Intent[],
  lease: number,
): Promise<ReadonlySet<string>> {
  const time = now(connection);
  const rows = intents.map(
    ({ id, storage, key, ...column }) =>
      sql`(${id}, ${storage}, ${key}, 'pending', ${time} + ${lease}, ${time}, ${columnTerms(connection, column).owner}, ${column.slot})`,
  );
  const columns = raw('file_ledger (id, storage, object_key, state, lease_until, created_at, owner_type, slot)');
  const { affected } = await connection.execute(
    connection.dialect.insertNew(sql`${columns} VALUES ${join(rows, ', ')}`),
    { patience },
  );
  const ids = intents.map(({ id }) => id);
  if (affected === ids.length) return new Set(ids);
  if (affected === 0) return new Set();
  // Some of the keys were taken.
  const { rows: recorded } = await connection.execute(sql`SELECT id FROM file_ledger WHERE id IN (${list(ids)})`);
  return new Set(recorded.map((row) => String(row.id)));
}

/**
 * Handles a bind whose UPDATE matched nothing: the file may be in this slot already, or in another. Returns false if the row
 * no longer exists.
 */
async function bindTaken(
  transaction: LedgerConnection,
  slot: OwnedSlot,
  file: FileDescriptor,
  copies: CopyPolicy,
): Promise<boolean> {
  const entry = await find(transaction, file, slot);
  if (entry.isMine) return true;
  if (entry.state === 'pending' || (copies !== 'share' && entry.pk === null)) return false;
  if (copies !== 'share') {
    throw new FileFieldError(
      'already_bound',
      'The file belongs to another row or field already; stage the stored file again to give this row a copy.',
      { field: slot.slot, storage: file.storage, key: file.key },
    );
  }
  await transaction.execute(states.update(states.share(slotTerms(transaction, slot)), states.isObject(file)));
  return true;
}

async function find(
  transaction: LedgerConnection,
  file: FileDescriptor,
  slot?: OwnedSlot,
): Promise<{ readonly state: unknown; readonly pk: unknown; readonly isMine: boolean }> {
  const latest = raw(transaction.dialect.latest);
  const { rows } = await transaction.execute(
    sql`SELECT state, owner_pk AS pk, ${isMine(transaction, slot)} AS mine FROM file_ledger WHERE ${states.isObject(file)}${latest}`,
  );
  const [entry] = rows;
  if (entry) return { state: entry.state, pk: entry.pk, isMine: Number(entry.mine) === 1 };
  throw new FileFieldError(
    'staged_expired',
    'The ledger has no entry for this file: its lease ended before the row was saved, or it was staged with another database. Stage it again.',
    { storage: file.storage, key: file.key },
  );
}
