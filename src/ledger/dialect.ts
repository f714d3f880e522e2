import type { SearchPaths } from './owner.js';
import { join, list, raw, sql, type Sql } from './sql.js';
import type { ColumnName, TriggerColumn } from './trigger-column.js';

/** The databases that can keep a ledger. `mysql` stands for MariaDB too. */
export type DialectName = 'sqlite' | 'postgres' | 'mysql';

/** Statements for a migration, and the ones that undo them, in order. */
export interface Statements {
  /** For the `up` of a migration. */
  readonly create: readonly string[];
  /** For its `down`. */
  readonly drop: readonly string[];
}

/** One statement that ends in conditions, and the condition on the row under which it runs. */
export interface TriggerStep {
  readonly when: string;
  readonly statement: string;
}

/** What the triggers of one column do. */
export interface TriggerSteps {
  readonly insert: readonly TriggerStep[];
  readonly update: readonly TriggerStep[];
  readonly delete: readonly TriggerStep[];
  /** Columns, quoted, whose change an UPDATE trigger must see. */
  readonly watched: readonly string[];
}

/** One object of a column's index. */
export interface IndexPart {
  /** What the catalogue calls it. */
  readonly name: string;
  readonly create: readonly string[];
  /** Absent where it goes with another part. */
  readonly drop?: string;
}

/** A generated column, by its plain name. */
export interface IdColumn {
  readonly name: string;
  readonly type: string;
  readonly expression: string;
}

/** The rows of a table by the id of their file. */
export interface IdQuery {
  /** The table as SQL wants it. */
  readonly table: string;
  /** The id, in the spelling of the index. */
  readonly id: Sql;
  /** Conditions of the rows that count; none or more. */
  readonly conditions: readonly Sql[];
}

/** Why a database refused a statement, as far as it matters to a caller. */
export type DatabaseFault = 'taken' | 'full' | 'too_large' | 'denied' | 'away';

/** The types of the two casts that the ledger needs. */
export type CastType = 'text' | 'integer';

/**
 * Everything that the databases say differently. One object per database in `dialects/`; no other file asks which
 * database it is.
 */
