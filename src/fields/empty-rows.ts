import { FileFieldError } from '../errors.js';
import type { LedgerConnection } from '../ledger/connection.js';
import { join, raw, sql, type Sql } from '../ledger/sql.js';
import type { FileField } from './field.js';

/** The rows of a field's table whose file column is NULL. */
export interface EmptyRows {
  count(): Promise<number>;
  /** Their primary keys, in their order, page by page. A row that gets a file meanwhile is left out. */
  pages(): AsyncGenerator<readonly (readonly unknown[])[], void, undefined>;
}

/** Throws `unsupported` for a table without a primary key that can be compared. */
export function emptyRows(database: LedgerConnection, { entity, reference }: FileField, page: number): EmptyRows {
  const { table, column, counts, keys = [] } = reference;
  if (keys.length === 0) throw unsupported(entity);
  const names = raw(keys.map((key, index) => `${key} AS k${index}`).join(', '));
  const order = raw(keys.join(', '));
  const isEmpty = [sql`${raw(column)} IS NULL`, ...(counts ? [raw(counts)] : [])];

  async function* pages(): AsyncGenerator<readonly (readonly unknown[])[], void, undefined> {
    for (let last: readonly unknown[] | undefined; ;) {
      const where = join(last ? [...isEmpty, isAfter(keys, last)] : isEmpty, ' AND ');
      const { rows } = await database.execute(
        sql`SELECT ${names} FROM ${raw(table)} WHERE ${where} ORDER BY ${order} LIMIT ${page}`,
      );
      const found = rows.map((row) => keys.map((_, index) => row[`k${index}`]));
      if (found.flat().some((part) => !['string', 'number', 'bigint'].includes(typeof part))) throw unsupported(entity);
      if (found.length > 0) yield found;
      if (found.length < page) return;
      last = found.at(-1);
    }
  }

  return {
    async count() {
      const { rows } = await database.execute(
        sql`SELECT COUNT(*) AS count FROM ${raw(table)} WHERE ${join(isEmpty, ' AND ')}`,
      );
      return Number(rows[0]?.count ?? 0);
    },
    pages,
  };
}

/** True for the rows after one of them, in the order of their keys. */
function isAfter(keys: readonly string[], last: readonly unknown[]): Sql {
  const steps = keys.map((key, index) => {
    const before = keys.slice(0, index).map((name, at) => sql`${raw(name)} = ${last[at]}`);
    return sql`(${join([...before, sql`${raw(key)} > ${last[index]}`], ' AND ')})`;
  });
  return sql`(${join(steps, ' OR ')})`;
}

function unsupported(entity: string): FileFieldError {
  return new FileFieldError(
    'unsupported',
    `${entity} needs a primary key of numbers or texts that the database holds as the entity does; adopt its objects with files.stage().`,
  );
}
