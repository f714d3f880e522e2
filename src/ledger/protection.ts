import type { EntityRef } from '../file/entity.js';
import { duration, type Duration } from '../options.js';
import type { DialectName, Statements } from './dialect.js';
import * as dialects from './dialects/index.js';
import { defaultGrace } from './ledger.js';
import { retentionTime, type FilePolicies, type Retention } from './policies.js';
import type { TriggerColumn } from './trigger-column.js';
import { triggerSteps } from './trigger-steps.js';

/** A file column by plain names, unquoted, with the policies of its field. */
export interface ProtectedColumn extends FilePolicies {
  /**
   * PostgreSQL: give it where the table is not in the schema of the ledger, since guards of tables in two schemas need two names.
   * @default the schema that the search path finds
   */
  readonly schema?: string | undefined;
  /** Name of the table. */
  readonly table: string;
  /** Name of the column that holds the descriptor. */
  readonly column: string;
  /**
   * Columns of the primary key, in the order in which the entity declares them.
   * @default ['id']
   */
  readonly primaryKey?: readonly string[];
  /**
   * The column that is null unless the row is soft-deleted. `onSoftDelete` has no effect without it.
   * @default none
   */
  readonly deletedColumn?: string | undefined;
}

/** How a file column is protected. */
export interface ProtectionOptions {
  /**
   * How long the bytes of a released file stay. Give the same value as to `attachFiles`: triggers cannot ask the application.
   * @default '10m'
   */
  readonly grace?: Duration;
  /**
   * Make the index on PostgreSQL with CREATE INDEX CONCURRENTLY, for a table that many write to. It cannot run in a
   * transaction: turn off the one of the migration. MariaDB and MySQL always leave the table writable.
   * @default false
   */
  readonly online?: boolean;
}

/** How entities are protected, and which. */
export interface EntityProtectionOptions extends ProtectionOptions {
  /**
   * One entity; only its tables are protected.
   * @default all entities with file fields
   */
  readonly entity?: EntityRef;
}

/**
 * The statements that protect one file column and those that undo it, for a migration written in SQL; in a migration of
 * TypeORM or MikroORM call `protectFiles` instead. They make an index on the ids of the files, which sweeps use; three
 * triggers, by which the ledger sees every write: bulk updates, query builders, raw SQL, other programs; and, except on
 * SQLite, a guard, by which the database refuses to delete the ledger entry of a file that a row has. `create` replaces the
 * triggers and the guard of the same column. The ledger's tables must exist in the same database (on PostgreSQL: on the
 * search path). The statements contain no question marks, which some drivers would take for parameters.
 *
 * @throws `invalid_option` for a duration that is none.
 *
 * @example
 * ```ts
 * import { columnProtection } from 'filefield';
 *
 * const { create } = columnProtection('postgres', { table: 'document', column: 'file', onDelete: { retain: '30d' } });
 * console.log(create.join(';\n'));
 * ```
 */
export function columnProtection(
  dialect: DialectName,
  column: ProtectedColumn,
  options: ProtectionOptions = {},
): Statements {
  return missingProtection(dialect, column, options);
}

/** The same without what the catalogue has already, and without dropping what it does not have. */
export function missingProtection(
  dialect: DialectName,
  column: ProtectedColumn,
  options: ProtectionOptions,
  existing?: ReadonlySet<string>,
): Statements {
  const database = dialects[dialect];
  const resolved = resolvePolicies(column, duration('grace', options.grace ?? defaultGrace));
  const steps = triggerSteps(database, resolved);
  const triggers = database.triggers(resolved, steps);
  const guard = database.guard?.(resolved, steps) ?? { create: [], drop: [] };
  const index = database.index(resolved, options.online ?? false);
  const missing = index.filter(({ name }) => !existing?.has(name));
  const droppable = index.filter(({ name }) => existing?.has(name) ?? true);
  return {
    create: [...missing.flatMap(({ create }) => create), ...triggers.create, ...guard.create],
    drop: [...guard.drop, ...triggers.drop, ...droppable.flatMap(({ drop }) => drop ?? [])],
  };
}

function resolvePolicies(column: ProtectedColumn, grace: number): TriggerColumn {
  const { schema, table, deletedColumn, onSoftDelete = 'keep' } = column;
  const delay = (policy: Retention | undefined) => retentionTime(policy, grace);
  return {
    schema,
    table,
    column: column.column,
    primaryKey: column.primaryKey ?? ['id'],
    onReplace: delay(column.onReplace),
    onDelete: delay(column.onDelete),
    copies: column.copies ?? 'forbid',
    // A soft-deleted row that keeps its file has not released it.
    ...(deletedColumn !== undefined &&
      onSoftDelete !== 'keep' && { softDelete: { column: deletedColumn, retain: delay(onSoftDelete) } }),
  };
}
