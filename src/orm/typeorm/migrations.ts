import type { DataSource, QueryRunner } from 'typeorm';
import { ledgerSchema, ledgerStatements } from '../../ledger/schema.js';
import { columnTriggers, type EntityTriggerOptions, type FileTriggerColumn } from '../../ledger/triggers.js';
import { dialectOf, transactionOf } from './database.js';
import { TypeormEntities } from './entities.js';
import type { FieldColumn } from './entity-values.js';

/**
 * Makes the ledger's tables, upgrades those of an older release, and leaves those of this release as they are: call it with the query runner in the `up` of a migration, or with a data source
 * where there are no migrations.
 *
 * @example
 * ```ts
 * import { createLedger, dropLedger } from 'filefield/typeorm';
 * import type { MigrationInterface, QueryRunner } from 'typeorm';
 *
 * export class Ledger1763000000000 implements MigrationInterface {
 *   up = (runner: QueryRunner) => createLedger(runner);
 *   down = (runner: QueryRunner) => dropLedger(runner);
 * }
 * ```
 */
export async function createLedger(target: QueryRunner | DataSource): Promise<void> {
  if (!('createQueryRunner' in target)) return makeLedger(target);
  const runner = target.createQueryRunner();
  try {
    await makeLedger(runner);
  } finally {
    await runner.release();
  }
}

/** Drops the ledger's tables: for the `down` of that migration. Stored files then have no record; delete them by hand. */
export async function dropLedger(runner: QueryRunner): Promise<void> {
  await runAll(runner, ledgerSchema(dialectOf(runner.manager.connection).name).drop);
}

/**
 * Makes triggers that tell the ledger about every write to file columns: by update(), query builders, raw SQL and other
 * programs too. Call it in the `up` of a migration, after the ledger and the tables. It replaces existing triggers and
 * leaves out columns that the database does not have yet, so the migration that adds one calls it again.
 * WARNING: on SQLite, TypeORM changes a table by copying it, which loses its triggers; call this again after that.
 * WARNING: `foreignKey` adds a generated column, beside which TypeORM's `synchronize` and `migration:generate` fail with "no
 * such table: typeorm_metadata". Use it where migrations are written by hand. Triggers alone do not disturb them.
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
  const dialect = dialectOf(runner.manager.connection).name;
  for (const { trigger, hasKey } of await existingColumns(runner, options)) {
    const foreignKey = (options.foreignKey ?? false) && !hasKey;
    await runAll(runner, columnTriggers(dialect, trigger, { ...options, foreignKey }).create);
  }
}

/** Drops the triggers: for the `down` of that migration, with the same options. */
export async function dropFileTriggers(runner: QueryRunner, options: EntityTriggerOptions = {}): Promise<void> {
  const dialect = dialectOf(runner.manager.connection).name;
  for (const { trigger, hasKey } of await existingColumns(runner, options)) {
    const foreignKey = (options.foreignKey ?? false) && hasKey;
    await runAll(runner, columnTriggers(dialect, trigger, { ...options, foreignKey }).drop);
  }
}

async function makeLedger(runner: QueryRunner): Promise<void> {
  await runAll(runner, await ledgerStatements(transactionOf(runner, dialectOf(runner.manager.connection))));
}

async function runAll(runner: QueryRunner, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await runner.query(statement);
}

interface ExistingColumn {
  readonly trigger: FileTriggerColumn;
  /** Whether the table has the generated column of the foreign key. */
  readonly hasKey: boolean;
}

async function existingColumns(runner: QueryRunner, options: EntityTriggerOptions): Promise<ExistingColumn[]> {
  const existing: ExistingColumn[] = [];
  for (const fieldColumn of columnsOf(runner, options)) {
    const { entityMetadata, databaseName } = fieldColumn.column;
    const { tablePath } = entityMetadata;
    if (!(await runner.hasColumn(tablePath, databaseName))) continue;
    const hasKey = await runner.hasColumn(tablePath, `${databaseName}_id`);
    existing.push({ trigger: triggerColumn(fieldColumn), hasKey });
  }
  return existing;
}

/** Each column once, where entities share a table. */
function columnsOf(runner: QueryRunner, { entity }: EntityTriggerOptions): readonly FieldColumn[] {
  const entities = new TypeormEntities(runner.manager.connection);
  const columns = new Map<string, FieldColumn>();
  for (const fieldColumn of entity ? entities.columnsOf(entity) : entities.all) {
    const { table, column } = fieldColumn.field.reference;
    const name = `${table}.${column}`;
    if (!columns.has(name)) columns.set(name, fieldColumn);
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
