import type { DialectName, Statements } from './dialect.js';
import * as dialects from './dialects/index.js';

/** The names of the ledger's tables, for a schema tool that must leave them alone. */
export const ledgerTables = ['file_ledger', 'file_trash'] as const;

/**
 * The statements that make the ledger's two tables, and those that drop them, for migrations written in SQL. In a
 * migration of TypeORM or MikroORM call `createLedger` instead. Times are milliseconds since 1970 by the database's clock,
 * so that no driver converts them.
 *
 * @example
 * ```ts
 * import { ledgerSchema } from 'filefield';
 *
 * for (const statement of ledgerSchema('postgres').create) console.log(`${statement};`);
 * ```
 */
export function ledgerSchema(dialect: DialectName): Statements {
  const options = dialects[dialect].tableOptions;
  return {
    create: [
      `CREATE TABLE file_ledger (
  id varchar(36) NOT NULL PRIMARY KEY,
  storage varchar(64) NOT NULL,
  object_key varchar(512) NOT NULL,
  state varchar(8) NOT NULL,
  lease_until bigint,
  owner_type varchar(128),
  owner_pk varchar(255),
  slot varchar(64),
  size bigint,
  checksum varchar(64),
  created_at bigint NOT NULL,
  released_at bigint,
  not_before bigint,
  UNIQUE (storage, object_key)
)${options}`,
      `CREATE INDEX file_ledger_owner ON file_ledger (owner_type, owner_pk, slot)`,
      // No index begins with the state: nearly all rows are live, and a planner without statistics would scan them all.
      `CREATE INDEX file_ledger_lease ON file_ledger (lease_until)`,
      `CREATE INDEX file_ledger_due ON file_ledger (not_before)`,
      `CREATE TABLE file_trash (
  id varchar(36) NOT NULL PRIMARY KEY,
  storage varchar(64) NOT NULL,
  object_key varchar(512) NOT NULL,
  not_before bigint NOT NULL,
  attempts integer NOT NULL,
  last_error varchar(500)
)${options}`,
      `CREATE INDEX file_trash_due ON file_trash (not_before)`,
    ],
    drop: [`DROP TABLE file_trash`, `DROP TABLE file_ledger`],
  };
}
