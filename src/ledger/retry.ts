import { setTimeout as delay } from 'node:timers/promises';

/** What databases say when they have undone a statement so that another one can go on. */
const undone = new Set<unknown>(['40P01', '40001', 'ER_LOCK_DEADLOCK', 'ER_CHECKREAD', 'SQLITE_BUSY', 'SQLITE_LOCKED']);

/**
 * Runs a statement that is a transaction of its own again when it was undone for the sake of another: several sweepers
 * and writers deadlock now and then, on MariaDB above all.
 */
export async function retried<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries >= 10 || !wasUndone(error)) throw error;
      // Not in step with the other one.
      await delay(Math.random() * 10 * tries);
    }
  }
}

/** ORMs wrap what the driver threw, each in its own way. */
function wasUndone(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 3) return false;
  const { code, cause, driverError } = error as { code?: unknown; cause?: unknown; driverError?: unknown };
  return undone.has(code) || wasUndone(driverError, depth + 1) || wasUndone(cause, depth + 1);
}
