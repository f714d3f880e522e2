import { FileEvents, type ObjectName } from '../events.js';
import { isKeyOf } from '../file/key.js';
import type { StorageRegistry } from '../file/registry.js';
import type { Ledger } from './ledger.js';
import { list, raw, sql, type Sql } from './sql.js';

/** A deletion is given up after this many failures. */
const maximumAttempts = 10;

/** What emptying the trash did, in objects. */
export interface TrashCounts {
  deleted: number;
  failed: number;
  waiting: number;
}

/** An object that could not be deleted. */
export interface StuckObject extends ObjectName {
  readonly retired: Date;
  /** What the storage said the last time. */
  readonly error: string;
}

/** An object in the trash. */
interface TrashEntry extends ObjectName {
  /** The identity of the ledger that adopted the object; undefined for one that it has stored. */
  readonly adopter: string | undefined;
  /** Failures so far. */
  readonly attempts: number;
}

/** True for entries of the trash whose file a ledger entry has after all: nothing is done with them. */
const inLedger = raw(
  '(EXISTS (SELECT 1 FROM file_ledger WHERE file_ledger.id = file_trash.id) OR EXISTS (SELECT 1 FROM file_ledger WHERE file_ledger.storage = file_trash.storage AND file_ledger.object_key = file_trash.object_key))',
);

/** Objects that have left the ledger and are to be deleted from their storages. Nothing else deletes bytes. */
export class Trash {
  constructor(
    private readonly ledger: Ledger,
    private readonly storages: StorageRegistry,
    private readonly events = new FileEvents(),
  ) {}

  /** Puts objects into the trash that the ledger does not know. */
  async add(objects: readonly ObjectName[]): Promise<void> {
    const { database } = this.ledger;
    for (const { id, storage, key } of objects) {
      const columns = raw('file_trash (id, storage, object_key, retired_at, not_before, attempts)');
      const entry = sql`${columns} VALUES (${id}, ${storage}, ${key}, ${this.#now}, 0, 0)`;
      await database.execute(database.dialect.insertNew(entry));
    }
  }

  /** Objects whose deletion is due, as far as no fence holds it up. */
  countDue(): Promise<number> {
    return this.#count(this.#due);
  }

  /** Objects whose deletion was given up, with the last error, and when they were retired. */
  async stuck(): Promise<readonly StuckObject[]> {
    const { rows } = await this.ledger.database.execute(
      sql`SELECT id, storage, object_key AS object_key, retired_at, last_error FROM file_trash WHERE attempts >= ${maximumAttempts} ORDER BY retired_at, id`,
    );
    return rows.map((row) => ({
      id: String(row.id),
      storage: String(row.storage),
      key: String(row.object_key),
      retired: new Date(Number(row.retired_at)),
      error: String(row.last_error ?? ''),
    }));
  }

  /** Also tries again what was given up. */
  async retryStuck(): Promise<void> {
    await this.ledger.database.execute(
      sql`UPDATE file_trash SET attempts = 0, not_before = 0 WHERE attempts >= ${maximumAttempts}`,
    );
  }

  /**
   * Removes trash entries of live files: a file was bound again between the two statements that retire it, or a sweeper was
   * killed between them.
   */
  async reclaim(): Promise<void> {
    const live = raw(`SELECT 1 FROM file_ledger WHERE file_ledger.id = file_trash.id AND state = 'live'`);
    const { rows } = await this.ledger.database.execute(sql`SELECT id FROM file_trash WHERE EXISTS (${live})`);
    const ids = rows.map((row) => String(row.id));
    if (ids.length === 0) return;
    await this.ledger.database.execute(sql`DELETE FROM file_trash WHERE id IN (${list(ids)}) AND EXISTS (${live})`);
  }

  /** Deletes what may be deleted, storage by storage, as far as the fence of each admits it. */
  async empty(batch: number, concurrency: number, counts: TrashCounts): Promise<void> {
    const { rows } = await this.ledger.database.execute(
      sql`SELECT DISTINCT storage FROM file_trash WHERE ${this.#due}`,
    );
    for (const row of rows) await this.#emptyStorage(String(row.storage), batch, concurrency, counts);
  }

