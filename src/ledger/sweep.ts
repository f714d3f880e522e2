import type { FileEvents } from '../events.js';
import type { StorageRegistry } from '../file/registry.js';
import { wholeNumber } from '../options.js';
import { isReferencedError, type LedgerConnection } from './connection.js';
import type { References } from './references.js';
import { list, raw, sql, type Sql } from './sql.js';
import * as states from './states.js';

/** What a sweep did, in objects. */
export interface SweepReport {
  /** Staged files that no row took before their lease ended. */
  readonly expired: number;
  /** Files that a row turned out to refer to after all; they are live again. */
  readonly revived: number;
  /** Objects deleted from their storages. */
  readonly deleted: number;
  /** Deletions that failed and will be tried again. */
  readonly failed: number;
}

/** How a sweep runs. */
export interface SweepOptions {
  /**
   * Objects handled by one statement, from 1 to 1000.
   * @default 100
   */
  readonly batch?: number;
  /**
   * Objects deleted from their storages at the same time, from 1 to 100.
   * @default 8
   */
  readonly concurrency?: number;
  /**
   * Also retry deletions that were given up after ten failures.
   * @default false
   */
  readonly stuck?: boolean;
}

/** A deletion is given up after this many failures. */
const maximumAttempts = 10;

/** An object in the trash. */
interface TrashEntry {
  readonly id: string;
  readonly storage: string;
  readonly key: string;
  /** Failures so far. */
  readonly attempts: number;
}

type Counts = { -readonly [Count in keyof SweepReport]: number };

/**
 * Deletes bytes that no row can refer to any more; nothing else does. Every step is one conditional statement, so any
 * number of sweepers may run, and be killed, at any point: what one leaves, the next one finishes.
 *
 * Entries of columns that this application does not map are foreign: another service, an older release or another tenant
 * has them, and only a process that sees their rows may let them go. An entry without an owner may belong to any column, so
 * it is left alone as long as the ledger has foreign entries.
 */
export class Sweeper {
  /** True for entries that this application may let go. */
  #visible = raw('1 = 0');
  /** The columns of which this application sees every row. */
  #references: References;

  constructor(
    private readonly database: LedgerConnection,
    private readonly storages: StorageRegistry,
    private readonly mapped: References,
    private readonly events: FileEvents,
  ) {
    this.#references = mapped;
  }

  async sweep(options: SweepOptions = {}): Promise<SweepReport> {
    const batch = wholeNumber('batch', options.batch ?? 100, { from: 1, to: 1000 });
    const concurrency = wholeNumber('concurrency', options.concurrency ?? 8, { from: 1, to: 100 });
    const counts: Counts = { expired: 0, revived: 0, deleted: 0, failed: 0 };
    if (options.stuck) {
      await this.database.execute(
        sql`UPDATE file_trash SET attempts = 0, not_before = 0 WHERE attempts >= ${maximumAttempts}`,
      );
    }
    this.#references = await this.mapped.readable(this.database, this.events);
    this.#visible = await this.#findVisible();
    await this.#reclaim();
    for (;;) {
      const expired = await this.#expire(batch, counts);
      const retired = await this.#retire(batch, counts);
      const emptied = await this.#empty(batch, concurrency, counts);
      if (expired < batch && retired < batch && emptied < batch) return counts;
    }
  }

