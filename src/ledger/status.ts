import { isFileFieldError } from '../errors.js';
import type { StorageRegistry } from '../file/registry.js';
import { wholeNumber } from '../options.js';
import { missingIndexes, unprotectedColumns } from './catalog.js';
import type { Ledger } from './ledger.js';
import type { References } from './references.js';
import type { Sight } from './sight.js';
import { sampleObjects, type LedgerSample } from './sample.js';
import { raw, sql, type Sql } from './sql.js';
import * as states from './states.js';

/** What a storage is to the ledger: see `StorageStatus`. */
export type StorageCondition = 'right' | 'unused' | 'volatile' | 'contested' | 'wrong' | 'failing';

/** One storage as the ledger sees it. */
export interface StorageStatus {
  /** Name in the registry. */
  readonly storage: string;
  /**
   * `right`: it is the one that this database uses, and no other database deletes in it. `unused`: nothing was stored yet.
   * `volatile`: its objects are lost with the process, so it is not looked at. `contested`: another database deletes in it,
   * one of the two is a copy. `wrong`: its marker is missing, so it is another folder or bucket. `failing`: it does not
   * answer.
   */
  readonly condition: StorageCondition;
  /** When the token of the present marker was recorded. */
  readonly since?: Date;
  /** Milliseconds that a token must stand before what was retired earlier is deleted. */
  readonly fence?: number;
  /** What failed. */
  readonly error?: unknown;
}

/** A column that this application does not map. */
export interface ForeignColumn {
  /** `table.column`, as the ledger has it. */
  readonly column: string;
  /** Its entries in the ledger. */
  readonly files: number;
}

/** What waits in a ledger, and whether its storages are in order. */
export interface LedgerStatus {
  /** False with `ledger: false`; everything else is zero or empty then. */
  readonly recorded: boolean;
  /** The first part of the keys of this ledger's objects; absent before the first upload. */
  readonly identity?: string;
  /** Entries by state. */
  readonly entries: Readonly<Record<'pending' | 'live' | 'released' | 'kept', number>>;
  /** Entries that the next sweep takes: leases that have ended, and released files whose grace is over. */
  readonly due: number;
  /** When the first of them was due, of those that this application may let go; absent if there is none. */
  readonly dueSince?: Date;
  /** When a sweep began for the last time; absent before the first one, and before the first file. */
  readonly swept?: Date;
  /** Objects that have left the ledger and are not deleted yet; `stuck` have failed ten times. */
  readonly trash: Readonly<Record<'waiting' | 'failing' | 'stuck', number>>;
  /** Columns that have files in the ledger and that this application does not map: it never deletes these files. */
  readonly foreign: readonly ForeignColumn[];
  /** All storages of the registry. */
  readonly storages: readonly StorageStatus[];
  /** Indexes of the ledger's tables that the database does not have; absent if this role may not see it. */
  readonly missingIndexes?: readonly string[];
  /**
   * Columns, as `table.column`, that `protectFiles` has not protected, or whose triggers, guard or index are gone; absent if
   * this role may not see it, and with `protection: 'off'`.
   */
  readonly unprotected?: readonly string[];
  /** With the option `sample`. */
  readonly sample?: LedgerSample;
}

/** How much `files.status` looks at. */
export interface StatusOptions {
  /**
   * Objects of live entries that are looked for in their storages, chosen at random, up to 1000.
   * @default 0
   */
  readonly sample?: number;
}

