import { FileFieldError } from '../errors.js';
import type { FileEvents } from '../events.js';
import { causes, type LedgerConnection } from './connection.js';
import { join, list, raw, sql, type Sql } from './sql.js';
import type { ColumnName } from './trigger-column.js';

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
  /** Table and column by their plain names; without them, neither protection nor a generated column is looked for. */
  readonly name?: ColumnName;
  /** The generated column with the id, quoted, where the database has one: found by `readable`. */
  readonly idColumn?: string;
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

/** True if one of the conditions is. In halves, since SQLite limits the depth of an expression to 1000. */
function any(conditions: readonly Sql[]): Sql {
  if (conditions.length <= 8) return sql`(${join(conditions, ' OR ')})`;
  const middle = Math.floor(conditions.length / 2);
  return sql`(${any(conditions.slice(0, middle))} OR ${any(conditions.slice(middle))})`;
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
    for (const reference of await withIdColumns(database, this.all)) {
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

  /**
   * True for entries of a column that this application maps. Nearly all are, so this must not look like a condition for the
   * index of the owners: SQLite would prefer it to the index of what is due.
   */
  get isMapped(): Sql {
    const columns = this.all.map(({ owner, slot }) => sql`(COALESCE(owner_type, '') = ${owner} AND slot = ${slot})`);
    return columns.length > 0 ? any(columns) : raw('1 = 0');
  }

  /** The ids among these that some row refers to. One query per file column, cheap where the column is protected. */
  async among(database: LedgerConnection, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { dialect } = database;
    if (ids.length === 0) return new Set();
    return this.#members(database, ({ table, column, counts, idColumn }) => {
      const id = raw(idColumn ?? dialect.readableText(column, 'id'));
      return dialect.idsAmong({ table, id, conditions: counts ? [raw(counts)] : [] }, ids);
    });
  }

  /** The keys of a storage among these that some row refers to. Reads every row of every file column. */
  async amongKeys(database: LedgerConnection, storage: string, keys: readonly string[]): Promise<ReadonlySet<string>> {
    const { dialect } = database;
    if (keys.length === 0) return new Set();
    return this.#members(database, ({ table, column, counts }) => {
      const key = raw(dialect.readableText(column, 'key'));
      const conditions = [sql`${key} IN (${list(keys)})`, ...(counts ? [raw(counts)] : [])];
      conditions.push(sql`${raw(dialect.readableText(column, 'storage'))} = ${storage}`);
      return sql`SELECT ${key} AS member FROM ${raw(table)} WHERE ${join(conditions, ' AND ')}`;
    });
  }

  async #members(database: LedgerConnection, query: (reference: FileReference) => Sql): Promise<ReadonlySet<string>> {
    const members = new Set<string>();
    for (const reference of this.all) {
      const { rows } = await database.execute(query(reference), { unfiltered: true });
      for (const row of rows) members.add(String(row.member));
    }
    return members;
  }
}

/**
 * Sets `idColumn` where the table has the generated column of `protectFiles`. A column of that name that holds anything else
 * would make every file look unused, so its expression is compared too.
 */
async function withIdColumns(
  database: LedgerConnection,
  references: readonly FileReference[],
): Promise<readonly FileReference[]> {
  const { dialect } = database;
  const tables = references.flatMap(({ name }) => (name ? [name.table] : []));
  if (!dialect.generatedColumns || tables.length === 0) return references;
  const { rows } = await database.execute(dialect.generatedColumns(tables));
  const generated = new Set(rows.map(({ owner, name, expression }) => plain([owner, name, expression])));
  return references.map((reference) => {
    const expected = reference.name && dialect.idColumn?.(reference.name.column);
    if (!expected || !generated.has(plain([reference.name?.table, expected.name, expected.expression])))
      return reference;
    return { ...reference, idColumn: dialect.quote(expected.name) };
  });
}

/** As MariaDB and MySQL print an expression, without what they add. */
function plain(parts: readonly unknown[]): string {
  return parts
    .map((part) =>
      String(part)
        .replace(/_utf8mb4|[\s`\\()]/g, '')
        .toLowerCase(),
    )
    .join(' ');
}

function unreadable(column: string, cause: unknown): FileFieldError {
  return new FileFieldError(
    'database_failed',
    `This application cannot see every row of ${column}, so it deletes no file of that column; sweep with a role that may read the whole table.`,
    { cause },
  );
}
