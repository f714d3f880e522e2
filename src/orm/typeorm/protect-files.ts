import type { DataSource, QueryRunner } from 'typeorm';
import { existingProtection, locatedColumns } from '../../ledger/catalog.js';
import type { Statements } from '../../ledger/dialect.js';
import { missingProtection, type EntityProtectionOptions, type ProtectedColumn } from '../../ledger/protection.js';
import type { FileReference } from '../../ledger/file-reference.js';
import { dialectOf, transactionOf } from './database.js';
import { TypeormEntities } from './entities.js';
import type { FieldColumn } from './entity-values.js';
import { forgetGenerated, recordGenerated } from './internals.js';
import { runAll, withRunner } from './migrations.js';

/**
 * Protects file columns: three triggers per column tell the ledger about every write, by update(), query builders, raw SQL
 * and other programs too; a guard refuses to delete the ledger entry of a file that a row has (not on SQLite); an index on
 * the ids of the files makes sweeps fast. Call it in the `up` of a migration, after the ledger and the tables, or with a
 * data source where there are no migrations. It replaces what exists and leaves out columns that the database does not have
 * yet, so the migration that adds one calls it again. Put `withFiles` around the data source, so that TypeORM's schema tools
 * leave its objects alone.
 * WARNING: on SQLite, TypeORM changes a table by copying it, which loses its triggers; call this again after that.
 *
 * @example
 * ```ts
 * import { protectFiles, unprotectFiles } from 'filefield/typeorm';
 * import type { MigrationInterface, QueryRunner } from 'typeorm';
 *
 * export class ProtectFiles1763000002000 implements MigrationInterface {
 *   up = (runner: QueryRunner) => protectFiles(runner);
 *   down = (runner: QueryRunner) => unprotectFiles(runner);
 * }
 * ```
 */
export async function protectFiles(
  target: QueryRunner | DataSource,
  options: EntityProtectionOptions = {},
): Promise<void> {
  await withRunner(target, async (runner) => {
    for (const { statements, column } of await plan(runner, options)) {
      await runAll(runner, statements.create);
      await recordGenerated(runner, column, dialectOf(runner.manager.connection).idColumn?.(column.databaseName));
    }
  });
}

/** Removes the protection: for the `down` of that migration. */
export async function unprotectFiles(
  target: QueryRunner | DataSource,
  options: EntityProtectionOptions = {},
): Promise<void> {
  await withRunner(target, async (runner) => {
    for (const { statements, column } of await plan(runner, options)) {
      await runAll(runner, statements.drop);
      await forgetGenerated(
        runner,
        column.entityMetadata,
        dialectOf(runner.manager.connection).idColumn?.(column.databaseName),
      );
    }
  });
}

interface Planned {
  readonly statements: Statements;
  readonly column: FieldColumn['column'];
}

async function plan(runner: QueryRunner, options: EntityProtectionOptions): Promise<readonly Planned[]> {
  const dialect = dialectOf(runner.manager.connection);
  const columns: FieldColumn[] = [];
  for (const fieldColumn of columnsOf(runner, options)) {
    const { entityMetadata, databaseName } = fieldColumn.column;
    if (await runner.hasColumn(entityMetadata.tablePath, databaseName)) columns.push(fieldColumn);
  }
  const connection = transactionOf(runner, dialect);
  const references = await locatedColumns(
    connection,
    columns.map(({ field }) => field.reference),
  );
  const existing = await existingProtection(connection, references);
  return columns.map((fieldColumn, index) => ({
    column: fieldColumn.column,
    statements: missingProtection(dialect.name, protectedColumn(fieldColumn, references[index]!), options, existing),
  }));
}

/** Each column once, where entities share a table. */
function columnsOf(runner: QueryRunner, { entity }: EntityProtectionOptions): readonly FieldColumn[] {
  const entities = new TypeormEntities(runner.manager.connection);
  const columns = new Map<string, FieldColumn>();
  for (const fieldColumn of entity ? entities.columnsOf(entity) : entities.all) {
    const { table, column } = fieldColumn.field.reference;
    const name = `${table}.${column}`;
    if (!columns.has(name)) columns.set(name, fieldColumn);
  }
  return [...columns.values()];
}

function protectedColumn({ column, field }: FieldColumn, { name }: FileReference): ProtectedColumn {
  const metadata = column.entityMetadata;
  return {
    ...field.options,
    ...(name ?? { table: metadata.tableName, column: column.databaseName }),
    primaryKey: metadata.primaryColumns.map(({ databaseName }) => databaseName),
    deletedColumn: metadata.deleteDateColumn?.databaseName,
  };
}
