import type { QueryRunner } from 'typeorm';

/**
 * What TypeORM 0.3.20 to 1.x keeps private and this package needs. Nothing else in this folder reads private members.
 */

/**
 * True while a transaction is open that TypeORM has forgotten: a subscriber that throws before a savepoint makes
 * `isTransactionActive` false, but does not end the transaction around it.
 */
export function isTransactionLeftOpen(runner: QueryRunner): boolean {
  return ((runner as unknown as { readonly transactionDepth?: number }).transactionDepth ?? 0) > 0;
}

/** Whether a connection of PostgreSQL is idle; undefined where the driver does not know. */
export function isIdle(client: unknown): boolean | undefined {
  const status = (client as { getTransactionStatus?(): string | null } | undefined)?.getTransactionStatus?.();
  return status === undefined || status === null ? undefined : status === 'I';
}

/** True for a condition such as `IsNull()` in place of a value. Marked so by both majors. */
export function isFindOperator(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '@instanceof' in value;
}
