import type { Dialect } from './dialect.js';
import { columnForeignKey } from './foreign-key.js';
import { defaultGrace } from './ledger.js';
import type { TriggerColumn } from './trigger-names.js';
import { columnTriggers, type Statements } from './triggers.js';
import { duration, type Duration } from '../options.js';
import { retentionTime, type FilePolicies, type Retention } from './policies.js';

/** A file column in plain names, unquoted, with the options of its field that say what becomes of old files. */
export interface FileTriggerColumn extends FilePolicies {
  /** @default that of the connection */
  readonly schema?: string | undefined;
  readonly table: string;
  readonly column: string;
  /**
   * Columns of the primary key, in the order in which the entity declares them.
   * @default ['id']
   */
  readonly primaryKey?: readonly string[];
  /** The column that is null unless the row is soft-deleted. */
  readonly deletedColumn?: string | undefined;
}

export interface FileTriggerOptions {
  /**
   * How long the bytes of a file stay that its row let go of; say the same as `attachFiles` is told.
   * @default 600_000 (10 minutes)
   */
  readonly grace?: Duration;
  /**
   * Also add a generated column `<column>_id` with a foreign key to the ledger: the database refuses a row that names an
   * unknown file, and refuses to forget a file that a row has. A field whose `onSoftDelete` lets files go gets none: its
   * soft-deleted rows name files that are gone.
   * @default false
   */
  readonly foreignKey?: boolean;
}

/**
 * The statements that make and remove the triggers of one file column, for a migration in SQL. With them the ledger sees
 * every write: bulk updates, query builders, raw SQL, other programs. `create` replaces triggers of the same column; the
 * ledger's tables must be there, in the same database (PostgreSQL: on the search path).
 *
 * @example
 * ```ts
 * import { fileTriggers } from 'filefield';
 *
 * const { create } = fileTriggers('postgres', { table: 'document', column: 'file', onDelete: { retain: '30d' } });
 * console.log(create.join(';\n'));
 * ```
 */
export function fileTriggers(
  dialect: Dialect,
  column: FileTriggerColumn,
  options: FileTriggerOptions = {},
): Statements {
  const resolved = resolve(column, duration('grace', options.grace ?? defaultGrace));
  const triggers = columnTriggers(dialect, resolved);
  if (!options.foreignKey || resolved.softDelete) return triggers;
  const key = columnForeignKey(dialect, resolved);
  return { create: [...key.create, ...triggers.create], drop: [...triggers.drop, ...key.drop] };
}

function resolve(column: FileTriggerColumn, grace: number): TriggerColumn {
  const { schema, table, deletedColumn, onSoftDelete = 'keep' } = column;
  const milliseconds = (policy: Retention | undefined) => retentionTime(policy, grace);
  return {
    schema,
    table,
    column: column.column,
    primaryKey: column.primaryKey ?? ['id'],
    onReplace: milliseconds(column.onReplace),
    onDelete: milliseconds(column.onDelete),
    copies: column.copies ?? 'forbid',
    // A soft-deleted row that keeps its file has not let go of it.
    ...(deletedColumn !== undefined &&
      onSoftDelete !== 'keep' && { softDelete: { column: deletedColumn, retain: milliseconds(onSoftDelete) } }),
  };
}
