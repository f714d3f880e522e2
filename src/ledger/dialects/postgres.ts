import {
  conditionalSteps,
  tableWithIndexes,
  timing,
  triggerEvents,
  type Dialect,
  type TriggerEvent,
  type TriggerSteps,
} from '../dialect.js';
import { sql } from '../sql.js';
import { objectName, type TriggerColumn } from '../trigger-column.js';

/** PostgreSQL 13 or later. */
export const postgres: Dialect = {
  name: 'postgres',
  // Not now(), which is the time when the transaction began; not clock_timestamp(), which is volatile and keeps the planner
  // from using an index.
  now: `CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)`,
  place: `(SELECT CAST(system_identifier AS text) || '/' || (SELECT CAST(oid AS text) FROM pg_database WHERE datname = current_database()) FROM pg_control_system())`,
  tableExists: (name) => sql`SELECT 1 AS found WHERE to_regclass(${name}) IS NOT NULL`,
  latest: '',
  unlocked: ' FOR UPDATE SKIP LOCKED',
  placeholder: (index) => `$${index + 1}`,
  unfiltered: 'SET LOCAL row_security = off',
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  descriptorText: (column, member) => `(CAST(${column} AS jsonb) ->> '${member}')`,
  readableText: (column, member) => postgres.descriptorText(column, member),
  insertNew: (rows) => sql`INSERT INTO ${rows} ON CONFLICT DO NOTHING`,
  cast: (value, type) => `CAST(${value} AS ${type === 'text' ? 'text' : 'BIGINT'})`,
  jsonArray: (texts) => `('[' || ${texts.map((text) => `CAST(to_json(${text}) AS text)`).join(" || ',' || ")} || ']')`,
  differ: (one, other) => `${one} IS DISTINCT FROM ${other}`,

  table: tableWithIndexes,

  refuseUnless: (exists, message) =>
    `IF NOT ${exists} THEN RAISE EXCEPTION '${message}' USING ERRCODE = 'foreign_key_violation'; END IF`,

  triggers(column, steps) {
    const drop = triggerEvents.map(
      (event) => `DROP TRIGGER IF EXISTS ${triggerName(column, event)} ON ${tableName(column)}`,
    );
    return {
      create: [...drop, rowFunction(column, steps), ...triggerEvents.map((event) => trigger(column, event, steps))],
      drop: [...drop, `DROP FUNCTION IF EXISTS ${functionName(column)}()`],
    };
  },

  /** Stored: the table is rewritten once, under an exclusive lock. */
  foreignKey(column) {
    const table = tableName(column);
    const generated = postgres.quote(`${column.column}_id`);
    const key = postgres.quote(objectName(column, 'file'));
    const value = postgres.descriptorText(postgres.quote(column.column), 'id');
    return {
      create: [
        `ALTER TABLE ${table} ADD COLUMN ${generated} varchar(36) GENERATED ALWAYS AS (${value}) STORED, ADD CONSTRAINT ${key} FOREIGN KEY (${generated}) REFERENCES file_ledger (id)`,
        `CREATE INDEX ${key} ON ${table} (${generated})`,
      ],
      drop: [`ALTER TABLE ${table} DROP COLUMN ${generated}`],
    };
  },

  // Insufficient privilege (row level security too), and no such table, column, schema.
  isHidden: (error) => 'code' in error && ['42501', '42P01', '42703', '3F000'].includes(String(error.code)),

  isAbsent: (error) => 'code' in error && ['42P01', '42703', '3F000'].includes(String(error.code)),

  isMissingTable: (error) => 'code' in error && error.code === '42P01',
};

function schemaPrefix({ schema }: TriggerColumn): string {
  return schema === undefined ? '' : `${postgres.quote(schema)}.`;
}

function tableName(column: TriggerColumn): string {
  return schemaPrefix(column) + postgres.quote(column.table);
}

/** A trigger belongs to its table and needs no schema. */
function triggerName(column: TriggerColumn, event: TriggerEvent): string {
  return postgres.quote(objectName(column, event));
}

function functionName(column: TriggerColumn): string {
  return schemaPrefix(column) + postgres.quote(objectName(column, 'row'));
}

function trigger(column: TriggerColumn, event: TriggerEvent, steps: TriggerSteps): string {
  return `CREATE TRIGGER ${triggerName(column, event)} ${timing(event, steps)} ON ${tableName(column)} FOR EACH ROW EXECUTE FUNCTION ${functionName(column)}()`;
}

/** The function keeps the search path of the migration, so it finds the ledger whatever search path a session has. */
function rowFunction(column: TriggerColumn, steps: TriggerSteps): string {
  return `CREATE OR REPLACE FUNCTION ${functionName(column)}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $filefield$
BEGIN
IF TG_OP = 'INSERT' THEN
${conditionalSteps(steps.insert)}
ELSIF TG_OP = 'UPDATE' THEN
${conditionalSteps(steps.update)}
ELSE
${conditionalSteps(steps.delete)}
END IF;
RETURN NULL;
END
$filefield$`;
}
