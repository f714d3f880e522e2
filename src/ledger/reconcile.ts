import { randomUUID } from 'node:crypto';
import type { FileEvents, ObjectName } from '../events.js';
import { parseDescriptor, type FileDescriptor } from '../file/descriptor.js';
import { isOwnKey, isProbeKey } from '../file/key.js';
import type { StorageRegistry } from '../file/registry.js';
import { wholeNumber } from '../options.js';
import type { LedgerConnection } from './connection.js';
import type { Ledger } from './ledger.js';
import type { FileReference } from './file-reference.js';
import type { References } from './references.js';
import { Sight } from './sight.js';
import { list, raw, sql, type Sql } from './sql.js';
import * as states from './states.js';
import { Trash } from './trash.js';

/** What a reconcile looks at and changes. */
export interface ReconcileOptions {
  /**
   * Mend what can be mended without losing anything: release files that no row refers to, which are deleted after another
   * grace and another look, and record the files of rows that the ledger does not know.
   * @default false: report only
   */
  readonly repair?: boolean;
  /**
   * Put objects into the trash that the ledger does not know: the next sweep deletes them. Without a ledger they are deleted
   * at once; WARNING: two databases without a ledger that share a storage see each other's objects as unknown.
   * @default false: report only
   */
  readonly deleteUnknown?: boolean;
  /**
   * Ledger entries or objects to look at in one call, from 1 to 10,000.
   * @default 1000
   */
  readonly batch?: number;
  /**
   * Where the last call stopped: its `next`.
   * @default the beginning
   */
  readonly from?: ReconcileCursor;
}

/** A position in a reconcile: plain data that can be stored between calls. */
export interface ReconcileCursor {
  /** -1 for the ledger, else the index of a storage in the registry. */
  readonly storage: number;
  /** The last id or key that was looked at. */
  readonly after: string;
}

/** What a reconcile found. */
export interface ReconcileReport {
  /** Files that are recorded as live and that no row refers to: after bulk deletes, raw SQL, cascades. */
  readonly unreferenced: readonly ObjectName[];
  /**
   * Files of columns that this application does not map, and files without a recorded owner beside such. They are never
   * released or deleted by this application: another service, an older release or another tenant has them.
   */
  readonly foreign: readonly ObjectName[];
  /** Files that are recorded as live and whose objects are gone. Only a backup can mend these. */
  readonly missing: readonly ObjectName[];
  /** Files of rows that the ledger does not know. */
  readonly unrecorded: readonly ObjectName[];
  /** Objects with a key of this ledger, older than the grace, that no entry has; and probes of health checks after a day. */
  readonly unknown: readonly Omit<ObjectName, 'id'>[];
  /** Where to go on; undefined when everything has been looked at. */
  readonly next?: ReconcileCursor;
}

const nothing = { unreferenced: [], foreign: [], missing: [], unrecorded: [], unknown: [] };

/** Compares rows, ledger and storages, in pieces, and finds what the protocol alone cannot see. */
export class Reconciler {
  readonly #database: LedgerConnection;
  readonly #trash: Trash;
  #sight = Sight.none;

  constructor(
    private readonly ledger: Ledger,
    private readonly storages: StorageRegistry,
    private readonly mapped: References,
    private readonly events: FileEvents,
  ) {
    this.#database = ledger.database;
    this.#trash = new Trash(ledger, storages, events);
  }

  async reconcile(options: ReconcileOptions = {}): Promise<ReconcileReport> {
    const batch = wholeNumber('batch', options.batch ?? 1000, { from: 1, to: 10_000 });
    const beginning = this.ledger.recorded ? { storage: -1, after: '' } : this.#storageAfter(-1).next;
    const from = options.from ?? beginning;
    if (!from) return nothing;
    this.#sight = await this.mapped.readable(this.#database, this.events);
    return from.storage < 0 ? this.#entries(from.after, batch, options) : this.#objects(from, batch, options);
  }

