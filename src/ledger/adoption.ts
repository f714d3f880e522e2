import type { FileDescriptor } from '../file/descriptor.js';
import type { LedgerConnection } from './connection.js';
import { ownerTerm, type OwnedColumn, type OwnedSlot } from './owner.js';
import { list, raw, sql } from './sql.js';

/** What the ledger knows of an object that a row is to adopt. */
export interface TakenObject {
  /** The id of the entry. */
  readonly id: string;
  /** Primary key of the row that has or had it, if it is of the column that was asked for. */
  readonly pk: string | undefined;
  /** True if the object is being deleted. */
  readonly inTrash: boolean;
}

/**
 * Records an object in its place as the live file of a slot, in the transaction that also writes the row. `adopter` is the
 * identity of the ledger if it may delete the object, null if not. Resolves to false, and records nothing, if the ledger has
 * the object already.
 */
export async function recordAdopted(
  transaction: LedgerConnection,
  slot: OwnedSlot,
  { id, storage, key, size, sha256 }: FileDescriptor,
  adopter: string | null,
): Promise<boolean> {
  const { dialect } = transaction;
  const columns = raw(
    'file_ledger (id, storage, object_key, state, size, checksum, created_at, owner_type, owner_pk, slot, adopter)',
  );
  const owner = ownerTerm(dialect.searchPaths, slot);
  const entry = sql`${columns} VALUES (${id}, ${storage}, ${key}, 'live', ${size}, ${sha256 ?? null}, ${raw(dialect.now)}, ${owner}, ${slot.pk}, ${slot.slot}, ${adopter})`;
  return (await transaction.execute(dialect.insertNew(entry))).affected > 0;
}

/** Takes back what `recordAdopted` has recorded: the row got a file meanwhile. The object stays. */
export async function withdrawAdopted(transaction: LedgerConnection, id: string): Promise<void> {
  await transaction.execute(sql`DELETE FROM file_ledger WHERE id = ${id}`);
}

/**
 * What the ledger has of these objects, by key, under any of these names of their storage. The ledger is asked before the
 * trash: an object is in the trash before it leaves the ledger.
 */
export async function takenObjects(
  connection: LedgerConnection,
  names: readonly string[],
  column: OwnedColumn,
  keys: readonly string[],
): Promise<ReadonlyMap<string, TakenObject>> {
  const taken = new Map<string, TakenObject>();
  if (keys.length === 0) return taken;
  const { dialect } = connection;
  const isWanted = sql`storage IN (${list(names)}) AND object_key IN (${list(keys)})`;
  const owner = sql`CASE WHEN owner_type = ${ownerTerm(dialect.searchPaths, column)} AND slot = ${column.slot} THEN owner_pk END`;
  const entries = await connection.execute(
    sql`SELECT id, object_key AS object_key, ${owner} AS pk FROM file_ledger WHERE ${isWanted}${raw(dialect.latest)}`,
  );
  for (const { id, object_key: key, pk } of entries.rows) {
    taken.set(String(key), { id: String(id), pk: typeof pk === 'string' ? pk : undefined, inTrash: false });
  }
  const trash = await connection.execute(
    sql`SELECT id, object_key AS object_key FROM file_trash WHERE ${isWanted}${raw(dialect.latest)}`,
  );
  for (const { id, object_key: key } of trash.rows) {
    if (!taken.has(String(key))) taken.set(String(key), { id: String(id), pk: undefined, inTrash: true });
  }
  return taken;
}

/** Keeps sweeps from deleting adopted objects to which the paths of other rows lead, too. */
export async function unclaim(
  connection: LedgerConnection,
  names: readonly string[],
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  for (const table of ['file_ledger', 'file_trash']) {
    await connection.execute(
      sql`UPDATE ${raw(table)} SET adopter = NULL WHERE adopter IS NOT NULL AND storage IN (${list(names)}) AND object_key IN (${list(keys)})`,
    );
  }
}