  /**
   * Removes trash entries of live files: a file was bound again between the two statements of `#retire`, or a sweeper was
   * killed between them.
   */
  async #reclaim(): Promise<void> {
    const live = raw(`SELECT 1 FROM file_ledger WHERE file_ledger.id = file_trash.id AND state = 'live'`);
    const { rows } = await this.database.execute(sql`SELECT id FROM file_trash WHERE EXISTS (${live})`);
    const ids = rows.map((row) => String(row.id));
    if (ids.length === 0) return;
    await this.database.execute(sql`DELETE FROM file_trash WHERE id IN (${list(ids)}) AND EXISTS (${live})`);
  }

  /** Staged files whose lease ended are released, or revived if a row refers to them: a write outside of the ORM's hooks. */
  async #expire(batch: number, counts: Counts): Promise<number> {
    const expired = states.isExpired(this.#now);
    const ids = await this.#ids(expired, 'lease_until', batch);
    const { referenced, free } = await this.#split(ids);
    counts.revived += await this.#update(states.revive(expired), referenced);
    const count = await this.#update(states.expire(this.#now), free);
    counts.expired += count;
    if (count > 0) this.events.emit('expired', { count });
    return ids.length;
  }

  /**
   * Moves released files whose time has come from the ledger to the trash; then nothing can bind them any more. The trash
   * entry is made first and is only acted upon once the ledger entry is gone, so no transaction is needed.
   */
  async #retire(batch: number, counts: Counts): Promise<number> {
    const due = states.isDue(this.#now);
    const ids = await this.#ids(due, 'not_before', batch);
    const { referenced, free } = await this.#split(ids);
    counts.revived += await this.#update(states.revive(due), referenced);
    if (free.length > 0) {
      const entries = sql`SELECT id, storage, object_key, 0, 0 FROM file_ledger WHERE ${due} AND id IN (${list(free)})`;
      const copy = sql`file_trash (id, storage, object_key, not_before, attempts) ${entries}`;
      await this.database.execute(this.database.dialect.insertNew(copy));
      const count = await this.#forget(free, counts);
      if (count > 0) this.events.emit('retired', { count });
    }
    return ids.length;
  }

  /**
   * Deletes ledger entries whose trash entry exists. The trash entry must be checked here, since between the two statements
   * (1) the file may have been bound, so the copy missed it, (2) released again, and (3) have become due.
   */
  async #forget(ids: readonly string[], counts: Counts): Promise<number> {
    const due = states.isDue(this.#now);
    const copied = raw('EXISTS (SELECT 1 FROM file_trash WHERE file_trash.id = file_ledger.id)');
    try {
      const forget = sql`DELETE FROM file_ledger WHERE ${due} AND ${copied} AND id IN (${list(ids)})`;
      return (await this.database.execute(forget)).affected;
    } catch (error) {
      if (!isReferencedError(error)) throw error;
      if (ids.length === 1) return this.#refused(error, ids, counts);
      let count = 0;
      for (const id of ids) count += await this.#forget([id], counts);
      return count;
    }
  }

  /** A guard refused: a row refers to the file that our own look did not see. The file is live, and it is reported. */
  async #refused(error: unknown, ids: readonly string[], counts: Counts): Promise<number> {
    this.events.emit('fault', error);
    const inLedger = raw('EXISTS (SELECT 1 FROM file_ledger WHERE file_ledger.id = file_trash.id)');
    await this.database.execute(sql`DELETE FROM file_trash WHERE id IN (${list(ids)}) AND ${inLedger}`);
    counts.revived += await this.#update(states.revive(states.isDue(this.#now)), ids);
    return 0;
  }

  /**
   * Deletes objects of the trash that have no ledger entry, several at a time, and then their trash entries in one
   * statement. A sweeper killed in between leaves entries whose objects are gone; the next one deletes both again.
   */
  async #empty(batch: number, concurrency: number, counts: Counts): Promise<number> {
    const inLedger = raw('EXISTS (SELECT 1 FROM file_ledger WHERE file_ledger.id = file_trash.id)');
    const { rows } = await this.database.execute(
      sql`SELECT id, storage, object_key AS object_key, attempts FROM file_trash WHERE not_before <= ${this.#now} AND attempts < ${maximumAttempts} AND NOT ${inLedger} ORDER BY not_before LIMIT ${batch}`,
    );
    const queue = rows.values();
    const deleted: string[] = [];
    const worker = async (): Promise<void> => {
      for (const { id, storage, object_key: key, attempts } of queue) {
        const entry = { id: String(id), storage: String(storage), key: String(key), attempts: Number(attempts) };
        if (await this.#delete(entry)) deleted.push(entry.id);
        else counts.failed += 1;
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: concurrency }, worker));
    if (deleted.length > 0) await this.database.execute(sql`DELETE FROM file_trash WHERE id IN (${list(deleted)})`);
    counts.deleted += deleted.length;
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
    return rows.length;
  }

  async #delete({ attempts, ...object }: TrashEntry): Promise<boolean> {
    try {
      await this.storages.resolve(object.storage).delete(object.key);
    } catch (cause) {
      await this.#postpone(object.id, cause);
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
    await this.database.execute(
      sql`UPDATE file_trash SET not_before = ${this.#now} + 1000 * (1 << (2 * attempts)), attempts = attempts + 1, last_error = ${text} WHERE id = ${id}`,
    );
  }

  async #split(ids: readonly string[]): Promise<{ referenced: string[]; free: string[] }> {
    const referenced = await this.#references.among(this.database, ids);
    return { referenced: ids.filter((id) => referenced.has(id)), free: ids.filter((id) => !referenced.has(id)) };
  }

  async #ids(condition: Sql, order: string, batch: number): Promise<string[]> {
    const { rows } = await this.database.execute(
      sql`SELECT id FROM file_ledger WHERE ${condition} AND ${this.#visible} ORDER BY ${raw(order)} LIMIT ${batch}${raw(this.database.dialect.unlocked)}`,
      { unfiltered: true },
    );
    return rows.map((row) => String(row.id));
  }

  /** Entries without an owner are rare, so the look for foreign entries, which may read the whole ledger, is too. */
  async #findVisible(): Promise<Sql> {
    const mapped = this.#references.isMapped;
    const ready = sql`((${states.isExpired(this.#now)}) OR (${states.isDue(this.#now)}))`;
    if (!(await this.#exists(sql`owner_type IS NULL AND ${ready}`))) return mapped;
    const foreign = await this.#exists(sql`owner_type IS NOT NULL AND NOT ${mapped}`);
    return foreign ? mapped : sql`(owner_type IS NULL OR ${mapped})`;
  }

  async #exists(condition: Sql): Promise<boolean> {
    const { rows } = await this.database.execute(sql`SELECT id FROM file_ledger WHERE ${condition} LIMIT 1`);
    return rows.length > 0;
  }

  async #update(transition: states.Transition, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    return (await this.database.execute(states.update(transition, sql`id IN (${list(ids)})`))).affected;
  }

  get #now(): Sql {
    return raw(this.database.dialect.now);
  }
}
