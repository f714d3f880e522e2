import {
  conditionalSteps,
  guardMessage,
  hiddenTriggers,
  idsInList,
  triggerEvents,
  type DatabaseFault,
  type Dialect,
  type TriggerEvent,
  type TriggerSteps,
} from '../dialect.js';
import { join, list, raw, sql } from '../sql.js';
import { objectName, type ColumnName, type TriggerColumn } from '../trigger-column.js';

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

  // A locking read: a plain one would see the snapshot of the transaction.
  refuseUnlessEntry: (condition, message) =>
    `IF NOT EXISTS (SELECT 1 FROM file_ledger WHERE ${condition} FOR UPDATE) THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${message}'; END IF`,

  triggers(column, steps) {
    const drop = triggerEvents.map((event) => `DROP TRIGGER IF EXISTS ${triggerName(column, event)}`);
    return { create: [...drop, ...triggerEvents.map((event) => trigger(column, event, steps))], drop };
  },

  /** MariaDB has no index on an expression. The table stays writable meanwhile. */
  index(column) {
    const table = tableName(column);
    const generated = mysql.idColumn!(column.column);
    const name = mysql.quote(generated.name);
    const index = objectName(column, 'id');
    return [
      {
        name: `${column.table}.${generated.name}`,
        create: [
          `ALTER TABLE ${table} ADD COLUMN ${name} ${generated.type} GENERATED ALWAYS AS (${generated.expression}) VIRTUAL`,
        ],
        drop: `ALTER TABLE ${table} DROP COLUMN ${name}`,
      },
      {
        name: index,
        create: [`ALTER TABLE ${table} ADD INDEX ${mysql.quote(index)} (${name}), ALGORITHM=INPLACE, LOCK=NONE`],
      },
    ];
  },

  // As the ids of the ledger: the default collation would fold case.
  idColumn: (column) => ({
    name: `${column}_id`,
    type: 'varchar(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
    expression: mysql.readableText(mysql.quote(column), 'id'),
  }),
  // The tables of the connection's own schema are named without it.
  generatedColumns(names) {
    const tables = list(names.map(({ table }) => table));
    const schemas = [...new Set(names.map(({ schema }) => schema))];
    const parts = schemas.map((schema) => {
      const home = schema === undefined ? raw('DATABASE()') : sql`${schema}`;
      return sql`SELECT ${schema ?? ''} AS home, TABLE_NAME AS owner, COLUMN_NAME AS name, GENERATION_EXPRESSION AS expression FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ${home} AND TABLE_NAME IN (${tables}) AND GENERATION_EXPRESSION LIKE '%json_extract(%'`;
    });
    return join(parts, ' UNION ALL ');
  },
  idsAmong: idsInList,

  guard(column) {
    const name = mysql.quote(objectName(column, 'guard'));
    const drop = `DROP TRIGGER IF EXISTS ${name}`;
    const deleted = column.softDelete && mysql.quote(column.softDelete.column);
    const counts = deleted === undefined ? '' : ` AND ${deleted} IS NULL`;
    const refers = `SELECT 1 FROM ${tableName(column)} WHERE ${mysql.quote(`${column.column}_id`)} = OLD.id${counts}`;
    // The error of a foreign key. At most 128 characters.
    const error = `SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1451, MESSAGE_TEXT = '${guardMessage(column).slice(0, 120).replaceAll("'", "''")}'`;
    return {
      create: [
        drop,
        `CREATE TRIGGER ${name} BEFORE DELETE ON file_ledger FOR EACH ROW\nBEGIN\n  IF EXISTS (${refers}) THEN ${error}; END IF;\nEND`,
      ],
      drop: [drop],
    };
  },

  selfUpdating: ({ schema, table }) =>
    sql`SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = COALESCE(${schema ?? null}, DATABASE()) AND TABLE_NAME = ${table} AND EXTRA LIKE '%on update%'`,

  // Without the TRIGGER privilege, the schema of information does not show triggers.
  catalog(_, names) {
    const among = (name: string) => sql`${raw(name)} IN (${list(names)})`;
    const noPrivilege = ['USER_PRIVILEGES', 'SCHEMA_PRIVILEGES', 'TABLE_PRIVILEGES']
      .map((view) => `NOT EXISTS (SELECT 1 FROM information_schema.${view} WHERE PRIVILEGE_TYPE = 'TRIGGER')`)
      .join(' AND ');
    return sql`SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND ${among('TRIGGER_NAME')} UNION SELECT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND ${among('INDEX_NAME')} UNION SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND GENERATION_EXPRESSION LIKE '%json_extract(%' AND ${among(`CONCAT(TABLE_NAME, '.', COLUMN_NAME)`)} UNION SELECT '${raw(hiddenTriggers)}' FROM DUAL WHERE ${raw(noPrivilege)}`;
  },

  isHidden: (error) => 'code' in error && hidden.has(error.code),

  isAbsent: (error) => 'code' in error && absent.has(error.code),

  isMissingTable: (error) => 'code' in error && error.code === 'ER_NO_SUCH_TABLE',

  fault: (error) => ('code' in error ? faults[String(error.code)] : undefined),

  // Text would be equal to the same text with spaces at its end.
  types: { bytes: 'longblob', key: 'varbinary(512)' },
  readBytes: (expression) => expression,
};

const faults: Readonly<Record<string, DatabaseFault>> = {
  ER_DUP_ENTRY: 'taken',
  ER_RECORD_FILE_FULL: 'full',
  ER_DISK_FULL: 'full',
  ER_NET_PACKET_TOO_LARGE: 'too_large',
  ER_MAX_ALLOWED_PACKET_EXCEEDED: 'too_large',
  ER_TABLEACCESS_DENIED_ERROR: 'denied',
  ER_COLUMNACCESS_DENIED_ERROR: 'denied',
  ER_DBACCESS_DENIED_ERROR: 'denied',
  ER_OPTION_PREVENTS_STATEMENT: 'denied',
  ER_CON_COUNT_ERROR: 'away',
  ER_SERVER_SHUTDOWN: 'away',
  ER_CONNECTION_KILLED: 'away',
  ER_LOCK_WAIT_TIMEOUT: 'away',
  ER_SOCKET_UNEXPECTED_CLOSE: 'away',
  ER_GET_CONNECTION_TIMEOUT: 'away',
  PROTOCOL_CONNECTION_LOST: 'away',
};

const absent = new Set<unknown>(['ER_NO_SUCH_TABLE', 'ER_BAD_FIELD_ERROR', 'ER_BAD_DB_ERROR']);

const hidden = new Set<unknown>([
  ...absent,
  'ER_DBACCESS_DENIED_ERROR',
  'ER_TABLEACCESS_DENIED_ERROR',
  'ER_COLUMNACCESS_DENIED_ERROR',
]);

function schemaPrefix({ schema }: ColumnName): string {
  return schema === undefined ? '' : `${mysql.quote(schema)}.`;
}

function tableName(column: ColumnName): string {
  return schemaPrefix(column) + mysql.quote(column.table);
}

function triggerName(column: TriggerColumn, event: TriggerEvent): string {
  return schemaPrefix(column) + mysql.quote(objectName(column, event));
}

function trigger(column: TriggerColumn, event: TriggerEvent, steps: TriggerSteps): string {
  return `CREATE TRIGGER ${triggerName(column, event)} AFTER ${event.toUpperCase()} ON ${tableName(column)} FOR EACH ROW\nBEGIN\n${conditionalSteps(steps[event])}\nEND`;
}
