import type { Sql } from './sql.js';

/** A table that the ORM's statements name without a schema, so that the search path of the connection finds it. */
export interface PathTable {
  /** Its plain name. */
  readonly table: string;
  /**
   * The schema in which the owner is what the metadata says; in all others it is `schema.table`.
   * @default the schema of the ledger
   */
  readonly home?: string;
}

/** A file column by its names in the ledger. */
export interface OwnedColumn {
  /** `owner_type` in the ledger: the table's plain name, or `schema.table`. */
  readonly owner: string;
  /** `slot` in the ledger: the column's plain name. */
  readonly slot: string;
  /** Set where a search path may find the table. */
  readonly onPath?: PathTable | undefined;
}

/** One file field of one row. */
export interface OwnedSlot extends OwnedColumn {
  /** Primary key as text; the parts of a composite one as a JSON array. */
  readonly pk: string;
}

/** What only a database with search paths says. */
export interface SearchPaths {
  /** The owner of the table that the search path of the statement finds; the one at home if it finds none. */
  ownerOnPath(owner: string, table: PathTable): Sql;
  /** In a trigger, the owner of the table that has it; for a partition, of its parent. */
  ownerInTrigger(table: string): Sql;
  /**
   * The SELECT of the tables of all schemas that have the names and columns of these and whose rows use this ledger:
   * `place`, the index in the list; `schema`; `owner`; and `found`, 1 for the one that the search path finds.
   */
  tables(columns: readonly OwnedColumn[]): Sql;
}

/** The owner as a value of SQL: where a search path finds the table, the statement itself resolves it. */
export function ownerTerm(paths: SearchPaths | undefined, { owner, onPath }: OwnedColumn): string | Sql {
  return paths && onPath ? paths.ownerOnPath(owner, onPath) : owner;
}
