import type { DataSource, QueryRunner } from 'typeorm';
import { ledgerSchema, ledgerStatements } from '../../ledger/schema.js';
import { fileObjectSchema } from '../../storages/database/object-tables.js';
import { dialectOf, transactionOf } from './database.js';

/**
 * Makes the ledger's tables, upgrades those of an older release, and leaves those of this release as they are. Call it with
 * the query runner in the `up` of a migration, or with a data source where there are no migrations.
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
  await withRunner(target, makeLedger);
}

/** Drops the ledger's tables: for the `down` of that migration. Stored files then have no record; delete them by hand. */
export async function dropLedger(runner: QueryRunner): Promise<void> {
  await runAll(runner, ledgerSchema(dialectOf(runner.manager.connection).name).drop);
}

/**
 * Makes the tables of `databaseStorage`, unless they exist. Call it with the query runner in the `up` of a migration, or with
 * a data source where there are no migrations.
 *
 * @example
 * ```ts
 * import { createFileObjects, dropFileObjects } from 'filefield/typeorm';
 * import type { MigrationInterface, QueryRunner } from 'typeorm';
 *
 * export class FileObjects1763000001000 implements MigrationInterface {
 *   up = (runner: QueryRunner) => createFileObjects(runner);
 *   down = (runner: QueryRunner) => dropFileObjects(runner);
 * }
 * ```
 */
export async function createFileObjects(target: QueryRunner | DataSource): Promise<void> {
  await withRunner(target, (runner) => runAll(runner, objectSchemaOf(runner).create));
}

/** Drops the tables of `databaseStorage` with all bytes: for the `down` of that migration. */
export async function dropFileObjects(runner: QueryRunner): Promise<void> {
  await runAll(runner, objectSchemaOf(runner).drop);
}

function objectSchemaOf(runner: QueryRunner) {
  return fileObjectSchema(dialectOf(runner.manager.connection).name);
}

async function makeLedger(runner: QueryRunner): Promise<void> {
  await runAll(runner, await ledgerStatements(transactionOf(runner, dialectOf(runner.manager.connection))));
}

/** Runs the statements one after the other. */
export async function runAll(runner: QueryRunner, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await runner.query(statement);
}

/** Gives the work a query runner: the target itself, or one of a data source, which is released afterwards. */
export async function withRunner(
  target: QueryRunner | DataSource,
  work: (runner: QueryRunner) => Promise<void>,
): Promise<void> {
  if (!('createQueryRunner' in target)) return work(target);
  const runner = target.createQueryRunner();
  try {
    await work(runner);
  } finally {
    await runner.release();
  }
}
