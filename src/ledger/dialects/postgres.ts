import { tableWithIndexes, type DatabaseFault, type Dialect } from '../dialect.js';
import { join, list, raw, sql } from '../sql.js';
import { objectName } from '../trigger-column.js';
import { searchPaths } from './postgres-path.js';
import { guard, quote, rowTriggers, schemaPrefix, tableName } from './postgres-triggers.js';

/** PostgreSQL 13 or later. */
export const postgres: Dialect = {
  name: 'postgres',
  // Not now(), which is the time when the transaction began; not clock_timestamp(), which is volatile and keeps the planner
  // from using an index.
  now: `CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)`,
  place: `(SELECT CAST(system_identifier AS text) || '/' || (SELECT CAST(oid AS text) FROM pg_database WHERE datname = current_database()) || '/' || (SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass('file_state')) FROM pg_control_system())`,
  tableExists: (name) => sql`SELECT 1 AS found WHERE to_regclass(${name}) IS NOT NULL`,
  latest: '',
  unlocked: ' FOR UPDATE SKIP LOCKED',
  placeholder: (index) => `$${index + 1}`,
  // Nor may the planner, which has no statistics of an index on an expression, prefer to read the table.
  unfiltered: `SELECT set_config('row_security', 'off', true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`,
  quote,
  descriptorText: (column, member) => `(CAST(${column} AS jsonb) ->> '${member}')`,
  readableText: (column, member) => postgres.descriptorText(column, member),
  insertNew: (rows) => sql`INSERT INTO ${rows} ON CONFLICT DO NOTHING`,
  cast: (value, type) => `CAST(${value} AS ${type === 'text' ? 'text' : 'BIGINT'})`,
  jsonArray: (texts) => `('[' || ${texts.map((text) => `CAST(to_json(${text}) AS text)`).join(" || ',' || ")} || ']')`,
  differ: (one, other) => `${one} IS DISTINCT FROM ${other}`,

  table: tableWithIndexes,

  // The lock sees the latest commit in every isolation level, or fails; a sweep then waits for this transaction.
  refuseUnlessEntry: (condition, message) =>
    `PERFORM 1 FROM file_ledger WHERE ${condition} FOR KEY SHARE; IF NOT FOUND THEN RAISE EXCEPTION '${message}' USING ERRCODE = 'foreign_key_violation'; END IF`,

  searchPaths,
  triggers: rowTriggers,
  guard,

  index(column, online) {
    const name = objectName(column, 'id');
    const value = postgres.descriptorText(quote(column.column), 'id');
    const on = `${quote(name)} ON ${tableName(column)} (${value})`;
    const qualified = schemaPrefix(column) + quote(name);
    return [
      {
        name,
        create: online
          ? // What an interrupted one has left is not valid.
            [`DROP INDEX CONCURRENTLY IF EXISTS ${qualified}`, `CREATE INDEX CONCURRENTLY ${on}`]
          : [`CREATE INDEX IF NOT EXISTS ${on}`],
        drop: `DROP INDEX IF EXISTS ${qualified}`,
      },
    ];
  },

  // A semi join uses the index even before the first ANALYZE; with an IN list the planner expects half of the table.
  idsAmong({ table, id, conditions }, ids) {
    const values = ids.map((value) => sql`(CAST(${value} AS text))`);
    const where = join([sql`${id} = wanted.member`, ...conditions], ' AND ');
    return sql`SELECT wanted.member FROM (VALUES ${join(values, ', ')}) AS wanted (member) WHERE EXISTS (SELECT 1 FROM ${raw(table)} WHERE ${where})`;
  },

  catalog(tables, names) {
    const relations = join(
      ['file_ledger', ...tables].map((table) => sql`to_regclass(CAST(${table} AS text))`),
      ', ',
    );
    return sql`SELECT CAST(tgname AS text) AS name FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND tgrelid IN (${relations}) AND tgname IN (${list(names)}) UNION ALL SELECT CAST(relname AS text) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indisvalid AND indrelid IN (${relations}) AND relname IN (${list(names)})`;
  },

  // Insufficient privilege (row level security too), and no such table, column, schema.
  isHidden: (error) => 'code' in error && ['42501', '42P01', '42703', '3F000'].includes(String(error.code)),

  isAbsent: (error) => 'code' in error && ['42P01', '42703', '3F000'].includes(String(error.code)),

  isMissingTable: (error) => 'code' in error && error.code === '42P01',

  fault: (error) => ('code' in error ? faultOf(String(error.code)) : undefined),

  types: { bytes: 'bytea', key: 'varchar(512) COLLATE "C"' },

  // As bytea, drivers get two hexadecimal digits a byte, which take half as long again.
  readBytes: (expression) => sql`encode(${expression}, 'base64')`,
};

/** Shutdown, no connection, too many connections, no memory, a lock that was not free in time. */
const away = /^(?:57P0\d|08\w{3}|53[023]00|55P03)$/;

function faultOf(code: string): DatabaseFault | undefined {
  if (code === '23505') return 'taken';
  if (code === '53100') return 'full';
  if (code === '42501' || code === '25006') return 'denied';
  return away.test(code) ? 'away' : undefined;
}
