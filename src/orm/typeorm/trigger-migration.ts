import type { QueryRunner } from 'typeorm';
import type { EntityRef } from '../../file/entity.js';
import { fileTriggers, type FileTriggerColumn, type FileTriggerOptions } from '../../ledger/file-triggers.js';
import { dialectOf } from './database.js';
import { TypeormEntities } from './entities.js';
import type { FieldColumn } from './entity-values.js';

/** Whose triggers, and what kind. */
export interface EntityTriggerOptions extends FileTriggerOptions {
  /**
   * One entity; its table only.
   * @default all entities with file fields
   */
  readonly entity?: EntityRef;
}

/**
 * Makes triggers that tell the ledger of every write to file columns, by update(), query builders, raw SQL and other
 * programs too: call it in the `up` of a migration, after the ledger and the tables. It replaces what is there and leaves
 * out columns that the database does not have yet, so the migration that adds one calls it again.
 * WARNING: on SQLite, TypeORM changes a table by copying it, which loses its triggers; call this again after that.
 *
 * @example
 * ```ts
 * import { createFileTriggers, dropFileTriggers } from 'filefield/typeorm';
 * import type { MigrationInterface, QueryRunner } from 'typeorm';
 *
 * export class FileTriggers1763000002000 implements MigrationInterface {
 *   up = (runner: QueryRunner) => createFileTriggers(runner);
 *   down = (runner: QueryRunner) => dropFileTriggers(runner);
 * }
 * ```
 */
export async function createFileTriggers(runner: QueryRunner, options: EntityTriggerOptions = {}): Promise<void> {
  const dialect = dialectOf(runner.manager.connection);
  for (const found of columnsOf(runner, options)) {
    const { tablePath } = found.column.entityMetadata;
    const name = found.column.databaseName;
    if (!(await runner.hasColumn(tablePath, name))) continue;
    const foreignKey = (options.foreignKey ?? false) && !(await runner.hasColumn(tablePath, `${name}_id`));
    const { create } = fileTriggers(dialect, triggerColumn(found), { ...options, foreignKey });
    for (const sql of create) await runner.query(sql);
  }
}

/** Removes them: for the `down` of that migration, with the same options. */
export async function dropFileTriggers(runner: QueryRunner, options: EntityTriggerOptions = {}): Promise<void> {
  const dialect = dialectOf(runner.manager.connection);
  for (const found of columnsOf(runner, options)) {
    const { tablePath } = found.column.entityMetadata;
    const name = found.column.databaseName;
    if (!(await runner.hasColumn(tablePath, name))) continue;
    const foreignKey = (options.foreignKey ?? false) && (await runner.hasColumn(tablePath, `${name}_id`));
    const { drop } = fileTriggers(dialect, triggerColumn(found), { ...options, foreignKey });
    for (const sql of drop) await runner.query(sql);
  }
}

/** Each column once, where entities share a table. */
function columnsOf(runner: QueryRunner, { entity }: EntityTriggerOptions): readonly FieldColumn[] {
  const entities = new TypeormEntities(runner.manager.connection);
  const columns = new Map<string, FieldColumn>();
  for (const found of entity ? entities.of(entity) : entities.all) {
    const { table, column } = found.field.reference;
    const name = `${table}.${column}`;
    if (!columns.has(name)) columns.set(name, found);
  }
  return [...columns.values()];
}

function triggerColumn({ column, field }: FieldColumn): FileTriggerColumn {
  const metadata = column.entityMetadata;
  const path = metadata.tablePath.split('.');
  const table = path.pop() ?? metadata.tableName;
  return {
    ...field.options,
    ...(path.length > 0 && { schema: path.join('.') }),
    table,
    column: column.databaseName,
    primaryKey: metadata.primaryColumns.map(({ databaseName }) => databaseName),
    deletedColumn: metadata.deleteDateColumn?.databaseName,
  };
}
