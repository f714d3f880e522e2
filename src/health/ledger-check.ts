import type { Files } from '../fields/files.js';
import { unhealthy, type Check } from './check-result.js';
import { healthCheck } from './health-check.js';

/**
 * A check of the ledger and its storages, without a write. Links: `ledger` (the tables answer), `storages` (each is the one
 * that this database uses, and no other database deletes in it), `stuck` (no deletion has failed ten times). It reads the
 * whole ledger, so let `healthHandler` run it every few minutes in a large application.
 *
 * @example
 * ```ts
 * import { healthHandler, ledgerCheck } from 'filefield/health';
 * import type { Files } from 'filefield';
 *
 * declare const files: Files;
 * const health = healthHandler({ files: ledgerCheck(files) }, { every: '5m' });
 * ```
 */
export function ledgerCheck(files: Pick<Files, 'status'>): Check {
  return healthCheck(async (link) => {
    const status = await link('ledger', 'The tables of the ledger cannot be read; see the cause.', () =>
      files.status(),
    );
    await link('storages', 'A storage is not in order.', () => {
      for (const { storage, condition, error } of status.storages) {
        const sentence = sentences[condition];
        if (sentence) throw unhealthy(`The storage "${storage}" ${sentence}`, error);
      }
    });
    await link('stuck', 'Objects could not be deleted in ten attempts; run "filefield stuck".', () => {
      if (status.trash.stuck > 0) throw new Error(`There are ${status.trash.stuck}.`);
    });
  });
}

const sentences: Readonly<Record<string, string>> = {
  contested: 'is used by another database too; run "filefield copied" or "filefield moved".',
  wrong: 'is not the one that this database uses: is the volume mounted?',
  failing: 'does not answer.',
};
