import type { EntityRef } from '../file/entity.js';
import { duration, type Duration } from '../options.js';
import type { DialectName, Statements } from './dialect.js';
import * as dialects from './dialects/index.js';
import { defaultGrace } from './ledger.js';
import { retentionTime, type FilePolicies, type Retention } from './policies.js';
import type { TriggerColumn } from './trigger-column.js';
import { triggerSteps } from './trigger-steps.js';

/** A file column by plain names, unquoted, with the policies of its field. */
export interface FileTriggerColumn extends FilePolicies {
  /** @default the schema of the connection */
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

/** How the triggers of a file column are made. */
export interface FileTriggerOptions {
  /**
   * How long the bytes of a released file stay. Give the same value as to `attachFiles`: triggers cannot ask the application.
   * @default '10m'
   */
  readonly grace?: Duration;
  /**
   * Also add a generated column `<column>_id` with a foreign key to the ledger. The database then refuses a row that names
   * an unknown file, and refuses to delete the ledger entry of a file that a row has. A field whose `onSoftDelete` releases
   * files gets none, since its soft-deleted rows name files that are gone.
   * @default false
   */
  readonly foreignKey?: boolean;
}

/** The triggers of entities: `FileTriggerOptions`, and which entities. */
export interface EntityTriggerOptions extends FileTriggerOptions {
  /**
   * One entity; only its tables get triggers.
   * @default all entities with file fields
   */
  readonly entity?: EntityRef;
}

/**
 * The statements that make and drop the triggers of one file column, for a migration written in SQL; in a migration of
 * TypeORM or MikroORM call `createFileTriggers` instead. With triggers the ledger sees every write: bulk updates, query
 * builders, raw SQL, other programs. `create` replaces triggers of the same column. The ledger's tables must exist in the
 * same database (on PostgreSQL: on the search path). The statements contain no question marks, which some drivers would
 * take for parameters.
 *
 * @throws `invalid_option` for a duration that is none.
 *
 * @example
 * ```ts
 * import { columnTriggers } from 'filefield';
 *
 * const { create } = columnTriggers('postgres', { table: 'document', column: 'file', onDelete: { retain: '30d' } });
 * console.log(create.join(';\n'));
 * ```
 */
export function columnTriggers(
  dialect: DialectName,
  column: FileTriggerColumn,
  options: FileTriggerOptions = {},
): Statements {
  const database = dialects[dialect];
  const resolved = resolvePolicies(column, duration('grace', options.grace ?? defaultGrace));
  const triggers = database.triggers(resolved, triggerSteps(database, resolved));
  if (!options.foreignKey || resolved.softDelete) return triggers;
  const key = database.foreignKey(resolved);
  return { create: [...key.create, ...triggers.create], drop: [...triggers.drop, ...key.drop] };
}

function resolvePolicies(column: FileTriggerColumn, grace: number): TriggerColumn {
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
