import type { FileEvents } from '../events.js';
import type { StorageRegistry } from '../file/registry.js';
import type { LedgerConnection } from './connection.js';
import { insertOnce, now, placeholders } from './dialect.js';
import type { References } from './references.js';

/** What a sweep did, in objects. */
export interface SweepReport {
  /** Staged files that were never saved and whose lease ended. */
  readonly expired: number;
  /** Files that turned out to be referenced after all and went back to live. */
  readonly revived: number;
  /** Objects deleted from their storages. */
  readonly deleted: number;
  /** Deletions that failed and will be tried again. */
  readonly failed: number;
}

export interface SweepOptions {
  /**
   * Objects taken at a time.
   * @default 100
   */
  readonly batch?: number;
  /**
   * Try those deletions again, too, that were given up after ten failures.
   * @default false
   */
  readonly stuck?: boolean;
}

const maximumAttempts = 10;

interface Entry {
  readonly id: string;
  readonly storage: string;
  readonly key: string;
}

/**
 * Deletes bytes that no row can reach any more; nothing else does. Every step is one conditional statement, so any
 * number of sweepers may run, and be killed, at any point: what one leaves the next one finishes.
 */
export class Sweeper {
  constructor(
    private readonly database: LedgerConnection,
    private readonly storages: StorageRegistry,
    private readonly references: References,
    private readonly events: FileEvents,
  ) {}

  async sweep(options: SweepOptions = {}): Promise<SweepReport> {
    const batch = options.batch ?? 100;
    const report = { expired: 0, revived: 0, deleted: 0, failed: 0 };
    if (options.stuck) {
      await this.database.execute(
        `UPDATE file_trash SET attempts = 0, not_before = 0 WHERE attempts >= ${maximumAttempts}`,
        [],
      );
    }
    for (;;) {
      const claimed = await this.#expire(batch, report);
      const retired = await this.#retire(batch, report);
      const emptied = await this.#empty(batch, report);
      if (claimed < batch && retired < batch && emptied < batch) return report;
    }
  }

