import type { LedgerConnection } from './connection.js';
import { descriptorText, placeholders } from './dialect.js';
import type { FileReference } from './reference.js';

/** All file columns of a database: the truth about which files are in use. */
export class References {
  readonly all: readonly FileReference[];

  constructor(references: readonly FileReference[]) {
    // Entities that share a table share its columns; where one of them counts soft-deleted rows, they count.
    const columns = new Map<string, FileReference>();
    for (const reference of references) {
      const name = `${reference.table}.${reference.column}`;
      const other = columns.get(name);
      if (!other || other.counts !== undefined) columns.set(name, reference);
    }
    this.all = [...columns.values()];
  }

  /** Which of these ids some row refers to. One query per file column; an index on the id makes it cheap. */
  among(database: LedgerConnection, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#find(database, 'id', ids);
  }

  /** Which of these keys of a storage some row refers to; costs a look at every row. */
  amongKeys(database: LedgerConnection, storage: string, keys: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#find(database, 'key', keys, storage);
  }

  async #find(
    database: LedgerConnection,
    part: 'id' | 'key',
    values: readonly string[],
    storage?: string,
  ): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    if (values.length === 0) return found;
    for (const { table, column, counts } of this.all) {
      const value = descriptorText(database.dialect, column, part);
      const conditions = [`${value} IN (${placeholders(values)})`];
      if (counts) conditions.push(counts);
      if (storage !== undefined) conditions.push(`${descriptorText(database.dialect, column, 'storage')} = ?`);
      const { rows } = await database.execute(
        `SELECT ${value} AS found FROM ${table} WHERE ${conditions.join(' AND ')}`,
        storage === undefined ? values : [...values, storage],
      );
      for (const row of rows) found.add(String(row.found));
    }
    return found;
  }
}
