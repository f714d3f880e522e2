import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import { FileFieldError, isFileFieldError } from '../../errors.js';
import { nextTurn } from '../../file/promise.js';
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
import { flush, isIdle, isOutside, isTransactionLeftOpen, preparing } from './internals.js';

const dialects: Readonly<Record<string, Dialect>> = {
  postgres,
  'aurora-postgres': postgres,
  cockroachdb: postgres,
  mysql,
  mariadb: mysql,
  'aurora-mysql': mysql,
  sqlite,
  'better-sqlite3': sqlite,
  sqljs: sqlite,
  capacitor: sqlite,
  cordova: sqlite,
  expo: sqlite,
  nativescript: sqlite,
  'react-native': sqlite,
};

/** The SQL of the data source's database. Throws `unsupported`. */
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
  return { dialect, execute: (statement) => inTurn(runner, () => run(runner, dialect, statement)) };
}

/** A connection that commits each statement at once and that no transaction of the application uses. */
export function databaseOf(dataSource: DataSource): LedgerConnection {
  const dialect = dialectOf(dataSource);
  const runner = dataSource.createQueryRunner();
  // SQLite drivers have one query runner for everybody; the others take a connection when a runner is first used.
  if (runner !== dataSource.createQueryRunner()) return pooled(dataSource, dialect);
  const shared = new SharedConnection(runner, dialect);
  dataSource.subscribers.push(shared);
  return shared;
}

function pooled(dataSource: DataSource, dialect: Dialect): LedgerConnection {
  async function onRunner<Result>(
    work: (runner: QueryRunner) => Promise<Result>,
    { patience, tellsAfter = false }: { readonly patience?: number | undefined; readonly tellsAfter?: boolean } = {},
  ): Promise<Result> {
    // Never a replica: what it does not have yet would be deleted.
    const runner = dataSource.createQueryRunner('master');
    const client = await clientOf(runner, dialect, patience);
    try {
      if (!tellsAfter) await leaveTransaction(runner, client);
      return await work(runner);
    } catch (cause) {
      throw isFileFieldError(cause) ? cause : databaseFailed(cause, dialect);
    } finally {
      await runner.release();
    }
  }
  const { type } = dataSource.options;
  const answersTell = type === 'mysql' || type === 'mariadb';
  return {
    dialect,
    execute: (statement, { patience, unfiltered = false } = {}) => {
      const tellsAfter = answersTell && isChange(statement);
      const once = tellsAfter ? runOutside : run;
      return onRunner(
        (runner) => {
          if (unfiltered && dialect.unfiltered !== '') return runUnfiltered(runner, dialect, statement);
          return retried(() => once(runner, dialect, statement));
        },
        { patience, tellsAfter },
      );
    },
    transaction: (work) => onRunner((runner) => retried(() => inTransaction(runner, dialect, work))),
  };
}

async function inTransaction<Result>(
  runner: QueryRunner,
  dialect: Dialect,
  work: (transaction: LedgerConnection) => Promise<Result>,
): Promise<Result> {
  await runner.startTransaction();
  try {
    const result = await work(transactionOf(runner, dialect));
    await runner.commitTransaction();
    return result;
  } catch (error) {
    // The first error matters more than a rollback on a connection that is lost.
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  }
}