  /** Staged and never saved: doomed, or live if a row refers to them after all (a write that ran outside a transaction). */
  async #expire(batch: number, report: { expired: number; revived: number }): Promise<number> {
    const due = `state = 'pending' AND lease_until < ${this.#now}`;
    const ids = await this.#ids(`SELECT id FROM file_ledger WHERE ${due} ORDER BY lease_until LIMIT ${batch}`);
    const { referenced, free } = await this.#split(ids);
    report.revived += await this.#update(
      `UPDATE file_ledger SET state = 'live', lease_until = NULL WHERE ${due}`,
      referenced,
    );
    const count = await this.#update(
      `UPDATE file_ledger SET state = 'doomed', doomed_at = ${this.#now}, not_before = 0 WHERE ${due}`,
      free,
    );
    report.expired += count;
    if (count > 0) this.events.emit('expired', { count });
    return ids.length;
  }

  /**
   * Doomed and due: out of the ledger, into the trash. From then on nothing can bind them. The trash row comes first and
   * is only acted upon once the ledger row is gone, so no transaction is needed and none can be broken in half.
   */
  async #retire(batch: number, report: { revived: number }): Promise<number> {
    const due = `state = 'doomed' AND not_before <= ${this.#now}`;
    const ids = await this.#ids(`SELECT id FROM file_ledger WHERE ${due} ORDER BY not_before LIMIT ${batch}`);
    const { referenced, free } = await this.#split(ids);
    report.revived += await this.#update(
      `UPDATE file_ledger SET state = 'live', doomed_at = NULL, not_before = NULL WHERE ${due}`,
      referenced,
    );
    if (free.length > 0) {
      const copy = `INSERT INTO file_trash (id, storage, object_key, not_before, attempts) SELECT id, storage, object_key, 0, 0 FROM file_ledger WHERE ${due} AND id IN (${placeholders(free)})`;
      await this.database.execute(insertOnce(this.database.dialect, copy), free);
      const count = await this.#forget(due, free, report);
      if (count > 0) this.events.emit('retired', { count });
    }
    return ids.length;
  }

  /**
   * Takes files out of the ledger. A foreign key that refuses knows of a row that our own look did not find: the file is
   * alive, and somebody should look at why.
   */
  async #forget(due: string, ids: readonly string[], report: { revived: number }): Promise<number> {
    // Meanwhile a file may have been bound, missed by the copy, and doomed again: what is not in the trash stays here.
    const copied = `EXISTS (SELECT 1 FROM file_trash WHERE file_trash.id = file_ledger.id)`;
    const forget = `DELETE FROM file_ledger WHERE ${due} AND ${copied}`;
    try {
      return await this.#update(forget, ids);
    } catch (error) {
      if (!isForeignKey(error)) throw error;
      if (ids.length > 1) {
        let count = 0;
        for (const id of ids) count += await this.#forget(due, [id], report);
        return count;
      }
      this.events.emit('fault', error);
      await this.database.execute(
        `DELETE FROM file_trash WHERE id = ? AND EXISTS (SELECT 1 FROM file_ledger WHERE file_ledger.id = file_trash.id)`,
        ids,
      );
      report.revived += await this.#update(
        `UPDATE file_ledger SET state = 'live', doomed_at = NULL, not_before = NULL WHERE ${due}`,
        ids,
      );
      return 0;
    }
  }

  async #empty(batch: number, report: { deleted: number; failed: number }): Promise<number> {
    const { rows } = await this.database.execute(
      `SELECT id, storage, object_key AS object_key, attempts FROM file_trash WHERE not_before <= ${this.#now} AND attempts < ${maximumAttempts} ` +
        `AND NOT EXISTS (SELECT 1 FROM file_ledger WHERE file_ledger.id = file_trash.id) ORDER BY not_before LIMIT ${batch}`,
      [],
    );
    for (const row of rows) {
      const entry = { id: String(row.id), storage: String(row.storage), key: String(row.object_key) };
      if (await this.#remove(entry, Number(row.attempts) + 1)) report.deleted += 1;
      else report.failed += 1;
    }
    return rows.length;
  }

  async #remove({ id, storage, key }: Entry, attempt: number): Promise<boolean> {
    try {
      await this.storages.resolve(storage).delete(key);
    } catch (error) {
      this.events.emit('fault', error);
      const text = error instanceof Error ? error.message.slice(0, 500) : String(error);
      // MariaDB assigns from left to right, so the delay comes before the count. 1 s, 4 s, 16 s … about three days in all; then the row stays as a dead letter for a person to look at.
      await this.database.execute(
        `UPDATE file_trash SET not_before = ${this.#now} + 1000 * (1 << (2 * attempts)), attempts = attempts + 1, last_error = ? WHERE id = ?`,
        [text, id],
      );
      if (attempt === maximumAttempts) this.events.emit('stuck', { id, storage, key, cause: error });
      return false;
    }
    this.events.emit('deleted', { id, storage, key });
    await this.database.execute(`DELETE FROM file_trash WHERE id = ?`, [id]);
    return true;
  }

  async #split(ids: readonly string[]): Promise<{ referenced: string[]; free: string[] }> {
    const found = await this.references.among(this.database, ids);
    return { referenced: ids.filter((id) => found.has(id)), free: ids.filter((id) => !found.has(id)) };
  }

  async #ids(sql: string): Promise<string[]> {
    return (await this.database.execute(sql, [])).rows.map((row) => String(row.id));
  }

  async #update(sql: string, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    return (await this.database.execute(`${sql} AND id IN (${placeholders(ids)})`, ids)).affected;
  }

  get #now(): string {
    return now[this.database.dialect];
  }
}

/** All three databases say it in these words, in what the driver threw. */
function isForeignKey(error: unknown): boolean {
  // Drivers may throw errors of another realm, which are no instance of this one's.
  if (typeof error !== 'object' || error === null) return false;
  const { message, cause } = error as { message?: unknown; cause?: unknown };
  return /foreign key/i.test(String(message)) || isForeignKey(cause);
}
