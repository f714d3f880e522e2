import { existingProtection, locatedColumns } from '../../ledger/catalog.js';
import { missingProtection, type EntityProtectionOptions } from '../../ledger/protection.js';
import type { Statements } from '../../ledger/dialect.js';
import { dialectOf, transactionOf } from './database.js';
import { MikroEntities } from './entities.js';
import { managerOf, runAll, type MigrationTarget } from './migrations.js';

/**
 * Protects file columns: three triggers per column tell the ledger about every write, by nativeUpdate(), query builders, raw
 * SQL and other programs too; a guard refuses to delete the ledger entry of a file that a row has (not on SQLite); an index
 * on the ids of the files makes sweeps fast. Call it in the `up` of a migration, after the ledger and the tables. It replaces
 * what exists. It reads the entities as they are when the migration runs: name the entity in a migration that others will
 * follow. Put `withFiles` around the configuration, or MikroORM's schema generator drops what this makes.
 *
 * @example
 * ```ts
 * import { Migration } from '@mikro-orm/migrations';
 * import { protectFiles, unprotectFiles } from 'filefield/mikro-orm';
 *
 * export class ProtectFiles extends Migration {
 *   override up = () => protectFiles(this, { grace: '1h' });
 *   override down = () => unprotectFiles(this);
 * }
 * ```
 */
export async function protectFiles(target: MigrationTarget, options: EntityProtectionOptions = {}): Promise<void> {
  for (const { create } of await plan(target, options)) await runAll(target, create);
}

/** Removes the protection: for the `down` of that migration. */
export async function unprotectFiles(target: MigrationTarget, options: EntityProtectionOptions = {}): Promise<void> {
  for (const { drop } of await plan(target, options)) await runAll(target, drop);
}

async function plan(target: MigrationTarget, options: EntityProtectionOptions): Promise<readonly Statements[]> {
  const em = managerOf(target);
  const dialect = dialectOf(em);
  const columns = new MikroEntities({ em }).columns(options.entity);
  const connection = transactionOf(em, dialect);
  const references = await locatedColumns(
    connection,
    columns.map(({ field }) => field.reference),
  );
  const existing = await existingProtection(connection, references);
  return columns.map(({ column }, index) =>
    missingProtection(dialect.name, { ...column, ...references[index]!.name }, options, existing),
  );
}
