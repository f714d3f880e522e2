import type { Dialect } from './dialect.js';

export interface SqlResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Rows changed by an INSERT, UPDATE or DELETE; meaningless for a SELECT. */
  readonly affected: number;
}

/**
 * The whole of what the ledger needs of an ORM: run one statement with `?` placeholders.
 *
 * There are two of them. The *database* commits each statement at once and is never part of anybody's transaction; the
 * *transaction* is the entity's own, so that its ROLLBACK takes our statements along.
 */
export interface LedgerConnection {
  readonly dialect: Dialect;
  /** Whether transactions of the application use this very connection too, as with SQLite. */
  readonly shared?: boolean;
  /** Whether it depends on who calls what a statement comes to, so that those of several callers cannot be one. */
  readonly personal?: boolean;
  execute(sql: string, parameters: readonly unknown[]): Promise<SqlResult>;
}
