import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import { FileFieldError } from '../../errors.js';
import type { LedgerConnection, SqlResult } from '../../ledger/connection.js';
import { databaseBusy } from '../../ledger/database-busy.js';
import { databaseFailed } from '../../ledger/database-failed.js';
import type { Dialect } from '../../ledger/dialect.js';
import { retried } from '../../ledger/retry.js';

const dialects: Readonly<Record<string, Dialect>> = {
  postgres: 'postgres',
  'aurora-postgres': 'postgres',
  cockroachdb: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  'aurora-mysql': 'mysql',
  sqlite: 'sqlite',
  'better-sqlite3': 'sqlite',
  sqljs: 'sqlite',
  capacitor: 'sqlite',
  cordova: 'sqlite',
  expo: 'sqlite',
  nativescript: 'sqlite',
  'react-native': 'sqlite',
};

/** How the data source's database wants its SQL. Throws `unsupported`. */
export function dialectOf(dataSource: DataSource): Dialect {
  const { type } = dataSource.options;
  const dialect = dialects[type];
  if (dialect) return dialect;
  throw new FileFieldError(
    'unsupported',
    `filefield keeps its ledger in SQLite, PostgreSQL, MySQL or MariaDB, not in "${type}".`,
  );
}

/** The transaction that a query runner is in, one statement at a time. */
export function transactionOf(runner: QueryRunner, dialect: Dialect): LedgerConnection {
  return { dialect, execute: (sql, parameters) => inTurn(runner, () => run(runner, dialect, sql, parameters)) };
}

/** Statements that are committed at once, on a connection that no transaction of the application uses. */
export function databaseOf(dataSource: DataSource): LedgerConnection {
  const dialect = dialectOf(dataSource);
  const first = dataSource.createQueryRunner();
  // SQLite drivers have one query runner for everybody; the others take a connection when they are first used.
  if (first !== dataSource.createQueryRunner()) return pooled(dataSource, dialect);
  const shared = new SharedConnection(first, dialect);
  dataSource.subscribers.push(shared);
  return shared;
}

function pooled(dataSource: DataSource, dialect: Dialect): LedgerConnection {
  return {
    dialect,
    async execute(sql, parameters) {
      const runner = dataSource.createQueryRunner();
      try {
        await leaveTransaction(runner);
        return await retried(() => run(runner, dialect, sql, parameters));
      } catch (cause) {
        throw databaseFailed(cause);
      } finally {
        await runner.release();
      }
    },
  };
}

/**
 * A subscriber that throws before a rollback leaves its transaction open, and TypeORM gives the connection back to the
 * pool like that. An intent written there would be gone with it.
 */
async function leaveTransaction(runner: QueryRunner): Promise<void> {
  const client = (await runner.connect()) as { getTransactionStatus?(): string | null } | undefined;
  // Where the driver does not tell, asking would cost as much.
  if (client?.getTransactionStatus?.() !== 'I') await runner.query('ROLLBACK');
}

const patience = 5_000;

/**
 * The one connection of a SQLite driver, which may be inside a transaction of another request. Our statement would be
 * undone with it, or see what is not committed, so it waits until there is none; and runs again as often as a transaction
 * began meanwhile. Ledger statements are conditions on rows: repeating one that took effect changes nothing.
 */
class SharedConnection implements LedgerConnection, EntitySubscriberInterface {
  readonly shared = true;
  readonly #waiting = new Set<() => void>();
  /** Transactions that were begun so far. */
  #begun = 0;

  constructor(
    private readonly runner: QueryRunner,
    readonly dialect: Dialect,
  ) {}

  beforeTransactionStart(): void {
    this.#begun += 1;
  }

  afterTransactionCommit(): void {
    this.#wake();
  }

  afterTransactionRollback(): void {
    this.#wake();
  }

  async execute(sql: string, parameters: readonly unknown[]): Promise<SqlResult> {
    const until = performance.now() + patience;
    let affected = 0;
    try {
      for (;;) {
        await this.#idle(until);
        const begun = this.#begun;
        const result = await retried(() => run(this.runner, this.dialect, sql, parameters));
        affected = Math.max(affected, result.affected);
        if (this.#begun === begun) return { ...result, affected };
      }
    } catch (cause) {
      throw cause instanceof FileFieldError ? cause : databaseFailed(cause);
    }
  }

  /** A subscriber that throws before a savepoint makes TypeORM forget, but not end, the transaction around it. */
  get #isLeftOpen(): boolean {
    return ((this.runner as unknown as { transactionDepth?: number }).transactionDepth ?? 0) > 0;
  }

  async #idle(until: number): Promise<void> {
    while (this.runner.isTransactionActive || this.#isLeftOpen) {
      if (performance.now() > until) throw databaseBusy('a');
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        // Not every end is told: a connection may be closed, a subscriber before us may throw.
        setTimeout(resolve, 5);
      });
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

async function run(
  runner: QueryRunner,
  dialect: Dialect,
  sql: string,
  parameters: readonly unknown[],
): Promise<SqlResult> {
  let number = 0;
  const text = dialect === 'postgres' ? sql.replace(/\?/g, () => `$${++number}`) : sql;
  const result = await runner.query(text, [...parameters], true);
  return { rows: (result.records ?? []) as SqlResult['rows'], affected: result.affected ?? 0 };
}

const turns = new WeakMap<QueryRunner, Promise<unknown>>();

/** TypeORM runs the after-hooks of all entities of a save at once, on one connection. */
function inTurn<Result>(runner: QueryRunner, work: () => Promise<Result>): Promise<Result> {
  const turn = (turns.get(runner) ?? Promise.resolve()).then(work, work);
  turns.set(
    runner,
    turn.catch(() => undefined),
  );
  return turn;
}
