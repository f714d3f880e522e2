import { FileFieldError } from '../errors.js';
import type { StoredFile } from '../file/stored-file.js';
import type { LedgerConnection } from '../ledger/connection.js';
import type { Ledger } from '../ledger/ledger.js';
import { retentionTime } from '../ledger/policies.js';
import { ownerKey } from '../ledger/file-reference.js';
import type { FileField } from './field.js';

/** Columns and values that rows must have. */
export type Conditions = Readonly<Record<string, unknown>>;

/** What a property can be compared with: values of its type, or what the ORM has for it: an operator, a list, an entity. */
export type Comparable<Value> =
  | object
  | (Value extends string ? string : never)
  | (Value extends boolean ? boolean : never)
  | (Value extends number ? number : never)
  | (Value extends bigint ? bigint | number | string : never)
  // A relation by its key, a date as text.
  | (Value extends object ? string | number | bigint : never)
  | (Value extends null ? null : never);

/** The properties of an entity that are no methods. */
export type ColumnOf<Entity> = {
  [Property in keyof Entity & string]: Entity[Property] extends (...values: never[]) => unknown ? never : Property;
}[keyof Entity & string];

/** Conditions for rows of an entity, at least one. */
export type RowConditions<Entity> = {
  [Required in ColumnOf<Entity>]: Readonly<Record<Required, Comparable<Entity[Required]>>> & {
    readonly [Property in ColumnOf<Entity>]?: Comparable<Entity[Property]>;
  };
}[ColumnOf<Entity>];

/**
 * True if every condition restricts the rows. An ORM may ignore a condition without a value, or read it as "is null", and
 * then matches more than was meant. Operators of an ORM are values of their own classes and are not looked into.
 */
export function isRestrictive(conditions: Conditions): boolean {
  const values = Object.values(conditions);
  return values.length > 0 && values.every((value) => value === null || hasValue(value));
}

function hasValue(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (Array.isArray(value)) return value.length > 0 && value.every(hasValue);
  if (typeof value !== 'object') return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return true;
  const inner = Object.values(value);
  return inner.length > 0 && inner.every(hasValue);
}

/** A row that is about to be deleted. */
export interface MatchingRow {
  /** The primary key, in the order of the entity's metadata. */
  readonly key: readonly unknown[];
  /** The files that the row has, by their fields. */
  readonly held: ReadonlyMap<FileField, StoredFile>;
  /** What the ORM needs to delete it. */
  readonly entity: object;
}

/** Rows that match a condition, inside one transaction. */
export interface MatchingRows {
  readonly fields: readonly FileField[];
  readonly transaction: LedgerConnection;
  /** Loads and locks at most this many. */
  find(count: number): Promise<readonly MatchingRow[]>;
  delete(rows: readonly MatchingRow[]): Promise<void>;
}

const batch = 500;

/** Deletes all rows that match, and releases their files in the same transaction. Resolves to the number of rows. */
export async function deleteMatching(ledger: Ledger, matching: MatchingRows): Promise<number> {
  let last = '';
  for (let count = 0; ;) {
    const rows = await matching.find(batch);
    if (rows.length === 0) return count;
    const keys = JSON.stringify(rows.map(({ key }) => ownerKey(key)));
    if (last === keys) {
      throw new FileFieldError(
        'database_failed',
        'Rows are still there after they were deleted; look for a trigger or rule of the database that keeps them.',
      );
    }
    last = keys;
    await matching.delete(rows);
    for (const field of matching.fields) await releaseFiles(ledger, matching.transaction, field, rows);
    count += rows.length;
    if (rows.length < batch) return count;
  }
}

async function releaseFiles(
  ledger: Ledger,
  transaction: LedgerConnection,
  field: FileField,
  rows: readonly MatchingRow[],
): Promise<void> {
  const held = rows.map((row) => row.held.get(field));
  await ledger.releaseMany(transaction, field.reference, {
    keys: rows.map(({ key }) => ownerKey(key)),
    known: held.flatMap((file) => (file ? [file.id] : [])),
    retain: retentionTime(field.options.onDelete, ledger.grace),
  });
}
