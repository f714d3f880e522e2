import { setTimeout as delay } from 'node:timers/promises';
import { FileFieldError } from '../errors.js';
import type { Dialect } from './dialect.js';
import type { Sql } from './sql.js';

/** The result of one statement. */
export interface SqlResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Rows changed by an INSERT, UPDATE or DELETE; meaningless for a SELECT. */
  readonly affected: number;
}

/** How a statement is run. */
export interface ExecuteOptions {
  /**
   * Milliseconds to wait for a connection of the pool before it rejects with `busy`: for the short statements of uploads,
   * which a request waits for.
   * @default as long as the pool waits
   */
  readonly patience?: number;
  /**
   * Fail instead of leaving out rows that a policy hides from the role. What decides about deleting must see every row.
   * @default false
   */
  readonly unfiltered?: boolean;
}

/**
 * What the ledger needs from an ORM: to run one statement.
 *
 * There are two kinds of connection. The *database* commits each statement at once and is never part of a transaction of
 * the application. The *transaction* is the entity's own, so its ROLLBACK undoes the ledger's statements too.
 */
export interface LedgerConnection {
  readonly dialect: Dialect;
  /** True if a statement's result depends on the caller's async context; statements of different callers must not be batched. */
  readonly personal?: boolean;
  /** Runs one statement. */
  execute(statement: Sql, options?: ExecuteOptions): Promise<SqlResult>;
  /**
   * Runs work in a transaction of its own, again if the database undid it for the sake of another one. Absent where the
   * database has one connection for everybody, whose transactions would mix, and on the connection of a transaction.
   */
  transaction?<Result>(work: (transaction: LedgerConnection) => Promise<Result>): Promise<Result>;
  /**
   * Resolves when no transaction of the application waits for the connection, or after some milliseconds. For statements
   * that are put together meanwhile; absent where each transaction has a connection of its own.
   */
  lull?(): Promise<void>;
}

/**
 * The error for a statement that must not run inside a transaction while the only connection to a SQLite database is in
 * one: it has waited, and gives up.
 */
export function databaseBusy(which: 'a' | 'the current'): FileFieldError {
  return new FileFieldError(
    'busy',
    `The only connection to this SQLite database is in ${which} transaction; stage and sweep before you open one.`,
  );
}

/** The error for a statement that got no connection of the pool in time. */
export function poolBusy(): FileFieldError {
  return new FileFieldError(
    'busy',
    'No connection of the database pool became free in time; stage before you open a transaction, or raise the size of the pool.',
  );
}

/** The error for a ledger statement that failed outside of an application's transaction. */
export function databaseFailed(cause: unknown, dialect: Dialect): FileFieldError {
  // A guard may look at a table that was dropped without unprotectFiles().
  const missing = causes(cause).some(
    (error) =>
      dialect.isMissingTable(error) && /file_(ledger|trash|state|fence)/.test(String((error as Error).message)),
  );
  const message = missing
    ? 'The tables of the file ledger are missing; run the migration that calls createLedger().'
    : 'A statement of the file ledger failed; the cause is what the database or its driver said.';
  return new FileFieldError('database_failed', message, { cause });
}

/** The codes of statements that a database undid so that another one could go on. */
const undone = new Set<unknown>(['40P01', '40001', 'ER_LOCK_DEADLOCK', 'ER_CHECKREAD', 'SQLITE_BUSY', 'SQLITE_LOCKED']);

/**
 * Runs a statement that is a transaction of its own, and runs it again when the database undid it for the sake of another
 * one: sweepers and writers deadlock now and then, on MariaDB above all.
 */
export async function retried<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const again = causes(error).some((cause) => 'code' in cause && undone.has(cause.code));
      if (tries >= 10 || !again) throw error;
      // A random wait, so that the two do not meet again.
      await delay(Math.random() * 10 * tries);
    }
  }
}

/**
 * True if the database refused to delete a ledger entry whose file a row has. Guards begin their message with "referenced";
 * an application may have a foreign key of its own, of which all databases say "foreign key".
 */
export function isReferencedError(error: unknown): boolean {
  return causes(error).some((cause) => 'message' in cause && /referenced: |foreign key/i.test(String(cause.message)));
}

/** An error and the errors inside it: each ORM wraps what the driver threw in its own way. */
export function causes(error: unknown, depth = 0): readonly object[] {
  // Not `instanceof Error`: drivers may throw errors of another realm.
  if (typeof error !== 'object' || error === null || depth > 4) return [];
  const { cause, driverError } = error as { cause?: unknown; driverError?: unknown };
  return [error, ...causes(driverError, depth + 1), ...causes(cause, depth + 1)];
}
