import { FileFieldError } from '../errors.js';
import type { LedgerConnection } from './connection.js';
import type { FileReference } from './file-reference.js';
import { any, join, list, raw, sql, type Sql } from './sql.js';

/** Entries of the ledger that this application may let go. */
export interface Claim {
  readonly owners: readonly string[];
  readonly slot: string;
  /** Only entries with a primary key, or only those without; all if undefined. */
  readonly keyed?: boolean;
}

/** What a sweep or a reconcile sees of the rows: it lets go of nothing else. */
export class Sight {
  static readonly none = new Sight([], [], [], []);

  /**
   * `columns`: the file columns of this application of which every row can be read. `others`: columns of tables of the same
   * names in other schemas, which are looked at too. `unread`: columns that may have more rows than can be read.
   */
  constructor(
    readonly columns: readonly FileReference[],
    private readonly others: readonly FileReference[],
    private readonly claims: readonly Claim[],
    readonly unread: readonly string[],
  ) {}

  /**
   * True for entries of a column that this application maps. Nearly all are, so this must not look like a condition for the
   * index of the owners: SQLite would prefer it to the index of what is due.
   */
  get isMapped(): Sql {
    const conditions = this.claims.map(({ owners, slot, keyed }) => {
      const key = keyed === undefined ? '' : ` AND owner_pk IS ${keyed ? 'NOT ' : ''}NULL`;
      const [owner, ...more] = owners;
      const isOwner = more.length === 0 ? sql`= ${owner}` : sql`IN (${list(owners)})`;
      return sql`(COALESCE(owner_type, '') ${isOwner} AND slot = ${slot}${raw(key)})`;
    });
    return conditions.length > 0 ? any(conditions) : raw('1 = 0');
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

  /**
   * The keys of these storages among these that some row refers to. Reads every row of every file column; rejects with
   * `database_failed` if it cannot.
   */
  async amongKeys(
    database: LedgerConnection,
    storages: readonly string[],
    keys: readonly string[],
  ): Promise<ReadonlySet<string>> {
    const { dialect } = database;
    if (keys.length === 0) return new Set();
    if (this.unread.length > 0) {
      throw new FileFieldError(
        'database_failed',
        `This application cannot see every row of ${this.unread.join(', ')}, so it cannot tell which objects are in use; use a role that may read the whole table.`,
      );
    }
    return this.#members(database, ({ table, column, counts }) => {
      const key = raw(dialect.readableText(column, 'key'));
      const conditions = [sql`${key} IN (${list(keys)})`, ...(counts ? [raw(counts)] : [])];
      conditions.push(sql`${raw(dialect.readableText(column, 'storage'))} IN (${list(storages)})`);
      return sql`SELECT ${key} AS member FROM ${raw(table)} WHERE ${join(conditions, ' AND ')}`;
    });
  }

  async #members(database: LedgerConnection, query: (reference: FileReference) => Sql): Promise<ReadonlySet<string>> {
    const members = new Set<string>();
    for (const reference of [...this.columns, ...this.others]) {
      const { rows } = await database.execute(query(reference), { unfiltered: true });
      for (const row of rows) members.add(String(row.member));
    }
    return members;
  }
}
