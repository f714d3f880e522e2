import type { ObjectName } from '../events.js';
import type { StorageRegistry } from '../file/registry.js';
import type { Ledger } from './ledger.js';
import { list, sql } from './sql.js';

/** Objects of live entries that were looked for in their storages. */
export interface LedgerSample {
  /** How many were looked for. */
  readonly looked: number;
  /** Those that their storages do not have: the rows name bytes that are gone. */
  readonly missing: readonly ObjectName[];
}

/** Looks for the objects of some live entries, chosen at random, in these storages. Rejects if one of them fails. */
export async function sampleObjects(
  ledger: Ledger,
  storages: StorageRegistry,
  names: readonly string[],
  { count, live }: { readonly count: number; readonly live: number },
): Promise<LedgerSample> {
  if (count === 0 || names.length === 0) return { looked: 0, missing: [] };
  const skipped = Math.floor(Math.random() * Math.max(1, live - count + 1));
  const { rows } = await ledger.database.execute(
    sql`SELECT id, storage, object_key FROM file_ledger WHERE state = 'live' AND storage IN (${list(names)}) ORDER BY id LIMIT ${count} OFFSET ${skipped}`,
  );
  const objects = rows.map((row) => ({
    id: String(row.id),
    storage: String(row.storage),
    key: String(row.object_key),
  }));
  const missing: ObjectName[] = [];
  for (const object of objects) {
    if ((await storages.resolve(object.storage).stat(object.key)) !== null) continue;
    // It may have been released and deleted since the entries were read.
    if ((await ledger.entry(object.id))?.state === 'live') missing.push(object);
  }
  return { looked: objects.length, missing };
}
