import { conditionalSteps, triggerEvents, type Dialect, type TriggerEvent, type TriggerSteps } from '../dialect.js';
import { sql } from '../sql.js';
import { objectName, type TriggerColumn } from '../trigger-column.js';

/** MariaDB 10.6 or later, MySQL 8. */
export const mysql: Dialect = {
  name: 'mysql',
  // In UTC: UNIX_TIMESTAMP(NOW()) is an hour ahead for an hour when daylight saving time ends.
  now: `(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)`,
  place: `CONCAT_WS('/', @@hostname, @@port, @@datadir, DATABASE())`,
  tableExists: (name) =>
    sql`SELECT 1 AS found FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ${name}`,
  latest: ' FOR UPDATE',
  unlocked: ' FOR UPDATE SKIP LOCKED',
  placeholder: () => '?',
  unfiltered: '',
  quote: (name) => `\`${name.replaceAll('`', '``')}\``,
  descriptorText: (column, member) => `JSON_UNQUOTE(JSON_EXTRACT(${column}, '$.${member}'))`,
  readableText: (column, member) => `CASE WHEN JSON_VALID(${column}) THEN ${mysql.descriptorText(column, member)} END`,
  insertNew: (rows) => sql`INSERT IGNORE INTO ${rows}`,
  cast: (value, type) => `CAST(${value} AS ${type === 'text' ? 'CHAR' : 'SIGNED'})`,
  jsonArray: (texts) => `CONCAT('[', ${texts.map((text) => `JSON_QUOTE(${text})`).join(", ',', ")}, ']')`,
  differ: (one, other) => `NOT (${one} <=> ${other})`,

  // MySQL has no CREATE INDEX IF NOT EXISTS. MariaDB's default collation would fold case and accents.
  table(name, columns, indexes) {
    const keys = Object.entries(indexes).map(([index, on]) => `KEY ${index} (${on})`);
    const body = [...columns, ...keys].join(',\n  ');
    const options = 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin';
    return [`CREATE TABLE IF NOT EXISTS ${name} (\n  ${body}\n) ${options}`];
  },

  refuseUnless: (exists, message) =>
    `IF NOT ${exists} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${message}'; END IF`,

  triggers(column, steps) {
    const drop = triggerEvents.map((event) => `DROP TRIGGER IF EXISTS ${triggerName(column, event)}`);
    return { create: [...drop, ...triggerEvents.map((event) => trigger(column, event, steps))], drop };
  },

  /** Stored: the table is rewritten once. The database makes the index by itself. */
  foreignKey(column) {
    const table = tableName(column);
    const generated = mysql.quote(`${column.column}_id`);
    const key = mysql.quote(objectName(column, 'file'));
    // Both sides of a foreign key must have one collation.
    const type = 'varchar(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
    const value = mysql.descriptorText(mysql.quote(column.column), 'id');
    return {
      create: [
        `ALTER TABLE ${table} ADD COLUMN ${generated} ${type} GENERATED ALWAYS AS (${value}) STORED, ADD CONSTRAINT ${key} FOREIGN KEY (${generated}) REFERENCES file_ledger (id)`,
      ],
      drop: [`ALTER TABLE ${table} DROP FOREIGN KEY ${key}`, `ALTER TABLE ${table} DROP COLUMN ${generated}`],
    };
  },

  isHidden: (error) => 'code' in error && hidden.has(error.code),

  isAbsent: (error) => 'code' in error && absent.has(error.code),

  isMissingTable: (error) => 'code' in error && error.code === 'ER_NO_SUCH_TABLE',
};

const absent = new Set<unknown>(['ER_NO_SUCH_TABLE', 'ER_BAD_FIELD_ERROR', 'ER_BAD_DB_ERROR']);

const hidden = new Set<unknown>([
  ...absent,
  'ER_DBACCESS_DENIED_ERROR',
  'ER_TABLEACCESS_DENIED_ERROR',
  'ER_COLUMNACCESS_DENIED_ERROR',
]);

function schemaPrefix({ schema }: TriggerColumn): string {
  return schema === undefined ? '' : `${mysql.quote(schema)}.`;
}

function tableName(column: TriggerColumn): string {
  return schemaPrefix(column) + mysql.quote(column.table);
}

function triggerName(column: TriggerColumn, event: TriggerEvent): string {
  return schemaPrefix(column) + mysql.quote(objectName(column, event));
}

function trigger(column: TriggerColumn, event: TriggerEvent, steps: TriggerSteps): string {
  return `CREATE TRIGGER ${triggerName(column, event)} AFTER ${event.toUpperCase()} ON ${tableName(column)} FOR EACH ROW\nBEGIN\n${conditionalSteps(steps[event])}\nEND`;
}
