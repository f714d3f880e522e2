/** What databases say differently, as far as the ledger needs it. `mysql` stands for MariaDB too. */
export type Dialect = 'sqlite' | 'postgres' | 'mysql';

/** Milliseconds since 1970 by the database's clock: the only one that all processes share. */
export const now: Readonly<Record<Dialect, string>> = {
  sqlite: `CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)`,
  // Not now(): that is when the transaction began, which may be long ago.
  postgres: `CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`,
  mysql: `CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)`,
};

/** A text out of a descriptor column of type json, jsonb or text. */
export function descriptorText(dialect: Dialect, column: string, name: string): string {
  if (dialect === 'postgres') return `(CAST(${column} AS jsonb) ->> '${name}')`;
  if (dialect === 'mysql') return `JSON_UNQUOTE(JSON_EXTRACT(${column}, '$.${name}'))`;
  return `json_extract(${column}, '$.${name}')`;
}

/** The ledger id inside a descriptor column. */
export function descriptorId(dialect: Dialect, column: string): string {
  return descriptorText(dialect, column, 'id');
}

/** An INSERT that does nothing where the primary key is taken. `statement` starts with `INSERT INTO`. */
export function insertOnce(dialect: Dialect, statement: string): string {
  return dialect === 'mysql'
    ? statement.replace('INSERT INTO', 'INSERT IGNORE INTO')
    : `${statement} ON CONFLICT DO NOTHING`;
}

/** `?, ?, ?` for an IN list. */
export function placeholders(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}
