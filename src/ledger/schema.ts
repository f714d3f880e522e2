import type { LedgerConnection } from './connection.js';
import type { Dialect, DialectName, Statements } from './dialect.js';
import * as dialects from './dialects/index.js';
import { raw, sql } from './sql.js';

/** The names of the ledger's tables, for a schema tool that must leave them alone. */
export const ledgerTables = ['file_ledger', 'file_trash', 'file_state', 'file_fence'] as const;

/** The version of the tables that this release makes and needs; `file_state` has the version that a database has. */
export const ledgerVersion = 2;

/** The oldest version whose releases can work with these tables: they never delete an adopted object. */
const oldestVersion = 1;

/** What a ledger is made from. */
export interface LedgerSchemaOptions {
  /**
   * The version that the database has, to get the statements that upgrade it: `0` for the tables of filefield 0.1.
   * @default none: the statements make new tables
   */
  readonly from?: number;
}

/**
 * The statements that make the ledger's tables, or upgrade older ones, and those that drop them, for migrations written in
 * SQL. In a migration of TypeORM or MikroORM call `createLedger` instead, which does what the database needs. Times are
 * milliseconds since 1970 by the database's clock, so that no driver converts them. New tables that exist already are left
 * as they are.
 *
 * @example
 * ```ts
 * import { ledgerSchema } from 'filefield';
 *
 * for (const statement of ledgerSchema('postgres').create) console.log(`${statement};`);
 * ```
 */
export function ledgerSchema(dialect: DialectName, { from }: LedgerSchemaOptions = {}): Statements {
  const database = dialects[dialect];
  return {
    create: from === undefined ? tables(database) : upgrades.slice(from).flatMap((upgrade) => upgrade(database)),
    drop: ledgerTables.map((name) => `DROP TABLE ${name}`).reverse(),
  };
}

/**
 * The statements that bring a database to the version of this release: new tables, an upgrade, or nothing that changes
 * anything.
 */
export async function ledgerStatements({ dialect, execute }: LedgerReader): Promise<readonly string[]> {
  const exists = async (table: string) => (await execute(dialect.tableExists(table))).rows.length > 0;
  if (!(await exists('file_ledger'))) return ledgerSchema(dialect.name).create;
  const { rows } = (await exists('file_state'))
    ? await execute(sql`SELECT version FROM file_state WHERE id = 1`)
    : { rows: [{ version: 0 }] };
  return ledgerSchema(dialect.name, { from: Number(rows[0]?.version ?? 0) }).create;
}

/** The connection of a migration. */
type LedgerReader = Pick<LedgerConnection, 'dialect' | 'execute'>;

function tables(database: Dialect): readonly string[] {
  return [
    ...database.table('file_ledger', ledgerColumns, ledgerIndexes),
    ...database.table('file_trash', trashColumns, trashIndexes),
    ...stateTables(database),
  ];
}

function stateTables(database: Dialect): readonly string[] {
  const state = raw(`file_state (id, version, oldest) VALUES (1, ${ledgerVersion}, ${oldestVersion})`);
  return [
    ...database.table('file_state', stateColumns, {}),
    ...database.table('file_fence', fenceColumns, {}),
    database.insertNew(state).literal,
  ];
}

/** The statements from each version, from 0, to the next one. */
const upgrades: readonly ((database: Dialect) => readonly string[])[] = [
  (database) => [
    'ALTER TABLE file_trash ADD COLUMN retired_at bigint NOT NULL DEFAULT 0',
    'CREATE INDEX file_trash_due ON file_trash (not_before)',
    ...stateTables(database),
  ],
  () => [
    `ALTER TABLE file_ledger ADD COLUMN ${adopter}`,
    `ALTER TABLE file_trash ADD COLUMN ${adopter}`,
    'UPDATE file_state SET version = 2 WHERE id = 1',
  ],
];

/** The identity of the ledger that adopted the object, whose key does not have it; empty, or NULL: nobody deletes it. */
const adopter = 'adopter varchar(16)';

const ledgerIndexes = {
  file_ledger_owner: 'owner_type, owner_pk, slot',
  // No index begins with the state: nearly all rows are live, and a planner without statistics would scan them all.
  file_ledger_lease: 'lease_until',
  file_ledger_due: 'not_before',
};

const trashIndexes = { file_trash_due: 'not_before' };

/** The names of the indexes of the ledger's tables, without those of keys. */
export const indexNames: readonly string[] = [...Object.keys(ledgerIndexes), ...Object.keys(trashIndexes)];

const ledgerColumns = [
  'id varchar(36) NOT NULL PRIMARY KEY',
  'storage varchar(64) NOT NULL',
  'object_key varchar(512) NOT NULL',
  'state varchar(8) NOT NULL',
  'lease_until bigint',
  'owner_type varchar(128)',
  'owner_pk varchar(255)',
  'slot varchar(64)',
  'size bigint',
  'checksum varchar(64)',
  'created_at bigint NOT NULL',
  'released_at bigint',
  'not_before bigint',
  adopter,
  'UNIQUE (storage, object_key)',
];

const trashColumns = [
  'id varchar(36) NOT NULL PRIMARY KEY',
  'storage varchar(64) NOT NULL',
  'object_key varchar(512) NOT NULL',
  'retired_at bigint NOT NULL DEFAULT 0',
  'not_before bigint NOT NULL',
  'attempts integer NOT NULL',
  'last_error varchar(500)',
  adopter,
];

/** One row. `oldest` is the oldest version of this table whose releases can work with these tables. */
const stateColumns = [
  'id integer NOT NULL PRIMARY KEY',
  'version integer NOT NULL',
  'oldest integer NOT NULL',
  'identity varchar(16)',
  'born_at bigint',
  'place varchar(255)',
];

/** One row per storage. Generation 0: the first marker is being written. */
const fenceColumns = [
  'storage varchar(64) NOT NULL PRIMARY KEY',
  'generation bigint NOT NULL',
  'token varchar(36)',
  'token_at bigint',
  'next_token varchar(36)',
  'swept_at bigint',
  'gap bigint NOT NULL',
  'last_gap bigint NOT NULL',
];
