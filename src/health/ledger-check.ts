import type { Files } from '../fields/files.js';
import { duration, type Duration } from '../options.js';
import { unhealthy, type Check } from './check-result.js';
import { healthCheck } from './health-check.js';

/** Options of `ledgerCheck`. */
export interface LedgerCheckOptions {
  /**
   * How long files may wait for a sweep; twice the time between two sweeps is enough, if it is longer.
   * @default '1d'
   */
  readonly overdue?: Duration;
  /**
   * How many objects, chosen at random, are looked for in their storages, up to 1000.
   * @default 20
   */
  readonly sample?: number;
}

/**
 * A check of the ledger and its storages, without a write. Links: `ledger` (the tables answer, in a version of this release),
 * `storages` (each is the one that this database uses, and no other database deletes in it), `sweep` (one runs), `stuck` (no
 * deletion has failed ten times), `objects` (the bytes of some live files are there), `indexes` and `protection` (the
 * database still has what migrations made). It reads the whole ledger, so let `healthHandler` run it every few minutes in a large
 * application.
 *
 * @throws `invalid_option` for an `overdue` that is not a duration above 0
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
export function ledgerCheck(files: Pick<Files, 'status'>, options: LedgerCheckOptions = {}): Check {
  const overdue = duration('overdue', options.overdue ?? '1d', { from: 1 });
  const { sample = 20 } = options;
  return healthCheck(async (link, _signal, notChecked) => {
    const status = await link('ledger', sentences.ledger, () => files.status({ sample }));
    if (!status.recorded) return notChecked('everything: the files have no ledger, so nothing is deleted by itself');
    const { missingIndexes, unprotected, trash, entries } = status;
    await link('storages', 'A storage is not in order.', () => {
      for (const { storage, condition, error } of status.storages) {
        const sentence = conditions[condition];
        if (sentence) throw unhealthy(`The storage "${storage}" ${sentence}`, error);
        if (condition === 'volatile') notChecked(`storages: "${storage}" is lost with the process`);
      }
    });
    await link('sweep', sentences.sweep, () => {
      const waits = trash.waiting + trash.failing > 0 ? status.swept : undefined;
      const since = Math.min(...[status.dueSince, waits].map((date) => date?.getTime() ?? Infinity));
      if (Date.now() - since > overdue) throw new Error(`They have waited since ${new Date(since).toISOString()}.`);
    });
    await link('stuck', sentences.stuck, () => {
      if (trash.stuck > 0) throw new Error(`There are ${trash.stuck}.`);
    });
    const { looked = 0, missing = [] } = status.sample ?? {};
    await link('objects', sentences.objects, () => {
      const names = missing.map(({ storage, key }) => `${storage}:${key}`).join(', ');
      if (missing.length > 0) throw new Error(`${missing.length} of ${looked} are missing: ${names}.`);
    });
    if (looked < entries.live) {
      notChecked(`objects: ${entries.live - looked} of ${entries.live}; "filefield reconcile" looks at all`);
    }
    if (!missingIndexes) notChecked('indexes: this role may not read the catalogue of the database');
    else await link('indexes', sentences.indexes, () => none(sentences.indexes, missingIndexes));
    if (!unprotected) notChecked('protection: it is off, or this role may not read the catalogue of the database');
    else await link('protection', sentences.protection, () => none(sentences.protection, unprotected));
  });
}

const sentences = {
  ledger: 'The tables of the ledger cannot be read; see the cause.',
  indexes:
    'Indexes of the ledger are missing, so sweeps and saves read whole tables: make them again as ledgerSchema() does.',
  protection:
    'Triggers, guards or indexes of file columns are missing, so bulk writes and SQL are found late: call protectFiles() in a migration. If you decided against it, give attachFiles() the option protection: "off".',
  sweep:
    'Files have waited for a sweep for too long: call files.sweepEvery(), or let cron run "filefield sweep"; its output says what it could not do.',
  stuck: 'Objects could not be deleted in ten attempts; run "filefield stuck".',
  objects: 'Bytes of files that rows have are missing in their storage; run "filefield reconcile".',
} as const;

const conditions: Readonly<Record<string, string>> = {
  contested: 'is used by another database too; run "filefield copied" or "filefield moved".',
  wrong: 'is not the one that this database uses: is the volume mounted?',
  failing: 'does not answer.',
};

/** Rejects with the names in the cause. */
function none(sentence: string, names: readonly string[]): void {
  if (names.length > 0) throw unhealthy(sentence, new Error(`Missing: ${names.join(', ')}.`));
}
