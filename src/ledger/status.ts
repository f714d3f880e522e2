import { isFileFieldError } from '../errors.js';
import type { StorageRegistry } from '../file/registry.js';
import type { Ledger } from './ledger.js';
import type { References } from './references.js';
import type { Sight } from './sight.js';
import { raw, sql } from './sql.js';

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
  /** Objects that have left the ledger and are not deleted yet; `stuck` have failed ten times. */
  readonly trash: Readonly<Record<'waiting' | 'failing' | 'stuck', number>>;
  /** Columns that have files in the ledger and that this application does not map: it never deletes these files. */
  readonly foreign: readonly ForeignColumn[];
  /** All storages of the registry. */
  readonly storages: readonly StorageStatus[];
}

/** Reads the whole ledger once, and the markers of all storages. Changes nothing. */
export async function ledgerStatus(
  ledger: Ledger,
  storages: StorageRegistry,
  references: References,
): Promise<LedgerStatus> {
  const entries = { pending: 0, live: 0, released: 0, kept: 0 };
  const trash = { waiting: 0, failing: 0, stuck: 0 };
  if (!ledger.recorded) return { recorded: false, entries, due: 0, trash, foreign: [], storages: [] };
  const { database } = ledger;
  const now = raw(database.dialect.now);
  const isDue = sql`(state = 'pending' AND lease_until < ${now}) OR (state = 'released' AND not_before <= ${now})`;
  const states = await database.execute(
    sql`SELECT state, COUNT(*) AS count, SUM(CASE WHEN ${isDue} THEN 1 ELSE 0 END) AS due FROM file_ledger GROUP BY state`,
  );
  let due = 0;
  for (const { state, count, due: some } of states.rows) {
    entries[String(state) as keyof typeof entries] = Number(count);
    due += Number(some);
  }
  const objects = await database.execute(
    sql`SELECT CASE WHEN attempts >= 10 THEN 'stuck' WHEN attempts > 0 THEN 'failing' ELSE 'waiting' END AS kind, COUNT(*) AS count FROM file_trash GROUP BY 1`,
  );
  for (const { kind, count } of objects.rows) trash[String(kind) as keyof typeof trash] = Number(count);
  const { rows } = await database.execute(sql`SELECT identity FROM file_state WHERE id = 1`);
  const identity = rows[0]?.identity;
  return {
    recorded: true,
    ...(typeof identity === 'string' && { identity }),
    entries,
    due,
    trash,
    foreign: await foreignColumns(ledger, await references.located(database)),
    storages: await Promise.all(storages.names.map((name) => storageStatus(ledger, storages, name))),
  };
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
