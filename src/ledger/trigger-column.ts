import { createHash } from 'node:crypto';
import type { CopyPolicy } from './policies.js';

/** A column by plain names, unquoted. */
export interface ColumnName {
  readonly schema?: string | undefined;
  readonly table: string;
  readonly column: string;
}

/** One file column by plain names, with its policies resolved to milliseconds. */
export interface TriggerColumn extends ColumnName {
  /** Columns of the primary key, in the order of the entity's metadata. */
  readonly primaryKey: readonly string[];
  /** Milliseconds that a replaced file is kept, or `'keep'` for ever. */
  readonly onReplace: number | 'keep';
  readonly onDelete: number | 'keep';
  /** Set where soft-deleted rows release their files: the column with the time of the soft delete, and the delay. */
  readonly softDelete?: { readonly column: string; readonly retain: number | 'keep' } | undefined;
  readonly copies: CopyPolicy;
}

/** What the ledger calls the table: the same name as the ORMs' hooks use. */
export function ownerOf({ schema, table }: ColumnName): string {
  return schema === undefined ? table : `${schema}.${table}`;
}

/**
 * A name for a trigger, function or index of a column: the same every time, different for every column, and short
 * enough for every database (PostgreSQL cuts names after 63 characters, MariaDB refuses them after 64).
 */
export function objectName(column: ColumnName, suffix: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([ownerOf(column), column.column]))
    .digest('hex')
    .slice(0, 8);
  const readable = `${column.table}_${column.column}`.replace(/\W/g, '_').slice(0, 36);
  return `filefield_${readable}_${hash}_${suffix}`;
}
