import type { OwnedColumn } from './owner.js';
import { join, raw, sql, type Sql } from './sql.js';
import type { ColumnName } from './trigger-column.js';

/** A file column of a table: the rows tell which files are referred to. */
export interface FileReference extends OwnedColumn {
  /** Table as SQL wants it, quoted; with its schema unless a search path finds it. */
  readonly table: string;
  /** Column as SQL wants it, quoted. */
  readonly column: string;
  /** Table and column by their plain names; without them, neither protection nor a generated column is looked for. */
  readonly name?: ColumnName;
  /** The generated column with the id, quoted, where the database has one: found by `readable`. */
  readonly idColumn?: string;
  /** The columns of the primary key, quoted; absent where the database holds other values than the entity. */
  readonly keys?: readonly string[];
  /** Condition of the rows whose files count as referred to, where soft-deleted rows release their files. */
  readonly counts?: string;
}

/** The text under which the ledger keeps a primary key: the value, or a JSON array of the parts of a composite key. */
export function ownerKey(parts: readonly unknown[]): string {
  return parts.length === 1 ? String(parts[0]) : JSON.stringify(parts.map(String));
}

/**
 * A condition that holds while a row exists, since an UPDATE of a row that another transaction has deleted is no error.
 * Undefined where the key is not one that every driver compares as it is.
 */
export function rowExists({ table, keys }: FileReference, key: readonly unknown[]): Sql | undefined {
  if (!keys || keys.length !== key.length) return undefined;
  if (!key.every((part) => ['string', 'number', 'bigint'].includes(typeof part))) return undefined;
  const conditions = keys.map((column, index) => sql`${raw(column)} = ${key[index]}`);
  return sql`EXISTS (SELECT 1 FROM ${raw(table)} WHERE ${join(conditions, ' AND ')})`;
}
