import {
  idsInList,
  tableWithIndexes,
  timing,
  triggerEvents,
  type DatabaseFault,
  type Dialect,
  type TriggerEvent,
  type TriggerSteps,
} from '../dialect.js';
import { list, raw, sql } from '../sql.js';
import { objectName, type ColumnName, type TriggerColumn } from '../trigger-column.js';

/** SQLite 3.38 or later, by any driver. */
export const sqlite: Dialect = {
  name: 'sqlite',
  now: `CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)`,
  // A database in memory has no file.
  place: `COALESCE((SELECT NULLIF(file, '') FROM pragma_database_list WHERE name = 'main'), 'memory')`,
  tableExists: (name) => sql`SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = ${name}`,
  latest: '',
  unlocked: '',
  placeholder: () => '?',
  unfiltered: '',
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  descriptorText: (column, member) => `json_extract(${column}, '$.${member}')`,
  readableText: (column, member) => `CASE WHEN json_valid(${column}) THEN ${sqlite.descriptorText(column, member)} END`,
  insertNew: (rows) => sql`INSERT INTO ${rows} ON CONFLICT DO NOTHING`,
  cast: (value, type) => `CAST(${value} AS ${type === 'text' ? 'TEXT' : 'INTEGER'})`,
  jsonArray: (texts) => `json_array(${texts.join(', ')})`,
  differ: (one, other) => `${one} IS NOT ${other}`,

  table: tableWithIndexes,

  refuseUnlessEntry: (condition, message) =>
    `SELECT RAISE(ABORT, '${message}') WHERE NOT EXISTS (SELECT 1 FROM file_ledger WHERE ${condition})`,

  triggers(column, steps) {
    const drop = triggerEvents.map((event) => `DROP TRIGGER IF EXISTS ${triggerName(column, event)}`);
    return { create: [...drop, ...triggerEvents.map((event) => trigger(column, event, steps))], drop };
  },

  /** In the spelling of `readableText`, so that a value which is not JSON is no error. */
  index(column) {
    const name = objectName(column, 'id');
    const schema = schemaPrefix(column);
    const value = sqlite.readableText(sqlite.quote(column.column), 'id');
    return [
      {
        name,
        create: [
          `CREATE INDEX IF NOT EXISTS ${schema}${sqlite.quote(name)} ON ${sqlite.quote(column.table)} (${value})`,
        ],
        drop: `DROP INDEX IF EXISTS ${schema}${sqlite.quote(name)}`,
      },
    ];
  },

  idsAmong: idsInList,

  catalog: (_, names) =>
    sql`SELECT name FROM sqlite_master WHERE type IN (${raw(`'trigger', 'index'`)}) AND name IN (${list(names)})`,

  isHidden: (error) => 'message' in error && /no such (table|column)/i.test(String(error.message)),

  isAbsent: (error) => sqlite.isHidden(error),

  isMissingTable: (error) => 'message' in error && /no such table/i.test(String(error.message)),

  // Drivers have codes of their own, or none; the messages are those of SQLite.
  fault(error) {
    const message = 'message' in error ? String(error.message) : '';
    return faults.find(([pattern]) => pattern.test(message))?.[1];
  },

  types: { bytes: 'blob', key: 'varchar(512)' },
  readBytes: (expression) => expression,
};

const faults: readonly (readonly [RegExp, DatabaseFault])[] = [
  [/UNIQUE constraint failed/i, 'taken'],
  [/database or disk is full/i, 'full'],
  [/string or blob too big/i, 'too_large'],
  [/attempt to write a readonly database/i, 'denied'],
  [/database (?:table )?is locked/i, 'away'],
];

function schemaPrefix({ schema }: ColumnName): string {
  return schema === undefined ? '' : `${sqlite.quote(schema)}.`;
}

function triggerName(column: TriggerColumn, event: TriggerEvent): string {
  return schemaPrefix(column) + sqlite.quote(objectName(column, event));
}

function trigger(column: TriggerColumn, event: TriggerEvent, steps: TriggerSteps): string {
  const body = steps[event].map(({ when, statement }) => `  ${statement} AND (${when});`).join('\n');
  return `CREATE TRIGGER ${triggerName(column, event)} ${timing(event, steps)} ON ${sqlite.quote(column.table)} FOR EACH ROW\nBEGIN\n${body}\nEND`;
}
