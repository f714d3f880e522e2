import type { EntityManager } from '@mikro-orm/core';
import { ledgerSchema, ledgerStatements } from '../../ledger/schema.js';
import { columnTriggers, type EntityTriggerOptions } from '../../ledger/triggers.js';
import type { Statements } from '../../ledger/dialect.js';
import { dialectOf, transactionOf } from './database.js';
import { MikroEntities } from './entities.js';

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
 * tables that it does not know, unless the configuration says `schemaGenerator: { skipTables: [...ledgerTables] }`.
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
 * Makes triggers that tell the ledger about every write to file columns: by nativeUpdate(), query builders, raw SQL and
 * other programs too. Call it in the `up` of a migration, after the ledger and the tables. It replaces existing triggers.
 * It reads the entities as they are when the migration runs: name the entity in a migration that others will follow.
 * WARNING: `foreignKey` adds a column that the schema generator drops unless `schemaGenerator.skipColumns` names it.
 *
 * @example
 * ```ts
 * import { Migration } from '@mikro-orm/migrations';
 * import { createFileTriggers, dropFileTriggers } from 'filefield/mikro-orm';
 *
 * export class FileTriggers extends Migration {
 *   override up = () => createFileTriggers(this, { grace: '1h' });
 *   override down = () => dropFileTriggers(this);
 * }
 * ```
 */
export async function createFileTriggers(target: MigrationTarget, options: EntityTriggerOptions = {}): Promise<void> {
  for (const { create } of triggersOf(target, options)) await runAll(target, create);
}

/** Drops the triggers: for the `down` of that migration, with the same options. */
export async function dropFileTriggers(target: MigrationTarget, options: EntityTriggerOptions = {}): Promise<void> {
  for (const { drop } of triggersOf(target, options)) await runAll(target, drop);
}

function triggersOf(target: MigrationTarget, options: EntityTriggerOptions): readonly Statements[] {
  const em = managerOf(target);
  const columns = new MikroEntities({ em }).columns(options.entity);
  return columns.map(({ trigger }) => columnTriggers(dialectOf(em).name, trigger, options));
}

function managerOf(target: MigrationTarget): EntityManager {
  // A Migration has an undefined `em` of its own.
  return 'addSql' in target ? target.getEntityManager() : target.em;
}

async function runAll(target: MigrationTarget, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    if ('addSql' in target) target.addSql(statement);
    else await target.em.getConnection().execute(statement, [], 'run');
  }
}
