import { TransactionContext, type Connection, type EntityManager, type MikroORM } from '@mikro-orm/core';
import { FileFieldError } from '../../errors.js';
import type { LedgerConnection, SqlResult } from '../../ledger/connection.js';
import { databaseBusy } from '../../ledger/database-busy.js';
import { databaseFailed } from '../../ledger/database-failed.js';
import type { Dialect } from '../../ledger/dialect.js';
import { retried } from '../../ledger/retry.js';

const dialects: readonly (readonly [RegExp, Dialect])[] = [
  [/postgres/i, 'postgres'],
  [/mysql|mariadb/i, 'mysql'],
  [/sqlite|libsql/i, 'sqlite'],
];

/** How the database of this entity manager wants its SQL. Throws `unsupported`. */
export function dialectOf(em: EntityManager): Dialect {
  const names: string[] = [];
  // MariaDB's platform is a MySQL platform, PGlite's a PostgreSQL one: the family tells.
  for (let of: unknown = em.getPlatform(); of; of = Object.getPrototypeOf(of))
    names.push((of as object).constructor.name);
  for (const [pattern, dialect] of dialects) if (names.some((name) => pattern.test(name))) return dialect;
  throw new FileFieldError(
    'unsupported',
    `filefield keeps its ledger in SQLite, PostgreSQL, MySQL or MariaDB, not in that of ${names[0]}.`,
  );
}

/** The transaction that an entity manager is in; outside of one, each statement is committed at once. */
export function transactionOf(em: EntityManager, dialect: Dialect): LedgerConnection {
  return {
    dialect,
    execute: (sql, parameters) => run(em.getConnection(), sql, parameters, em.getTransactionContext()),
  };
}

/** Statements that are committed at once, on a connection that no transaction of the application uses. */
export function databaseOf(orm: MikroORM): LedgerConnection {
  const dialect = dialectOf(orm.em);
  return {
    dialect,
    shared: dialect === 'sqlite',
    personal: dialect === 'sqlite',
    async execute(sql, parameters) {
      try {
        if (dialect !== 'sqlite') return await retried(() => run(orm.em.getConnection(), sql, parameters));
        // The one connection is given to one transaction at a time: inside of it we would wait for ourselves.
        if (TransactionContext.getEntityManager(orm.em.name)?.isInTransaction()) throw databaseBusy('the current');
        return await inTime(retried(() => run(orm.em.getConnection(), sql, parameters)));
      } catch (cause) {
        throw cause instanceof FileFieldError ? cause : databaseFailed(cause);
      }
    },
  };
}

const patience = 5_000;

/**
 * What waits for longer may wait for its own caller, who began a transaction by hand. A statement that is given up and
 * runs after all does no harm: the ledger's are conditions on rows, and an intent without bytes is swept.
 */
async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(databaseBusy('a')), patience);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

async function run(
  connection: Connection,
  sql: string,
  parameters: readonly unknown[],
  transaction?: ReturnType<EntityManager['getTransactionContext']>,
): Promise<SqlResult> {
  if (/^SELECT/.test(sql)) {
    const rows: unknown = await connection.execute(sql, [...parameters], 'all', transaction);
    return { rows: rows as SqlResult['rows'], affected: 0 };
  }
  const result: unknown = await connection.execute(sql, [...parameters], 'run', transaction);
  return { rows: [], affected: Number((result as { affectedRows?: number | bigint }).affectedRows ?? 0) };
}