export interface Dialect {
  readonly name: DialectName;
  /** Milliseconds since 1970 by the database's clock: the only clock that all processes share. */
  readonly now: string;
  /** Text that differs between two ledgers, except where one is a physical copy of the other; see `identity.ts`. */
  readonly place: string;
  /** A SELECT of one row if a table exists in the schema of the connection; of none otherwise. */
  tableExists(name: string): Sql;
  /** Appended to a SELECT that must see the latest committed row, not the one of the transaction's snapshot. */
  readonly latest: string;
  /** The parameter of an index from 0, for drivers that take SQL as the database does. */
  placeholder(index: number): string;
  /** Appended to a SELECT that must pass over rows which another transaction has locked, instead of waiting for it. */
  readonly unlocked: string;
  /**
   * Run first, in the same transaction, so that a statement fails where row level security would hide rows from it, and
   * uses an index where there is one.
   */
  readonly unfiltered: string;
  quote(name: string): string;
  /** One member of the descriptor in a column of type json, jsonb or text, as text. */
  descriptorText(column: string, member: string): string;
  /** The same, and NULL instead of an error for a cell that is not JSON. */
  readableText(column: string, member: string): string;
  /** An INSERT that skips rows whose key is taken. `rows` is what follows INSERT INTO: table, columns, and rows. */
  insertNew(rows: Sql): Sql;
  cast(value: string, type: CastType): string;
  /** Two or more texts as a JSON array, spelled as JSON.stringify spells it. */
  jsonArray(texts: readonly string[]): string;
  /** True where the values differ or exactly one of them is NULL. */
  differ(one: string, other: string): string;
  /**
   * A table and its indexes, unless it exists. `indexes` are columns by the name of the index. Text is compared byte for
   * byte on every database.
   */
  table(name: string, columns: readonly string[], indexes: Readonly<Record<string, string>>): readonly string[];
  /** A statement of a trigger that makes the write fail unless such an entry exists, as other transactions left it last. */
  refuseUnlessEntry(condition: string, message: string): string;
  /** Absent where a name without a schema is always the same table. */
  readonly searchPaths?: SearchPaths;
  /** Triggers of one file column; `create` replaces triggers of the same names. */
  triggers(column: TriggerColumn, steps: TriggerSteps): Statements;
  /** An index on the ids of a file column, of which `idsAmong` makes use. */
  index(column: ColumnName, online: boolean): readonly IndexPart[];
  /** The generated column with the id of a file column, where the database cannot index an expression. */
  idColumn?(column: string): IdColumn;
  /**
   * The SELECT of all generated columns of the tables of these columns: `home`, the schema as the names have it, or empty;
   * `owner`, the table; `name`; and `expression`.
   */
  generatedColumns?(names: readonly ColumnName[]): Sql;
  /** The SELECT, as `name`, of the columns of a table that the database sets to the time of every update. */
  selfUpdating?(table: ColumnName): Sql;
  /** The SELECT, as `member`, of the ids among these that rows have. */
  idsAmong(query: IdQuery, ids: readonly string[]): Sql;
  /**
   * A trigger on the ledger that refuses to delete the entry of a file that a row has, whatever hides the row from the role
   * that deletes. Absent on SQLite, where nothing can hide a row, and which would refuse to rename any table while a
   * trigger of another table names one that was dropped: the way in which TypeORM changes tables.
   */
  guard?(column: TriggerColumn, steps: TriggerSteps): Statements;
  /**
   * The SELECT, as `name`, of those of these triggers, indexes and generated columns that exist and work; `hiddenTriggers`
   * is among them where this role cannot see triggers.
   */
  catalog(tables: readonly string[], names: readonly string[]): Sql;
  /** Whether a driver's error says that a table or column does not exist, or that this role must not see all of it. */
  isHidden(error: object): boolean;
  /** Whether a driver's error says that a table or column does not exist, and not that it must not be seen. */
  isAbsent(error: object): boolean;
  /** Whether a driver's error says that a table does not exist. */
  isMissingTable(error: object): boolean;
  /**
   * What a driver's error says: a unique key is taken; the disk is full; the statement is too large; this role must not run
   * it; the database is away or overloaded, and the same statement may succeed later.
   */
  fault(error: object): DatabaseFault | undefined;
  /** Column types that keep any bytes, and text of up to 512 bytes that is compared and ordered by its bytes of UTF-8. */
  readonly types: { readonly bytes: string; readonly key: string };
  /** Bytes in the form in which the driver reads them fastest: bytes, or text in Base64. */
  readBytes(expression: Sql): Sql;
}

/** In the catalogue's answer: this role cannot see triggers. */
export const hiddenTriggers = '*';

/** The message of a guard: recognised by `isReferencedError`. */
export function guardMessage(column: ColumnName): string {
  return `referenced: a row of ${column.table}.${column.column} has this file`;
}

/** The events of triggers, in the order in which they are made. */
export const triggerEvents = ['insert', 'update', 'delete'] as const;
export type TriggerEvent = (typeof triggerEvents)[number];

/** The steps of one event in procedural SQL: PL/pgSQL and the trigger bodies of MariaDB and MySQL. */
export function conditionalSteps(steps: readonly TriggerStep[]): string {
  return steps.map(({ when, statement }) => `  IF ${when} THEN ${statement}; END IF;`).join('\n');
}

/** `AFTER UPDATE OF …`: the names of the watched columns keep the trigger away from writes to other columns. */
export function timing(event: TriggerEvent, { watched }: TriggerSteps): string {
  return event === 'update' ? `AFTER UPDATE OF ${[...new Set(watched)].join(', ')}` : `AFTER ${event.toUpperCase()}`;
}

/** `idsAmong` for databases that look up the values of an IN list in the index. */
export function idsInList({ table, id, conditions }: IdQuery, ids: readonly string[]): Sql {
  const where = join([sql`${id} IN (${list(ids)})`, ...conditions], ' AND ');
  return sql`SELECT ${id} AS member FROM ${raw(table)} WHERE ${where}`;
}

/** A table and its indexes, for databases that know `CREATE INDEX IF NOT EXISTS`. */
export function tableWithIndexes(
  name: string,
  columns: readonly string[],
  indexes: Readonly<Record<string, string>>,
): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${name} (\n  ${columns.join(',\n  ')}\n)`,
    ...Object.entries(indexes).map(([index, on]) => `CREATE INDEX IF NOT EXISTS ${index} ON ${name} (${on})`),
  ];
}