/** Takes a connection from the pool, in time if `patience` is given; a connection that comes too late is given back. */
async function clientOf(runner: QueryRunner, dialect: Dialect, patience: number | undefined): Promise<unknown> {
  const connecting: Promise<unknown> = runner.connect().catch((cause: unknown) => {
    throw databaseFailed(cause, dialect);
  });
  if (patience === undefined) return connecting;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // Not before it has come: TypeORM forgets a connection that arrives after its runner was released.
      connecting.then(() => runner.release()).catch(() => undefined);
      reject(poolBusy());
    }, patience);
  });
  try {
    return await Promise.race([connecting, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Ends a transaction that a former user of the connection left open: when a subscriber throws before a rollback, TypeORM
 * returns the connection to the pool like that. A statement of ours would be lost with it.
 */
async function leaveTransaction(runner: QueryRunner, client: unknown): Promise<void> {
  // Where the driver does not know, to ask the database costs as much as to roll back.
  if (!isIdle(client)) await runner.query('ROLLBACK');
}

/** Milliseconds that a statement waits for the only connection. */
const patience = 5_000;

/** Milliseconds at most in which a statement that can wait lets transactions go first. */
const longestLull = 5;

/**
 * The one connection of a SQLite driver, which may be inside a transaction of another request. A statement of ours would
 * be undone with that transaction, or see what is not committed: so it waits until there is none, and a transaction that
 * begins meanwhile waits until the statement has ended.
 */
class SharedConnection implements LedgerConnection, EntitySubscriberInterface {
  readonly #waiting = new Set<() => void>();
  /** Statements that have not ended yet. */
  readonly #running = new Set<Promise<unknown>>();

  constructor(
    private readonly runner: QueryRunner,
    readonly dialect: Dialect,
  ) {}

  /** TypeORM has marked the connection by now, so that no other statement begins, and waits before it sends BEGIN. */
  beforeTransactionStart(): Promise<unknown> | void {
    if (this.#running.size > 0) return Promise.allSettled(this.#running);
  }

  afterTransactionCommit(): void {
    this.#wake();
  }

  afterTransactionRollback(): void {
    this.#wake();
  }

  async execute(statement: Sql): Promise<SqlResult> {
    const until = performance.now() + patience;
    // Between the last look and the statement there must be no turn in which a transaction can begin.
    while (this.#isTaken) {
      if (performance.now() > until) throw databaseBusy('a');
      await this.#end();
    }
    const work = this.#run(statement);
    this.#running.add(work);
    try {
      return await work;
    } catch (cause) {
      throw databaseFailed(cause, this.dialect);
    } finally {
      this.#running.delete(work);
    }
  }

  async lull(): Promise<void> {
    const until = performance.now() + longestLull;
    do {
      if (this.#isTaken) await this.#end();
      // A transaction that waits in a queue begins in the same turn.
      await nextTurn();
    } while (this.#isTaken && performance.now() < until);
  }

  get #isTaken(): boolean {
    return this.runner.isTransactionActive || isTransactionLeftOpen(this.runner);
  }

  async #run(statement: Sql): Promise<SqlResult> {
    const result = await retried(() => run(this.runner, this.dialect, statement));
    await flush(this.runner);
    return result;
  }

  /** Resolves when a transaction has ended, or soon. */
  #end(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      // Some ends are not announced: a connection may be closed, a subscriber before this one may throw.
      setTimeout(resolve, 5);
    });
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

async function runUnfiltered(runner: QueryRunner, dialect: Dialect, statement: Sql): Promise<SqlResult> {
  await runner.query('BEGIN');
  try {
    await runner.query(dialect.unfiltered);
    return await run(runner, dialect, statement);
  } finally {
    // It only reads.
    await runner.query('ROLLBACK');
  }
}

/** True for a statement whose answer is a report of what it changed, and no rows. */
function isChange(statement: Sql): boolean {
  return !hasBytes(statement) && /^(?:INSERT|UPDATE|DELETE)\b/.test(statement.text(() => '?'));
}

/**
 * Runs a statement on a connection of MySQL that a former user may have left inside a transaction. The answer tells it, which
 * spares all others the round trip of a ROLLBACK: then the statement is undone with that transaction, and runs again. A
 * statement of the ledger that runs twice changes no more than once.
 */
async function runOutside(runner: QueryRunner, dialect: Dialect, statement: Sql): Promise<SqlResult> {
  let affected = 0;
  try {
    const first = await runner.query(statement.text(dialect.placeholder), [...statement.values], true);
    const outside = isOutside(first.raw);
    // What was inside is undone.
    if (outside !== false) affected = first.affected ?? 0;
    if (outside) return { rows: [], affected };
  } catch {
    // A transaction that only reads refuses it; any other failure comes again.
  }
  await runner.query('ROLLBACK');
  const second = await run(runner, dialect, statement);
  return { ...second, affected: Math.max(affected, second.affected) };
}

async function run(runner: QueryRunner, dialect: Dialect, statement: Sql): Promise<SqlResult> {
  const prepare = hasBytes(statement) ? preparing(await runner.connect()) : undefined;
  if (prepare) return { rows: [], affected: await prepare(statement.text(dialect.placeholder), statement.values) };
  const result = await runner.query(statement.text(dialect.placeholder), [...statement.values], true);
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
