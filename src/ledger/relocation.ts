import type { ObjectName } from '../events.js';
import { FileFieldError } from '../errors.js';
import { parseDescriptor, type FileDescriptor } from '../file/descriptor.js';
import type { LedgerConnection } from './connection.js';
import type { FileReference } from './file-reference.js';
import { any, join, list, raw, sql, type Sql } from './sql.js';
import * as states from './states.js';

/** A row that has a file. */
export interface HoldingRow {
  readonly reference: FileReference;
  /** The primary key as the driver gives it; undefined where it cannot be compared. */
  readonly key: readonly unknown[] | undefined;
  /** Undefined where the cell cannot be read. */
  readonly descriptor: FileDescriptor | undefined;
  /** Assignments that keep the columns which the database would set to the time of every update. */
  readonly unchanged: string;
}

/** The rows among these columns that have one of these files, by the id of the file. One query per column. */
export async function holdingRows(
  database: LedgerConnection,
  columns: readonly FileReference[],
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly HoldingRow[]>> {
  const found = new Map<string, HoldingRow[]>();
  for (const reference of ids.length > 0 ? columns : []) {
    const { table, column, counts, keys = [] } = reference;
    const id = idOf(database, reference);
    const names = keys.map((key, index) => `, ${key} AS k${index}`).join('');
    const conditions = [sql`${id} IN (${list(ids)})`, ...(counts ? [raw(counts)] : [])];
    const unchanged = await unchangedColumns(database, reference);
    const { rows } = await database.execute(
      sql`SELECT ${id} AS member, ${raw(column)} AS descriptor${raw(names)} FROM ${raw(table)} WHERE ${join(conditions, ' AND ')}`,
      { unfiltered: true },
    );
    for (const row of rows) {
      const key = keys.map((_, index) => row[`k${index}`]);
      const member = String(row.member);
      const isComparable = key.length > 0 && key.every((part) => ['string', 'number', 'bigint'].includes(typeof part));
      found.set(member, [
        ...(found.get(member) ?? []),
        { reference, key: isComparable ? key : undefined, descriptor: readable(row.descriptor), unchanged },
      ]);
    }
  }
  return found;
}

/** A file that has got another object. */
export interface Relocation {
  readonly from: ObjectName;
  /** What is another in the descriptor of each row. */
  readonly to: ObjectName & Partial<FileDescriptor>;
  /** Rows that had the file when it was last looked at. */
  readonly rows: readonly HoldingRow[];
  /** Milliseconds that the old bytes stay. */
  readonly retain: number;
}

/**
 * Gives the rows of a file another object, its entry the owner of the old one, and releases the old one. Resolves to false if
 * no row has the file any more: then nothing was changed. In a transaction all of it is one change. Without one, a crash in
 * between loses nothing: a sweep deletes neither object while a row names it.
 */
export async function relocate(connection: LedgerConnection, { from, to, rows, retain }: Relocation): Promise<boolean> {
  let changed = 0;
  for (const row of rows) changed += await updateRow(connection, row, from, to);
  if (changed === 0) return false;
  const { dialect } = connection;
  const old = sql`SELECT owner_type AS owner, owner_pk AS pk, slot FROM file_ledger WHERE id = ${from.id}${raw(dialect.latest)}`;
  const { owner = null, pk = null, slot = null } = (await connection.execute(old)).rows[0] ?? {};
  const facts = { size: to.size ?? null, sha256: to.sha256 };
  await connection.execute(states.update(states.inherit({ owner, pk, slot }, facts), states.isObject(to)));
  const entry = sql`SELECT state FROM file_ledger WHERE ${states.isObject(to)}${raw(dialect.latest)}`;
  if ((await connection.execute(entry)).rows[0]?.state !== 'live') {
    const message = 'The lease of a file that was moved ended before its row was changed; raise the option "lease".';
    throw new FileFieldError('staged_expired', message, { storage: to.storage, key: to.key });
  }
  // Whatever the policy of the field is: the bytes are those of the new object.
  const released = states.release(raw(dialect.now), retain, raw(`state <> 'pending'`));
  await connection.execute(states.update(released, sql`id = ${from.id}`));
  return true;
}

/** Resolves to the number of rows, 0 if the row got another file. */
async function updateRow(
  connection: LedgerConnection,
  { reference, key, descriptor, unchanged }: HoldingRow,
  from: ObjectName,
  to: Relocation['to'],
): Promise<number> {
  if (!descriptor) return 0;
  const { table, column, keys = [] } = reference;
  const set = sql`${raw(column)} = ${JSON.stringify({ ...descriptor, ...to })}${raw(unchanged)}`;
  const isHeld = sql`${idOf(connection, reference)} = ${from.id}`;
  const isRow = key?.map((part, index) => sql`${raw(keys[index]!)} = ${part}`);
  if (isRow) {
    const where = join([...isRow, isHeld], ' AND ');
    const { affected } = await connection.execute(sql`UPDATE ${raw(table)} SET ${set} WHERE ${where}`);
    if (affected > 0) return affected;
  }
  // The driver may give a key that the database does not compare as equal, such as a large number.
  return (await connection.execute(sql`UPDATE ${raw(table)} SET ${set} WHERE ${isHeld}`)).affected;
}

/** Assignments that keep the columns which the database would set to the time of every update; empty if there are none. */
export async function unchangedColumns(database: LedgerConnection, { name }: FileReference): Promise<string> {
  const { dialect } = database;
  if (!dialect.selfUpdating || !name) return '';
  const { rows } = await database.execute(dialect.selfUpdating(name));
  return rows.map((row) => dialect.quote(String(row.name))).reduce((text, one) => `${text}, ${one} = ${one}`, '');
}

function idOf({ dialect }: LedgerConnection, { column, idColumn }: FileReference): Sql {
  return raw(idColumn ?? dialect.readableText(column, 'id'));
}

function readable(cell: unknown): FileDescriptor | undefined {
  try {
    return parseDescriptor(cell);
  } catch {
    return undefined;
  }
}

/** A row without a file, and the one that it is to get. */
export interface EmptyRow {
  /** The primary key as the driver gives it. */
  readonly key: readonly unknown[];
  readonly file: FileDescriptor;
}

/**
 * Gives rows their files in one statement, all or none of them. Resolves to false, and changes nothing, if one of the rows
 * has a file or is gone. MySQL reads a table that it updates only as a derived one, which LIMIT keeps from being merged.
 */
export async function fillRows(
  connection: LedgerConnection,
  { table, column, keys = [] }: FileReference,
  rows: readonly EmptyRow[],
  unchanged: string,
): Promise<boolean> {
  if (rows.length === 0) return true;
  const isRow = ({ key }: EmptyRow) =>
    join(
      keys.map((name, index) => sql`${raw(name)} = ${key[index]}`),
      ' AND ',
    );
  // A list is found by the index of the key also where the planner has no statistics.
  const [key] = keys;
  const isAmong =
    key !== undefined && keys.length === 1
      ? sql`${raw(key)} IN (${list(rows.map((row) => row.key[0]))})`
      : any(rows.map(isRow));
  const isWanted = sql`${raw(column)} IS NULL AND ${isAmong}`;
  const files = rows.map((row) => sql`WHEN ${isRow(row)} THEN ${JSON.stringify(row.file)}`);
  // The column tells PostgreSQL the type of the parameters.
  const set = sql`${raw(column)} = CASE ${join(files, ' ')} ELSE ${raw(column)} END${raw(unchanged)}`;
  const free = sql`SELECT COUNT(*) FROM (SELECT 1 AS one FROM ${raw(table)} WHERE ${isWanted} LIMIT ${rows.length}) AS free`;
  const statement = sql`UPDATE ${raw(table)} SET ${set} WHERE ${isWanted} AND (${free}) = ${rows.length}`;
  return (await connection.execute(statement)).affected > 0;
}