  /** Live entries of the ledger: are they referred to, and are their bytes there? */
  async #entries(after: string, batch: number, { repair = false }: ReconcileOptions): Promise<ReconcileReport> {
    const { rows } = await this.#database.execute(
      sql`SELECT id, storage, object_key AS object_key, owner_pk AS owner_pk, CASE WHEN ${this.#sight.isMapped} THEN 1 WHEN owner_type IS NULL THEN 2 ELSE 3 END AS sight FROM file_ledger WHERE state = 'live' AND id > ${after} ORDER BY id LIMIT ${batch}`,
    );
    const entries = rows.map((row) => ({
      id: String(row.id),
      storage: String(row.storage),
      key: String(row.object_key),
      owned: row.owner_pk !== null,
      sight: Number(row.sight),
    }));
    const ids = entries.map(({ id }) => id);
    const referenced = await this.#sight.among(this.#database, ids);
    const blind = await this.#isBlind(entries);
    const isFree = ({ id }: ObjectName) => !referenced.has(id);
    const isForeign = (entry: (typeof entries)[number]) =>
      entry.sight === 3 || (entry.sight === 2 && blind && isFree(entry));
    const foreign = entries.filter(isForeign).map(nameOf);
    const unreferenced = entries.filter((entry) => isFree(entry) && !isForeign(entry));
    const missing: ObjectName[] = [];
    for (const entry of entries) {
      if (!referenced.has(entry.id)) continue;
      if (await this.#isMissing(entry)) missing.push(nameOf(entry));
    }
    if (repair) await this.#release(unreferenced);
    const last = entries.at(-1);
    const done = entries.length < batch || !last;
    return {
      ...nothing,
      unreferenced: unreferenced.map(nameOf),
      foreign,
      missing,
      // One query per table, not one per page.
      unrecorded: after === '' ? await this.#unrecorded(repair) : [],
      ...(done ? this.#storageAfter(-1) : { next: { storage: -1, after: last.id } }),
    };
  }

  /** True if an entry without an owner may belong to a column that this application does not map. */
  async #isBlind(entries: readonly { readonly sight: number }[]): Promise<boolean> {
    if (!entries.some(({ sight }) => sight === 2)) return false;
    if (this.#sight.unread.length > 0) return true;
    const { rows } = await this.#database.execute(
      sql`SELECT id FROM file_ledger WHERE owner_type IS NOT NULL AND NOT ${this.#sight.isMapped} LIMIT 1`,
    );
    return rows.length > 0;
  }

  /** A storage that is not registered, or that does not answer, must not keep all other entries from being looked at. */
  async #isMissing({ storage, key }: ObjectName): Promise<boolean> {
    try {
      return (await this.storages.resolve(storage).stat(key)) === null;
    } catch (error) {
      this.events.emit('fault', error);
      return false;
    }
  }

  /**
   * The sweep looks once more when the grace is over: a file is deleted only if no row refers to it either time. A row may
   * take a file since the look at the rows: then the file has an owner where it had none, or a second look finds the row.
   */
  async #release(entries: readonly (ObjectName & { readonly owned: boolean })[]): Promise<void> {
    if (entries.length === 0) return;
    const released = states.release(this.#now, this.ledger.grace);
    const free = entries.filter(({ owned }) => !owned).map(({ id }) => id);
    const owned = entries.filter((entry) => entry.owned).map(({ id }) => id);
    if (free.length > 0) {
      await this.#database.execute(states.update(released, sql`id IN (${list(free)})`, raw('owner_pk IS NULL')));
    }
    if (owned.length > 0) await this.#database.execute(states.update(released, sql`id IN (${list(owned)})`));
    const taken = await this.#sight.among(this.#database, [...free, ...owned]);
    if (taken.size === 0) return;
    await this.#database.execute(
      states.update(states.revive(raw(`state = 'released'`)), sql`id IN (${list([...taken])})`),
    );
  }

  async #unrecorded(repair: boolean): Promise<ObjectName[]> {
    const unrecorded: ObjectName[] = [];
    for (const reference of this.#sight.columns) {
      const { rows } = await this.#database.execute(this.#unrecordedCells(reference));
      for (const row of rows) {
        const descriptor = this.#readable(row.descriptor);
        if (!descriptor) continue;
        const { id, storage, key } = descriptor;
        unrecorded.push({ id, storage, key });
        if (repair) await this.#record(descriptor, reference);
      }
    }
    return unrecorded;
  }

  #unrecordedCells({ table, column, counts }: FileReference): Sql {
    const cell = raw(`${table}.${column}`);
    const id = raw(this.#database.dialect.readableText(`${table}.${column}`, 'id'));
    const recorded = sql`EXISTS (SELECT 1 FROM file_ledger WHERE file_ledger.id = ${id})`;
    const counted = raw(counts ? ` AND ${counts}` : '');
    return sql`SELECT ${cell} AS descriptor FROM ${raw(table)} WHERE ${cell} IS NOT NULL AND NOT ${recorded}${counted}`;
  }

  async #record({ id, storage, key, size, sha256 }: FileDescriptor, { owner, slot }: FileReference): Promise<void> {
    const columns = raw('file_ledger (id, storage, object_key, state, size, checksum, created_at, owner_type, slot)');
    const entry = sql`${columns} VALUES (${id}, ${storage}, ${key}, 'live', ${size}, ${sha256 ?? null}, ${this.#now}, ${owner}, ${slot})`;
    await this.#database.execute(this.#database.dialect.insertNew(entry));
  }

  /** One cell that cannot be read must not keep all others from being looked at. */
  #readable(value: unknown): FileDescriptor | undefined {
    try {
      return parseDescriptor(value);
    } catch (error) {
      this.events.emit('fault', error);
      return undefined;
    }
  }

  /** Objects of one storage: does the ledger know them? */
  async #objects(
    from: ReconcileCursor,
    batch: number,
    { deleteUnknown = false }: ReconcileOptions,
  ): Promise<ReconcileReport> {
    const name = this.storages.names[from.storage] ?? '';
    const storage = this.storages.resolve(name);
    // The clock of this process may be wrong. Without a ledger, only the lease tells a stray object from one that waits for
    // its row.
    const { rows } = await this.#database.execute(sql`SELECT ${this.#now} AS time`);
    const time = Number(rows[0]?.time);
    const oldest = time - this.ledger.grace - (this.ledger.recorded ? 0 : this.ledger.lease);
    const identity = await this.ledger.identity();
    const keys: string[] = [];
    let after = from.after;
    let seen = 0;
    for await (const { key, modified } of storage.list?.({ after: from.after }) ?? []) {
      after = key;
      if (isOwnKey(key, identity) ? !modified || modified.getTime() <= oldest : isLeftProbe(key, modified, time))
        keys.push(key);
      seen += 1;
      if (seen >= batch) break;
    }
    const unknown = await this.#unknown(name, keys);
    if (deleteUnknown) await this.#delete(unknown);
    const next = seen < batch ? this.#storageAfter(from.storage) : { next: { storage: from.storage, after } };
    return { ...nothing, unknown, ...next };
  }

  /** A probe is of no ledger, so nobody else has it. */
  async #delete(unknown: readonly Omit<ObjectName, 'id'>[]): Promise<void> {
    const isAtOnce = ({ key }: { readonly key: string }) => !this.ledger.recorded || isProbeKey(key);
    for (const { storage, key } of unknown.filter(isAtOnce)) {
      await this.storages.resolve(storage).delete(key);
      this.events.emit('deleted', { id: '', storage, key });
    }
    const others = unknown.filter((object) => !isAtOnce(object));
    await this.#trash.add(others.map((object) => ({ ...object, id: randomUUID() })));
  }

  async #unknown(storage: string, keys: readonly string[]): Promise<{ storage: string; key: string }[]> {
    if (keys.length === 0) return [];
    const known = this.ledger.recorded
      ? await this.#recorded(keys)
      : await this.#sight.amongKeys(this.#database, this.storages.everyName, keys);
    return keys.filter((key) => !known.has(key)).map((key) => ({ storage, key }));
  }

  /** Under any name: one folder or bucket may have several, and the same object may be part of a mirror. */
  async #recorded(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const recorded = new Set<string>();
    for (const table of ['file_ledger', 'file_trash']) {
      const { rows } = await this.#database.execute(
        sql`SELECT object_key AS object_key FROM ${raw(table)} WHERE storage IN (${list(this.storages.everyName)}) AND object_key IN (${list(keys)})`,
      );
      for (const row of rows) recorded.add(String(row.object_key));
    }
    return recorded;
  }

  /** The next storage that can list its objects. */
  #storageAfter(current: number): { next?: ReconcileCursor } {
    for (let index = current + 1; index < this.storages.names.length; index += 1) {
      if (this.storages.resolve(this.storages.names[index]!).list) return { next: { storage: index, after: '' } };
    }
    return {};
  }

  get #now(): Sql {
    return raw(this.#database.dialect.now);
  }
}

/**
 * True for a probe that a killed health check left behind. Health checks write outside of any ledger and delete at once, in
 * other processes too, so only a probe far older than any check runs is left over. Without a time it cannot be told.
 */
function isLeftProbe(key: string, modified: Date | undefined, time: number): boolean {
  return isProbeKey(key) && modified !== undefined && modified.getTime() <= time - 86_400_000;
}

function nameOf({ id, storage, key }: ObjectName): ObjectName {
  return { id, storage, key };
}
