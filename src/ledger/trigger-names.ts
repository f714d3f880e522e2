import type { CopyPolicy } from './policies.js';
import { createHash } from 'node:crypto';
import type { Dialect } from './dialect.js';

/** One file column in plain names, and what becomes of the files it lets go of. */
export interface TriggerColumn {
  readonly schema?: string | undefined;
  readonly table: string;
  readonly column: string;
  /** Columns, in the order of the entity's metadata. */
  readonly primaryKey: readonly string[];
  /** Milliseconds that a replaced file stays, or kept for ever. */
  readonly onReplace: number | 'keep';
  readonly onDelete: number | 'keep';
  /** Where soft-deleted rows let go of their files: the column that says when, and what becomes of them. */
  readonly softDelete?: { readonly column: string; readonly retain: number | 'keep' } | undefined;
  readonly copies: CopyPolicy;
}

export function quoted(dialect: Dialect, name: string): string {
  return dialect === 'mysql' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** What the ledger calls the table: the same as the ORMs' hooks do. */
export function ownerOf({ schema, table }: TriggerColumn): string {
  return schema === undefined ? table : `${schema}.${table}`;
}

/** `"schema".`, or nothing. */
export function schemaPrefix(dialect: Dialect, { schema }: TriggerColumn): string {
  return schema === undefined ? '' : `${quoted(dialect, schema)}.`;
}

export function tableName(dialect: Dialect, column: TriggerColumn): string {
  return schemaPrefix(dialect, column) + quoted(dialect, column.table);
}

/**
 * A name for what belongs to a column, the same every time, that no other column has and that every database takes:
 * PostgreSQL cuts names after 63 characters, MariaDB refuses them after 64.
 */
export function nameFor(column: TriggerColumn, suffix: string): string {
  const owner = ownerOf(column);
  const hash = createHash('sha256')
    .update(JSON.stringify([owner, column.column]))
    .digest('hex')
    .slice(0, 8);
  const readable = `${column.table}_${column.column}`.replace(/\W/g, '_').slice(0, 36);
  return `filefield_${readable}_${hash}_${suffix}`;
}
