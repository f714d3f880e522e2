import type { DataSource, EntityManager } from 'typeorm';

/** Runs work in a transaction of its own, and resolves to its result once the transaction is committed. */
export type TransactionQueue = <Result>(work: (manager: EntityManager) => Promise<Result>) => Promise<Result>;

/**
 * Runs transactions one after the other. TypeORM has a single connection to a SQLite database: two requests that save at the
 * same time end up in one transaction, and the rollback of one undoes the row of the other. Use the queue for every write
 * to SQLite. On PostgreSQL, MariaDB and MySQL each transaction has a connection of its own: `dataSource.transaction` is enough.
 *
 * @example
 * ```ts
 * import { transactionQueue } from 'filefield/typeorm';
 * import type { DataSource } from 'typeorm';
 *
 * declare const dataSource: DataSource;
 * declare class Document { title: string }
 * const transaction = transactionQueue(dataSource);
 * const document = await transaction((manager) => manager.save(Document, { title: 'Plan' }));
 * ```
 */
export function transactionQueue(dataSource: DataSource): TransactionQueue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const transaction = last.then(() => dataSource.transaction(work));
    last = transaction.catch(() => undefined);
    return transaction;
  };
}