  async #emptyStorage(storage: string, batch: number, concurrency: number, counts: TrashCounts): Promise<void> {
    for (;;) {
      // Before each batch: a copy of the database may have come meanwhile.
      const before = await this.#admit(storage);
      const admitted = before === Infinity ? raw('1 = 1') : sql`retired_at < ${before}`;
      const due = sql`storage = ${storage} AND ${this.#due}`;
      const { rows } = await this.ledger.database.execute(
        sql`SELECT id, object_key AS object_key, attempts, adopter FROM file_trash WHERE ${due} AND ${admitted} AND NOT ${inLedger} ORDER BY not_before LIMIT ${batch}`,
      );
      const entries = rows.map((row) => ({
        id: String(row.id),
        storage,
        key: String(row.object_key),
        attempts: Number(row.attempts),
        adopter: typeof row.adopter === 'string' ? row.adopter : undefined,
      }));
      await this.#deleteAll(entries, concurrency, counts);
      if (entries.length >= batch) continue;
      if (before !== Infinity) counts.waiting += await this.#count(sql`${due} AND NOT (${admitted})`);
      return;
    }
  }

  /** The time before which objects must have been retired; 0 if the storage refuses. */
  async #admit(storage: string): Promise<number> {
    const { fence } = this.ledger;
    // An entry of a storage that is not registered fails by itself, and is reported as stuck in the end.
    if (!fence || !this.storages.has(storage)) return Infinity;
    try {
      return await fence.admit(storage);
    } catch (error) {
      fence.tell(storage, error);
      return 0;
    }
  }

  /**
   * Deletes objects, several at a time, and then their trash entries in one statement. A sweeper killed in between leaves
   * entries whose objects are gone; the next one deletes both again.
   */
  async #deleteAll(entries: readonly TrashEntry[], concurrency: number, counts: TrashCounts): Promise<void> {
    if (entries.length === 0) return;
    const identity = await this.ledger.identity();
    const queue = entries.values();
    const done: string[] = [];
    const worker = async (): Promise<void> => {
      for (const entry of queue) {
        // What a copied database has from the original belongs to the original.
        const borrowed = !isKeyOf(entry.key, identity) && entry.adopter !== identity;
        if (borrowed || (await this.#delete(entry))) done.push(entry.id);
        else counts.failed += 1;
        if (!borrowed && done.at(-1) === entry.id) counts.deleted += 1;
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: concurrency }, worker));
    if (done.length > 0) await this.#remove(done);
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  /** Deletes one object now; if that fails, a sweep tries again. */
  async delete(object: ObjectName): Promise<void> {
    await this.storages.resolve(object.storage).delete(object.key);
    await this.#remove([object.id]);
    this.events.emit('deleted', object);
  }

  async #remove(ids: readonly string[]): Promise<void> {
    await this.ledger.database.execute(sql`DELETE FROM file_trash WHERE id IN (${list(ids)})`);
  }

  async #delete({ attempts, id, storage, key }: TrashEntry): Promise<boolean> {
    const object = { id, storage, key };
    try {
      await this.storages.resolve(storage).delete(key);
    } catch (cause) {
      await this.#postpone(id, cause);
      if (attempts + 1 === maximumAttempts) this.events.emit('stuck', { ...object, cause });
      return false;
    }
    this.events.emit('deleted', object);
    return true;
  }

  /** Tries again after 1 s, 4 s, 16 s … about three days in all; then the entry stays for a person to look at. */
  async #postpone(id: string, error: unknown): Promise<void> {
    this.events.emit('fault', error);
    const text = error instanceof Error ? error.message.slice(0, 500) : String(error);
    // MariaDB assigns from left to right, so the delay comes before the count.
    await this.ledger.database.execute(
      sql`UPDATE file_trash SET not_before = ${this.#now} + 1000 * (1 << (2 * attempts)), attempts = attempts + 1, last_error = ${text} WHERE id = ${id}`,
    );
  }

  async #count(condition: Sql): Promise<number> {
    const { rows } = await this.ledger.database.execute(
      sql`SELECT COUNT(*) AS count FROM file_trash WHERE ${condition} AND NOT ${inLedger}`,
    );
    return Number(rows[0]?.count ?? 0);
  }

  get #due(): Sql {
    return sql`not_before <= ${this.#now} AND attempts < ${maximumAttempts}`;
  }

  get #now(): Sql {
    return raw(this.ledger.database.dialect.now);
  }
}
