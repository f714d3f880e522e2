import { parseDescriptor, type FileDescriptor } from '../file/descriptor.js';
import type { FileEvents, ObjectName } from '../events.js';
import { isOwnKey, isProbeKey } from '../file/key.js';
import type { StorageRegistry } from '../file/registry.js';
import type { LedgerConnection } from './connection.js';
import type { Ledger } from './ledger.js';
import { descriptorId, insertOnce, now, placeholders } from './dialect.js';
import type { References } from './references.js';

export interface ReconcileOptions {
  /**
   * Mend what can be mended without losing anything: let go of files that no row has, after another grace and another
   * look, and record again what rows refer to.
   * @default false: report only
   */
  readonly repair?: boolean;
  /**
   * Delete objects that the ledger does not know. WARNING: if two databases share a storage, each sees the other's.
   * @default false: report only
   */
  readonly deleteUnknown?: boolean;
  /**
   * Ledger entries or objects to look at in one call.
   * @default 1000
   */
  readonly limit?: number;
  /** Where the last call stopped: its `next`. */
  readonly from?: ReconcileCursor;
}

/** A place in a reconcile: plain data, to be kept between calls. */
export interface ReconcileCursor {
  /** -1 for the ledger, else the number of a storage in the registry. */
  readonly storage: number;
  readonly after: string;
}

export interface ReconcileReport {
  /** Files that are recorded as live, and no row has: bulk deletes, raw SQL, cascades. */
  readonly unreferenced: readonly ObjectName[];
  /** Files that are recorded as live, and whose objects are gone. Nothing can mend these but a backup. */
  readonly missing: readonly ObjectName[];
  /** Files that rows have and the ledger does not know. */
  readonly unrecorded: readonly ObjectName[];
  /** Objects that look like ours, are older than the grace, and are in no ledger; probes of health checks after a day. */
  readonly unknown: readonly { readonly storage: string; readonly key: string }[];
  /** Where to go on; undefined when all has been seen. */
  readonly next?: ReconcileCursor;
}

/** Compares rows, ledger and storages, slowly and in pieces, for what the protocol alone cannot see. */
export class Reconciler {
  readonly #database: LedgerConnection;

  constructor(
    private readonly ledger: Ledger,
    private readonly storages: StorageRegistry,
    private readonly references: References,
    private readonly events: FileEvents,
  ) {
    this.#database = ledger.database;
  }

  async reconcile(options: ReconcileOptions = {}): Promise<ReconcileReport> {
    const limit = options.limit ?? 1000;
    const first = this.ledger.recorded ? { storage: -1, after: '' } : this.#nextStorage(-1).next;
    const from = options.from ?? first;
    if (!from) return { unreferenced: [], missing: [], unrecorded: [], unknown: [] };
    const repair = options.repair ?? false;
    return from.storage < 0
      ? this.#ledger(from.after, limit, repair)
      : this.#objects(from, limit, options.deleteUnknown ?? false);
  }

