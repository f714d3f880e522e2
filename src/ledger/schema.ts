import type { Dialect } from './dialect.js';

/** The names of the ledger's tables, for a schema tool that must leave them alone. */
export const ledgerTables = ['file_ledger', 'file_trash'] as const;

/**
 * The statements that make the ledger's two tables, for a migration; `drop` has those that remove them.
 * Times are milliseconds since 1970 by the database's clock, so that no driver converts them.
 *
 * @example
 * ```ts
 * import { ledgerSchema } from 'filefield';
 *
 * for (const sql of ledgerSchema('postgres').create) console.log(`${sql};`);
 * ```
 */
export function ledgerSchema(dialect: Dialect): {
  readonly create: readonly string[];
  readonly drop: readonly string[];
} {
  // Keys are compared byte for byte on every database; MariaDB's default would fold case and accents.
  const table = dialect === 'mysql' ? ' ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin' : '';
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
  doomed_at bigint,
  not_before bigint,
  UNIQUE (storage, object_key)
)${table}`,
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
)${table}`,
    ],
    drop: [`DROP TABLE file_trash`, `DROP TABLE file_ledger`],
  };
}
