import { TransactionContext, type Connection, type EntityManager } from '@mikro-orm/core';
import { FileFieldError, isFileFieldError } from '../../errors.js';
import {
  databaseBusy,
  databaseFailed,
  poolBusy,
  retried,
  type LedgerConnection,
  type SqlResult,
} from '../../ledger/connection.js';
import type { Dialect } from '../../ledger/dialect.js';
import { mysql, postgres, sqlite } from '../../ledger/dialects/index.js';
import { hasBytes, type Sql } from '../../ledger/sql.js';
import { insertBound, platformClasses } from './internals.js';

const dialects: readonly (readonly [RegExp, Dialect])[] = [
  [/postgres/i, postgres],
  [/mysql|mariadb/i, mysql],
  [/sqlite|libsql/i, sqlite],
];

/** The SQL of this entity manager's database. Throws `unsupported`. */
export function dialectOf(em: EntityManager): Dialect {
  const names = platformClasses(em);
  for (const [pattern, dialect] of dialects) if (names.some((name) => pattern.test(name))) return dialect;
  throw new FileFieldError(
    'unsupported',
    `filefield keeps its ledger in SQLite, PostgreSQL, MySQL or MariaDB, not in a database of ${names[0]}.`,
  );
}

/** The transaction that an entity manager is in; outside of one, each statement is committed at once. */
export function transactionOf(em: EntityManager, dialect: Dialect): LedgerConnection {
  return { dialect, execute: (statement) => run(em.getConnection('write'), statement, em.getTransactionContext()) };
}

/** A connection that commits each statement at once and that no transaction of the application uses. */
export function databaseOf({ em }: { readonly em: EntityManager }): LedgerConnection {
  const dialect = dialectOf(em);
  const isShared = dialect === sqlite;
  return {
    dialect,
    personal: isShared,
    async execute(statement, { patience, unfiltered = false } = {}) {
      try {
        // Never a replica: what it does not have yet would be deleted.
        const connection = em.getConnection('write');
        if (unfiltered && dialect.unfiltered !== '') return await runUnfiltered(connection, dialect, statement);
        const work = () =>
          retried(() => (hasBytes(statement) ? insert(connection, statement, dialect) : run(connection, statement)));
        if (!isShared) return patience === undefined ? await work() : await inTime(work(), patience, poolBusy);
        checkNotInTransaction(em);
        return await inTime(work(), sharedPatience, () => databaseBusy('a'));
      } catch (cause) {
        throw isFileFieldError(cause) ? cause : databaseFailed(cause, dialect);
      }
    },
    async transaction(work) {
      try {
        checkNotInTransaction(em);
        return await retried(() => inTransaction(em.getConnection('write'), dialect, work));
      } catch (cause) {
        throw isFileFieldError(cause) ? cause : databaseFailed(cause, dialect);
      }
    },
  };
}

/** Throws `busy` inside a transaction of SQLite's only connection: the caller would wait for itself. */
export function checkNotInTransaction(em: EntityManager): void {
  if (dialectOf(em) !== sqlite) return;
  if (TransactionContext.getEntityManager(em.name)?.isInTransaction()) throw databaseBusy('the current');
}

/** Milliseconds that a statement waits for the only connection. */
const sharedPatience = 5_000;

/**
 * Gives up after a while: a statement may wait for its own caller, who began a transaction by hand. If it runs later all the
 * same, it does no harm: the ledger's statements are conditions on rows, and an intent without bytes is swept.
 */
async function inTime<Result>(work: Promise<Result>, patience: number, busy: () => Error): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(busy()), patience);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

async function inTransaction<Result>(
  connection: Connection,
  dialect: Dialect,
  work: (transaction: LedgerConnection) => Promise<Result>,
): Promise<Result> {
  const transaction = await connection.begin();
  try {
    const result = await work({ dialect, execute: (statement) => run(connection, statement, transaction) });
    await connection.commit(transaction);
    return result;
  } catch (error) {
    // The first error matters more than a rollback on a connection that is lost.
    await connection.rollback(transaction).catch(() => undefined);
    throw error;
  }
}

async function runUnfiltered(connection: Connection, dialect: Dialect, statement: Sql): Promise<SqlResult> {
  const transaction = await connection.begin();
  try {
    await connection.execute(dialect.unfiltered, [], 'run', transaction);
    return await run(connection, statement, transaction);
  } finally {
    // It only reads.
    await connection.rollback(transaction);
  }
}

/** An INSERT makes its rows, or fails. */
async function insert(connection: Connection, statement: Sql, { placeholder }: Dialect): Promise<SqlResult> {
  await insertBound(connection, statement, placeholder);
  return { rows: [], affected: 1 };
}

async function run(
  connection: Connection,
  statement: Sql,
  transaction?: ReturnType<EntityManager['getTransactionContext']>,
): Promise<SqlResult> {
  // MikroORM replaces question marks itself, on every database.
  const text = statement.text();
  if (text.startsWith('SELECT')) {
    const rows: unknown = await connection.execute(text, [...statement.values], 'all', transaction);
    return { rows: rows as SqlResult['rows'], affected: 0 };
  }
  const result: unknown = await connection.execute(text, [...statement.values], 'run', transaction);
  return { rows: [], affected: Number((result as { affectedRows?: number | bigint }).affectedRows ?? 0) };
}
