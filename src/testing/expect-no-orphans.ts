import { AssertionError } from 'node:assert';
import type { Files } from '../fields/files.js';
import type { ReconcileCursor, ReconcileReport } from '../ledger/reconcile.js';

/** Options of `expectNoOrphans`. */
export interface NoOrphansOptions {
  /**
   * Sweeps first. Files whose lease or grace has not ended stay.
   * @default false
   */
  readonly sweep?: boolean;
}

const meanings = {
  unreferenced: 'live in the ledger, but in no row',
  missing: 'in a row, but its bytes are gone',
  unrecorded: 'in a row, but not in the ledger',
  unknown: 'stored, but neither in a row nor in the ledger',
} as const;

/**
 * Rejects with an `AssertionError` that lists every file whose row, ledger entry and bytes do not belong together. Files that
 * wait for their row or for a sweep are in order. Reads all rows, ledger entries and keys, so it is for tests only.
 *
 * @example
 * ```ts
 * import type { Files } from 'filefield';
 * import { expectNoOrphans } from 'filefield/testing';
 *
 * declare const files: Files;
 * afterEach(() => expectNoOrphans(files, { sweep: true }));
 * ```
 */
export async function expectNoOrphans(
  files: Pick<Files, 'sweep' | 'reconcile'>,
  options: NoOrphansOptions = {},
): Promise<void> {
  if (options.sweep) await files.sweep();
  const faults: string[] = [];
  let from: ReconcileCursor | undefined;
  do {
    const report: ReconcileReport = await files.reconcile({ ...(from && { from }) });
    for (const kind of ['unreferenced', 'missing', 'unrecorded', 'unknown'] as const) {
      for (const { storage, key } of report[kind]) faults.push(`  ${kind} ${storage}:${key} - ${meanings[kind]}`);
    }
    from = report.next;
  } while (from);
  if (faults.length === 0) return;
  throw new AssertionError({
    message: `${faults.length} stored ${faults.length === 1 ? 'file is' : 'files are'} out of order:\n${faults.join('\n')}`,
    actual: faults,
    expected: [],
    operator: 'expectNoOrphans',
  });
}
