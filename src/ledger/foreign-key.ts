import { descriptorId, type Dialect } from './dialect.js';
import { nameFor, quoted, tableName, type TriggerColumn } from './trigger-names.js';
import type { Statements } from './triggers.js';

/**
 * A generated column with the file's id and a foreign key to the ledger: the database then refuses a row that names a
 * file it does not know, and refuses to forget a file that a row has. Adding it fails where rows break that already.
 *
 * PostgreSQL, MariaDB and MySQL store the id, so the table is rewritten once; SQLite computes it, since ALTER TABLE can
 * add nothing else there. An index makes both checks cheap; MariaDB and MySQL make it by themselves.
 */
export function columnForeignKey(dialect: Dialect, column: TriggerColumn): Statements {
  const table = tableName(dialect, column);
  const generated = quoted(dialect, `${column.column}_id`);
  const value = `GENERATED ALWAYS AS (${descriptorId(dialect, quoted(dialect, column.column))})`;
  const key = quoted(dialect, nameFor(column, 'file'));
  const constraint = `CONSTRAINT ${key} FOREIGN KEY (${generated}) REFERENCES file_ledger (id)`;
  if (dialect === 'mysql') {
    // Both sides of a foreign key must be of one collation.
    const type = 'varchar(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
    return {
      create: [`ALTER TABLE ${table} ADD COLUMN ${generated} ${type} ${value} STORED, ADD ${constraint}`],
      drop: [`ALTER TABLE ${table} DROP FOREIGN KEY ${key}`, `ALTER TABLE ${table} DROP COLUMN ${generated}`],
    };
  }
  const prefix = table.slice(0, -quoted(dialect, column.table).length);
  const index = `CREATE INDEX ${dialect === 'sqlite' ? prefix : ''}${key} ON ${dialect === 'sqlite' ? quoted(dialect, column.table) : table} (${generated})`;
  if (dialect === 'sqlite') {
    return {
      create: [
        `ALTER TABLE ${table} ADD COLUMN ${generated} varchar(36) ${value} VIRTUAL REFERENCES file_ledger (id)`,
        index,
      ],
      drop: [`DROP INDEX ${prefix}${key}`, `ALTER TABLE ${table} DROP COLUMN ${generated}`],
    };
  }
  return {
    create: [`ALTER TABLE ${table} ADD COLUMN ${generated} varchar(36) ${value} STORED, ADD ${constraint}`, index],
    drop: [`ALTER TABLE ${table} DROP COLUMN ${generated}`],
  };
}
