import type { LedgerConnection } from './connection.js';
import { descriptorId, placeholders } from './dialect.js';
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
  async among(database: LedgerConnection, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    if (ids.length === 0) return found;
    for (const { table, column, counts } of this.all) {
      const id = descriptorId(database.dialect, column);
      const sql = `SELECT ${id} AS id FROM ${table} WHERE ${id} IN (${placeholders(ids)})${counts ? ` AND ${counts}` : ''}`;
      for (const row of (await database.execute(sql, ids)).rows) found.add(String(row.id));
    }
    return found;
  }
}
