import { AssertionError } from 'node:assert';
import type { Files } from '../fields/files.js';
import type { ReconcileCursor, ReconcileReport } from '../ledger/reconcile.js';

export interface NoOrphansOptions {
  /**
   * Sweep before looking. Nothing goes that is still leased or within its grace.
   * @default false
   */
  readonly sweep?: boolean;
}

const meanings = {
  unreferenced: 'recorded as live, but no row has it',
  missing: 'a row has it, but its bytes are gone',
  unrecorded: 'a row has it, but the ledger does not know it',
  unknown: 'its bytes are stored, but nobody knows them',
} as const;

/**
 * Rejects with an `AssertionError` that names every file whose row, ledger entry and bytes do not belong together. Files
 * that wait to be saved or swept are in order. Reads everything: for tests.
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
  const found: string[] = [];
  let from: ReconcileCursor | undefined;
  do {
    const report: ReconcileReport = await files.reconcile({ ...(from && { from }) });
    for (const kind of ['unreferenced', 'missing', 'unrecorded', 'unknown'] as const) {
      for (const { storage, key } of report[kind]) found.push(`  ${kind} ${storage}:${key} - ${meanings[kind]}`);
    }
    from = report.next;
  } while (from);
  if (found.length === 0) return;
  throw new AssertionError({
    message: `${found.length} stored ${found.length === 1 ? 'file is' : 'files are'} out of order:\n${found.join('\n')}`,
    actual: found,
    expected: [],
    operator: 'expectNoOrphans',
  });
}