/** Reads the whole ledger once, and the markers of all storages. Changes nothing. */
export async function ledgerStatus(
  ledger: Ledger,
  storages: StorageRegistry,
  references: References,
  options: StatusOptions & { readonly protection?: 'warn' | 'off' } = {},
): Promise<LedgerStatus> {
  const count = wholeNumber('sample', options.sample ?? 0, { from: 0, to: 1000 });
  const entries = { pending: 0, live: 0, released: 0, kept: 0 };
  const trash = { waiting: 0, failing: 0, stuck: 0 };
  if (!ledger.recorded) return { recorded: false, entries, due: 0, trash, foreign: [], storages: [] };
  await ledger.verify();
  const { database } = ledger;
  const sight = await references.located(database);
  const now = raw(database.dialect.now);
  const isDue = sql`((${states.isExpired(now)}) OR (${states.isDue(now)}))`;
  const counts = await database.execute(
    sql`SELECT state, COUNT(*) AS count, SUM(CASE WHEN ${isDue} THEN 1 ELSE 0 END) AS due, MIN(CASE WHEN ${isDue} AND ${sight.isMapped} THEN ${since} END) AS since FROM file_ledger GROUP BY state`,
  );
  let due = 0;
  let dueSince = Infinity;
  for (const row of counts.rows) {
    entries[String(row.state) as keyof typeof entries] = Number(row.count);
    due += Number(row.due);
    if (row.since !== null) dueSince = Math.min(dueSince, Number(row.since));
  }
  const objects = await database.execute(
    sql`SELECT CASE WHEN attempts >= 10 THEN 'stuck' WHEN attempts > 0 THEN 'failing' ELSE 'waiting' END AS kind, COUNT(*) AS count FROM file_trash GROUP BY 1`,
  );
  for (const { kind, count } of objects.rows) trash[String(kind) as keyof typeof trash] = Number(count);
  const { rows } = await database.execute(sql`SELECT identity FROM file_state WHERE id = 1`);
  const identity = rows[0]?.identity;
  const swept = await sweptAt(ledger);
  const conditions = await Promise.all(storages.names.map((name) => storageStatus(ledger, storages, name)));
  const right = conditions.filter(({ condition }) => condition === 'right').map(({ storage }) => storage);
  // A role that may not read the catalogue can still ask for the rest.
  const indexes = await missingIndexes(database).catch(() => undefined);
  const unprotected =
    options.protection === 'off'
      ? undefined
      : await unprotectedColumns(database, references.all).catch(() => undefined);
  return {
    recorded: true,
    ...(typeof identity === 'string' && { identity }),
    entries,
    due,
    ...(dueSince < Infinity && { dueSince: new Date(dueSince) }),
    ...(swept > 0 && { swept: new Date(swept) }),
    trash,
    foreign: await foreignColumns(ledger, sight),
    storages: conditions,
    ...(indexes && { missingIndexes: indexes }),
    ...(unprotected && { unprotected }),
    ...(count > 0 && { sample: await sampleObjects(ledger, storages, right, { count, live: entries.live }) }),
  };
}

const since: Sql = raw(`CASE WHEN state = 'pending' THEN lease_until ELSE not_before END`);

/** In milliseconds; 0 for never. */
async function sweptAt({ database }: Ledger): Promise<number> {
  const { rows } = await database.execute(sql`SELECT MAX(swept_at) AS swept FROM file_fence`);
  return Number(rows[0]?.swept ?? 0);
}

async function foreignColumns({ database }: Ledger, sight: Sight): Promise<LedgerStatus['foreign']> {
  const { rows } = await database.execute(
    sql`SELECT owner_type AS owner, slot, COUNT(*) AS files FROM file_ledger WHERE owner_type IS NOT NULL AND NOT ${sight.isMapped} GROUP BY owner_type, slot ORDER BY owner_type, slot`,
  );
  return rows.map(({ owner, slot, files }) => ({ column: `${String(owner)}.${String(slot)}`, files: Number(files) }));
}

async function storageStatus(ledger: Ledger, storages: StorageRegistry, storage: string): Promise<StorageStatus> {
  const { fence } = ledger;
  if (!fence || storages.resolve(storage).volatile) return { storage, condition: 'volatile' };
  try {
    const state = await fence.look(storage);
    if (!state) return { storage, condition: 'unused' };
    return { storage, condition: 'right', since: new Date(state.since), fence: state.length };
  } catch (error) {
    return { storage, condition: conditionOf(error), error };
  }
}

function conditionOf(error: unknown): StorageCondition {
  if (isFileFieldError(error, 'contested')) return 'contested';
  return isFileFieldError(error, 'wrong_storage') ? 'wrong' : 'failing';
}
