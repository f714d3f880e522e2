/** A file column in the database: where the truth about what is referenced is read. */
export interface FileReference {
  /** Table as SQL wants it, quoted and with its schema. */
  readonly table: string;
  /** Column as SQL wants it, quoted. */
  readonly column: string;
  /** The table's plain name: `owner_type` in the ledger. */
  readonly owner: string;
  /** The column's plain name: `slot` in the ledger. */
  readonly slot: string;
  /** The columns of the primary key, quoted; absent where their values are not what the ORM shows. */
  readonly keys?: readonly string[];
  /** Condition of rows that count, where soft-deleted ones do not keep their files. */
  readonly counts?: string;
}

/** The one place of one row that a stored file belongs to. */
export interface Slot {
  readonly owner: string;
  /** Primary key as text; the parts of a composite one as a JSON array. */
  readonly pk: string;
  readonly slot: string;
}

/** The text under which the ledger keeps a primary key. */
export function ownerKey(parts: readonly unknown[]): string {
  return parts.length === 1 ? String(parts[0]) : JSON.stringify(parts.map(String));
}

/** A condition that holds while a row is there: an UPDATE of a row that another transaction has deleted is no error. */
export interface RowCondition {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** That condition, where the key is one that every driver compares as it is. */
export function rowExists({ table, keys }: FileReference, key: readonly unknown[]): RowCondition | undefined {
  if (!keys || keys.length !== key.length) return undefined;
  if (!key.every((part) => ['string', 'number', 'bigint'].includes(typeof part))) return undefined;
  return {
    sql: `EXISTS (SELECT 1 FROM ${table} WHERE ${keys.map((column) => `${column} = ?`).join(' AND ')})`,
    parameters: key,
  };
}
