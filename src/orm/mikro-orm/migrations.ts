import type { EntityManager } from '@mikro-orm/core';
import { ledgerSchema, ledgerStatements } from '../../ledger/schema.js';
import { fileObjectSchema } from '../../storages/database/object-tables.js';
import { dialectOf, transactionOf } from './database.js';

/** A migration of `@mikro-orm/migrations`, which collects SQL; or a MikroORM instance, on which SQL runs at once. */
export type MigrationTarget = MikroMigration | MikroInstance;

/** What is needed of a `Migration`. */
export interface MikroMigration {
  /** Adds a statement to the migration. */
  addSql(sql: string): void;
  /** The entity manager of the migration. */
  getEntityManager(): EntityManager;
}

/** What is needed of a `MikroORM`. */
export interface MikroInstance {
  /** Its entity manager. */
  readonly em: EntityManager;
}

/**
 * Makes the ledger's tables: call it in the `up` of a migration, or once on a MikroORM instance. The schema generator drops
 * tables that it does not know, unless `withFiles` is around the configuration.
 *
 * @example
 * ```ts
 * import { Migration } from '@mikro-orm/migrations';
 * import { createLedger, dropLedger } from 'filefield/mikro-orm';
 *
 * export class Ledger extends Migration {
 *   override up = () => createLedger(this);
 *   override down = () => dropLedger(this);
 * }
 * ```
 */
export async function createLedger(target: MigrationTarget): Promise<void> {
  const em = managerOf(target);
  await runAll(target, await ledgerStatements(transactionOf(em, dialectOf(em))));
}

/** Drops the ledger's tables: for the `down` of that migration. Stored files then have no record; delete them by hand. */
export async function dropLedger(target: MigrationTarget): Promise<void> {
  await runAll(target, ledgerSchema(dialectOf(managerOf(target)).name).drop);
}

/**
 * Makes the tables of `databaseStorage`, unless they exist: call it in the `up` of a migration, or once on a MikroORM
 * instance. The schema generator drops tables that it does not know, unless `withFiles` is around the configuration.
 *
 * @example
 * ```ts
 * import { Migration } from '@mikro-orm/migrations';
 * import { createFileObjects, dropFileObjects } from 'filefield/mikro-orm';
 *
 * export class FileObjects extends Migration {
 *   override up = () => createFileObjects(this);
 *   override down = () => dropFileObjects(this);
 * }
 * ```
 */
export async function createFileObjects(target: MigrationTarget): Promise<void> {
  await runAll(target, objectSchemaOf(target).create);
}

/** Drops the tables of `databaseStorage` with all bytes: for the `down` of that migration. */
export async function dropFileObjects(target: MigrationTarget): Promise<void> {
  await runAll(target, objectSchemaOf(target).drop);
}

function objectSchemaOf(target: MigrationTarget) {
  return fileObjectSchema(dialectOf(managerOf(target)).name);
}

/** The entity manager of a target. */
export function managerOf(target: MigrationTarget): EntityManager {
  // A Migration has an undefined `em` of its own.
  return 'addSql' in target ? target.getEntityManager() : target.em;
}

/** Runs the statements, or adds them to the migration. */
export async function runAll(target: MigrationTarget, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    if ('addSql' in target) target.addSql(statement);
    else await target.em.getConnection().execute(statement, [], 'run');
  }
}
