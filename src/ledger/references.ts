import { FileFieldError } from '../errors.js';
import type { FileEvents } from '../events.js';
import { causes, type LedgerConnection } from './connection.js';
import { join, list, raw, sql, type Sql } from './sql.js';

/** A file column of a table: the rows tell which files are referred to. */
export interface FileReference {
  /** Table as SQL wants it, quoted and with its schema. */
  readonly table: string;
  /** Column as SQL wants it, quoted. */
  readonly column: string;
  /** The table's plain name: `owner_type` in the ledger. */
  readonly owner: string;
  /** The column's plain name: `slot` in the ledger. */
  readonly slot: string;
  /** The columns of the primary key, quoted; absent where the database holds other values than the entity. */
  readonly keys?: readonly string[];
  /** Condition of the rows whose files count as referred to, where soft-deleted rows release their files. */
  readonly counts?: string;
}

/** The text under which the ledger keeps a primary key: the value, or a JSON array of the parts of a composite key. */
export function ownerKey(parts: readonly unknown[]): string {
  return parts.length === 1 ? String(parts[0]) : JSON.stringify(parts.map(String));
}

/**
 * A condition that holds while a row exists, since an UPDATE of a row that another transaction has deleted is no error.
 * Undefined where the key is not one that every driver compares as it is.
 */
export function rowExists({ table, keys }: FileReference, key: readonly unknown[]): Sql | undefined {
  if (!keys || keys.length !== key.length) return undefined;
  if (!key.every((part) => ['string', 'number', 'bigint'].includes(typeof part))) return undefined;
  const conditions = keys.map((column, index) => sql`${raw(column)} = ${key[index]}`);
  return sql`EXISTS (SELECT 1 FROM ${raw(table)} WHERE ${join(conditions, ' AND ')})`;
}

/** All file columns that an application maps: the truth about which files are in use. */
export class References {
  readonly all: readonly FileReference[];
  /** Columns that could not be read the last time. */
  readonly #unreadable = new Set<string>();

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

  /**
   * The columns of which every row can be seen: the table exists, and neither missing rights nor row level security hide
   * rows from this role. The first time that a column cannot be read is a `fault`.
   */
  async readable(database: LedgerConnection, events: FileEvents): Promise<References> {
    const readable: FileReference[] = [];
    for (const reference of this.all) {
      const { table, column, owner, slot } = reference;
      const name = `${owner}.${slot}`;
      try {
        await database.execute(sql`SELECT ${raw(column)} FROM ${raw(table)} WHERE 1 = 0`, { unfiltered: true });
        readable.push(reference);
        this.#unreadable.delete(name);
      } catch (cause) {
        if (!causes(cause).some((error) => database.dialect.isHidden(error))) throw cause;
        if (!this.#unreadable.has(name)) events.emit('fault', unreadable(name, cause));
        this.#unreadable.add(name);
      }
    }
    return new References(readable);
  }

  /** True for entries of a column that this application maps. */
  get isMapped(): Sql {
    const columns = this.all.map(({ owner, slot }) => sql`(owner_type = ${owner} AND slot = ${slot})`);
    return columns.length > 0 ? sql`(${join(columns, ' OR ')})` : raw('1 = 0');
  }

  /** The ids among these that some row refers to. One query per file column; an index on the id makes it cheap. */
  among(database: LedgerConnection, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#find(database, 'id', ids);
  }

  /** The keys of a storage among these that some row refers to. Reads every row of every file column. */
  amongKeys(database: LedgerConnection, storage: string, keys: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#find(database, 'key', keys, storage);
  }

  async #find(
    database: LedgerConnection,
    member: 'id' | 'key',
    values: readonly string[],
    storage?: string,
  ): Promise<ReadonlySet<string>> {
    const referenced = new Set<string>();
    if (values.length === 0) return referenced;
    for (const { table, column, counts } of this.all) {
      const value = raw(database.dialect.readableText(column, member));
      const conditions = [sql`${value} IN (${list(values)})`];
      if (counts) conditions.push(raw(counts));
      if (storage !== undefined) {
        conditions.push(sql`${raw(database.dialect.readableText(column, 'storage'))} = ${storage}`);
      }
      const { rows } = await database.execute(
        sql`SELECT ${value} AS member FROM ${raw(table)} WHERE ${join(conditions, ' AND ')}`,
        { unfiltered: true },
      );
      for (const row of rows) referenced.add(String(row.member));
    }
    return referenced;
  }
}

function unreadable(column: string, cause: unknown): FileFieldError {
  return new FileFieldError(
    'database_failed',
    `This application cannot see every row of ${column}, so it deletes no file of that column; sweep with a role that may read the whole table.`,
    { cause },
  );
}
