import type { FileDescriptor } from '../file/descriptor.js';
import type { LedgerConnection } from './connection.js';
import type { FileReference } from './file-reference.js';
import { ownerTerm, type OwnedColumn } from './owner.js';
import { join, list, raw, sql } from './sql.js';

/** What the ledger knows of an object that a row is to adopt. */
export interface TakenObject {
  /** The id of the entry. */
  readonly id: string;
  /** Primary key of the row that has or had it, if it is of the column that was asked for. */
  readonly pk: string | undefined;
  /** True if an adoption by this row was begun, and may have been killed before the row was written. */
  readonly isBegun: boolean;
  /** True if the object is being deleted. */
  readonly inTrash: boolean;
}

/** The adopter of an object to which the paths of several rows lead: nobody deletes it. */
const nobody = '';

/**
 * Records objects in their places as the live files of rows, before the rows are written. No sweep deletes the objects
 * before `claim`. Resolves to the ids of those that the ledger did not have.
 */
export async function recordAdopted(
  transaction: LedgerConnection,
  column: OwnedColumn,
  files: readonly { readonly pk: string; readonly descriptor: FileDescriptor }[],
): Promise<ReadonlySet<string>> {
  if (files.length === 0) return new Set();
  const { dialect } = transaction;
  const columns = raw(
    'file_ledger (id, storage, object_key, state, size, checksum, created_at, owner_type, owner_pk, slot)',
  );
  // Asked once: PostgreSQL looks a table up in its catalogue for 3 ms.
  const [found] = (await transaction.execute(sql`SELECT ${ownerTerm(dialect.searchPaths, column)} AS owner`)).rows;
  const owner = found?.owner;
  const entries = files.map(
    ({ pk, descriptor: { id, storage, key, size, sha256 } }) =>
      sql`(${id}, ${storage}, ${key}, 'live', ${size}, ${sha256 ?? null}, ${raw(dialect.now)}, ${owner}, ${pk}, ${column.slot})`,
  );
  const insert = dialect.insertNew(sql`${columns} VALUES ${join(entries, ', ')}`);
  const { affected } = await transaction.execute(insert);
  const ids = files.map(({ descriptor }) => descriptor.id);
  if (affected === ids.length) return new Set(ids);
  const { rows } = await transaction.execute(sql`SELECT id FROM file_ledger WHERE id IN (${list(ids)})`);
  return new Set(rows.map((row) => String(row.id)));
}

/**
 * Takes back what `recordAdopted` has recorded: the row got another file meanwhile. The object stays, and so does the entry
 * if another adoption of the same row went on with it.
 */
export async function withdrawAdopted(
  connection: LedgerConnection,
  { table, column, keys = [] }: FileReference,
  key: readonly unknown[],
  id: string,
): Promise<void> {
  const isRow = keys.map((name, index) => sql`${raw(name)} = ${key[index]}`);
  const isHeld = sql`${raw(connection.dialect.readableText(column, 'id'))} = ${id}`;
  const row = sql`SELECT 1 FROM ${raw(table)} WHERE ${join([...isRow, isHeld], ' AND ')}`;
  await connection.execute(sql`DELETE FROM file_ledger WHERE id = ${id} AND NOT EXISTS (${row})`);
}

/** Lets the ledger of this identity delete objects that it has adopted, once their rows are gone. */
export async function claim(connection: LedgerConnection, ids: readonly string[], identity: string): Promise<void> {
  if (ids.length === 0) return;
  await connection.execute(
    sql`UPDATE file_ledger SET adopter = ${identity} WHERE adopter IS NULL AND id IN (${list(ids)})`,
  );
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
    sql`SELECT id, object_key AS object_key, state, adopter, ${owner} AS pk FROM file_ledger WHERE ${isWanted}${raw(dialect.latest)}`,
  );
  for (const { id, object_key: key, state, adopter, pk } of entries.rows) {
    const isBegun = state === 'live' && (adopter === null || adopter === nobody);
    taken.set(String(key), { id: String(id), pk: typeof pk === 'string' ? pk : undefined, isBegun, inTrash: false });
  }
  const trash = await connection.execute(
    sql`SELECT id, object_key AS object_key FROM file_trash WHERE ${isWanted}${raw(dialect.latest)}`,
  );
  for (const { id, object_key: key } of trash.rows) {
    if (!taken.has(String(key)))
      taken.set(String(key), { id: String(id), pk: undefined, isBegun: false, inTrash: true });
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
      sql`UPDATE ${raw(table)} SET adopter = ${nobody} WHERE storage IN (${list(names)}) AND object_key IN (${list(keys)})`,
    );
  }
}