  async #ledger(after: string, limit: number, repair: boolean): Promise<ReconcileReport> {
    const { rows } = await this.#database.execute(
      `SELECT id, storage, object_key AS object_key FROM file_ledger WHERE state = 'live' AND id > ? ORDER BY id LIMIT ${limit}`,
      [after],
    );
    const entries = rows.map(toName);
    const referenced = await this.references.among(
      this.#database,
      entries.map(({ id }) => id),
    );
    const unreferenced = entries.filter(({ id }) => !referenced.has(id));
    const missing: ObjectName[] = [];
    for (const entry of entries) {
      if (!referenced.has(entry.id)) continue;
      if ((await this.storages.resolve(entry.storage).stat(entry.key)) === null) missing.push(entry);
    }
    if (repair) await this.#letGo(unreferenced);
    const last = entries.at(-1);
    const done = entries.length < limit || !last;
    return {
      unreferenced,
      missing,
      // One question to each table, not one for every page.
      unrecorded: after === '' ? await this.#unrecorded(repair) : [],
      unknown: [],
      ...(done ? this.#nextStorage(-1) : { next: { storage: -1, after: last.id } }),
    };
  }

  /** The sweep looks once more when the grace is over: a file goes only if no row has it either time. */
  async #letGo(entries: readonly ObjectName[]): Promise<void> {
    if (entries.length === 0) return;
    const time = now[this.#database.dialect];
    await this.#database.execute(
      `UPDATE file_ledger SET state = 'doomed', doomed_at = ${time}, not_before = ${time} + ${this.ledger.grace} WHERE state = 'live' AND id IN (${placeholders(entries)})`,
      entries.map(({ id }) => id),
    );
  }

  async #unrecorded(repair: boolean): Promise<ObjectName[]> {
    const found: ObjectName[] = [];
    const { dialect } = this.#database;
    for (const { table, column, counts } of this.references.all) {
      const cell = `${table}.${column}`;
      const { rows } = await this.#database.execute(
        `SELECT ${cell} AS descriptor FROM ${table} WHERE ${cell} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM file_ledger WHERE file_ledger.id = ${descriptorId(dialect, cell)})${counts ? ` AND ${counts}` : ''}`,
        [],
      );
      for (const row of rows) {
        const descriptor = this.#readable(row.descriptor);
        if (!descriptor) continue;
        const { id, storage, key, size, sha256 } = descriptor;
        found.push({ id, storage, key });
        if (!repair) continue;
        const insert = `INSERT INTO file_ledger (id, storage, object_key, state, size, checksum, created_at) VALUES (?, ?, ?, 'live', ?, ?, ${now[dialect]})`;
        await this.#database.execute(insertOnce(dialect, insert), [id, storage, key, size, sha256]);
      }
    }
    return found;
  }

  /** One cell that nobody can read must not keep all others from being looked at. */
  #readable(value: unknown): FileDescriptor | undefined {
    try {
      return parseDescriptor(value);
    } catch (error) {
      this.events.emit('fault', error);
      return undefined;
    }
  }

  async #objects(from: ReconcileCursor, limit: number, remove: boolean): Promise<ReconcileReport> {
    const name = this.storages.names[from.storage] ?? '';
    const storage = this.storages.resolve(name);
    // The clock of this process may be wrong. Without a ledger nothing else tells a stray object from one that waits for
    // its row.
    const { rows } = await this.#database.execute(`SELECT ${now[this.#database.dialect]} AS time`, []);
    const time = Number(rows[0]?.time);
    const oldest = time - this.ledger.grace - (this.ledger.recorded ? 0 : this.ledger.lease);
    const keys: string[] = [];
    let after = from.after;
    let seen = 0;
    for await (const { key, modified } of storage.list?.({ after: from.after }) ?? []) {
      after = key;
      if (isOwnKey(key) ? !modified || modified.getTime() <= oldest : isLeftProbe(key, modified, time)) keys.push(key);
      seen += 1;
      if (seen >= limit) break;
    }
    const unknown = await this.#unknown(name, keys);
    if (remove) {
      for (const { key } of unknown) {
        await storage.delete(key);
        this.events.emit('deleted', { id: '', storage: name, key });
      }
    }
    const next = seen < limit ? this.#nextStorage(from.storage) : { next: { storage: from.storage, after } };
    return { unreferenced: [], missing: [], unrecorded: [], unknown, ...next };
  }

  async #unknown(storage: string, keys: readonly string[]): Promise<{ storage: string; key: string }[]> {
    if (keys.length === 0) return [];
    const known = this.ledger.recorded
      ? await this.#recorded(storage, keys)
      : await this.references.amongKeys(this.#database, storage, keys);
    return keys.filter((key) => !known.has(key)).map((key) => ({ storage, key }));
  }

  async #recorded(storage: string, keys: readonly string[]): Promise<ReadonlySet<string>> {
    const known = new Set<string>();
    for (const table of ['file_ledger', 'file_trash']) {
      const { rows } = await this.#database.execute(
        `SELECT object_key AS object_key FROM ${table} WHERE storage = ? AND object_key IN (${placeholders(keys)})`,
        [storage, ...keys],
      );
      for (const row of rows) known.add(String(row.object_key));
    }
    return known;
  }

  /** The next storage that can list its objects. */
  #nextStorage(current: number): { next?: ReconcileCursor } {
    for (let index = current + 1; index < this.storages.names.length; index += 1) {
      if (this.storages.resolve(this.storages.names[index]!).list) return { next: { storage: index, after: '' } };
    }
    return {};
  }
}

/**
 * Health checks write outside of any ledger and delete at once, in other processes too: only what is far older than any
 * of them runs was left behind by one that was killed. Without a time nobody can tell, and it stays.
 */
function isLeftProbe(key: string, modified: Date | undefined, time: number): boolean {
  return isProbeKey(key) && modified !== undefined && modified.getTime() <= time - 86_400_000;
}

function toName(row: Readonly<Record<string, unknown>>): ObjectName {
  return { id: String(row.id), storage: String(row.storage), key: String(row.object_key) };
}
