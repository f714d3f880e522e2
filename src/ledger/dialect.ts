import type { Sql } from './sql.js';
import type { TriggerColumn } from './trigger-column.js';

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
  /** Text that differs between two databases, except where one is a physical copy of the other; see `identity.ts`. */
  readonly place: string;
  /** A SELECT of one row if a table exists in the schema of the connection; of none otherwise. */
  tableExists(name: string): Sql;
  /** Appended to a SELECT that must see the latest committed row, not the one of the transaction's snapshot. */
  readonly latest: string;
  /** The parameter of an index from 0, for drivers that take SQL as the database does. */
  placeholder(index: number): string;
  /** Appended to a SELECT that must pass over rows which another transaction has locked, instead of waiting for it. */
  readonly unlocked: string;
  /** Run first, in the same transaction, so that a statement fails where row level security would hide rows from it. */
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
  /** A statement of a trigger that makes the write fail with a message unless the entry exists. */
  refuseUnless(exists: string, message: string): string;
  /** Triggers of one file column; `create` replaces triggers of the same names. */
  triggers(column: TriggerColumn, steps: TriggerSteps): Statements;
  /** A generated column with the file's id and a foreign key to the ledger. */
  foreignKey(column: TriggerColumn): Statements;
  /** Whether a driver's error says that a table or column does not exist, or that this role must not see all of it. */
  isHidden(error: object): boolean;
  /** Whether a driver's error says that a table or column does not exist, and not that it must not be seen. */
  isAbsent(error: object): boolean;
  /** Whether a driver's error says that a table does not exist. */
  isMissingTable(error: object): boolean;
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
