import { FileFieldError } from '../errors.js';
import type { FileEvents, ObjectName } from '../events.js';
import { isKeyOf } from '../file/key.js';
import type { StorageRegistry } from '../file/registry.js';
import { invalidOption, wholeNumber } from '../options.js';
import { causes, isReferencedError, type LedgerConnection } from './connection.js';
import type { Ledger } from './ledger.js';
import type { References } from './references.js';
import { Sight } from './sight.js';
import { list, raw, sql, type Sql } from './sql.js';
import * as states from './states.js';
import { Trash } from './trash.js';

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
  /**
   * Objects that may be deleted as far as their rows are concerned, and that wait until it is sure that no copy of this
   * database has them too (the option `fence`), or until a contest is settled.
   */
  readonly waiting: number;
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
   * @default 16
   */
  readonly concurrency?: number;
  /**
   * Also retry deletions that were given up after ten failures.
   * @default false
   */
  readonly stuck?: boolean;
  /**
   * Changes nothing, and reports what is due: `expired`, and `deleted` for released files and for the trash. The rows are not
   * looked at, so that a real sweep may revive some.
   * @default false
   */
  readonly dryRun?: boolean;
}

/** How a column is forgotten. */
export interface ForgetOptions {
  /**
   * Also if the column exists, or if this role must not see whether it does.
   * @default false
   */
  readonly force?: boolean;
  /**
   * Only counts.
   * @default false
   */
  readonly dryRun?: boolean;
}

type Counts = { -readonly [Count in keyof SweepReport]: number };

const cannotForget = 'The column cannot be forgotten';

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
  #sight = Sight.none;

  readonly #trash: Trash;

  constructor(
    private readonly ledger: Ledger,
    private readonly storages: StorageRegistry,
    private readonly mapped: References,
    private readonly events: FileEvents,
  ) {
    this.#trash = new Trash(ledger, storages, events);
  }

  async sweep(options: SweepOptions = {}): Promise<SweepReport> {
    const batch = wholeNumber('batch', options.batch ?? 100, { from: 1, to: 1000 });
    const concurrency = wholeNumber('concurrency', options.concurrency ?? 16, { from: 1, to: 100 });
    const counts: Counts = { expired: 0, revived: 0, deleted: 0, failed: 0, waiting: 0 };
    if (!this.ledger.recorded) return counts;
    if (options.dryRun) return this.#estimate(counts);
    if (options.stuck) await this.#trash.retryStuck();
    await this.#look();
    await this.ledger.fence?.swept();
    await this.#trash.reclaim();
    for (;;) {
      const expired = await this.#expire(batch, counts);
      const retired = await this.#retire(batch, counts);
      if (expired < batch && retired < batch) break;
    }
    await this.#trash.empty(batch, concurrency, counts);
    await this.ledger.fence?.patrol();
    return counts;
  }

  async #estimate(counts: Counts): Promise<SweepReport> {
    await this.#look();
    const count = async (condition: Sql) => {
      const entries = sql`SELECT COUNT(*) AS count FROM file_ledger WHERE ${condition} AND ${this.#visible}`;
      return Number((await this.database.execute(entries)).rows[0]?.count);
    };
    const due = await count(states.isDue(this.#now));
    return {
      ...counts,
      expired: await count(states.isExpired(this.#now)),
      deleted: due + (await this.#trash.countDue()),
    };
  }

  /**
   * Deletes one file at once, without a grace and without waiting for the fence; everything else is looked at as in a
   * sweep. Does nothing if the file is gone. Rejects with `in_use`, `contested` or `wrong_storage`.
   */
  async erase(object: ObjectName): Promise<void> {
    const { id, storage, key } = object;
    if (!this.ledger.recorded) return this.#eraseUnrecorded(object);
    await this.#look(sql`id = ${id}`);
    const identity = await this.ledger.identity();
    if (!isKeyOf(key, identity) && !(await this.#isAdopted(object, identity)))
      throw inUse('it was stored by the database that this one is a copy of, or a path of another row leads to it');
    await this.ledger.fence?.confirm(storage);
    if (await this.#exists(sql`id = ${id}`)) await this.#retireNow(id);
    const { rows } = await this.database.execute(sql`SELECT id FROM file_trash WHERE id = ${id}`);
    if (rows.length > 0) await this.#trash.delete(object);
  }

  /** True for an object that this database has adopted, and that no row was found to share. */
  async #isAdopted({ id, storage, key }: ObjectName, identity: string): Promise<boolean> {
    for (const table of ['file_ledger', 'file_trash']) {
      const { rows } = await this.database.execute(sql`SELECT adopter FROM ${raw(table)} WHERE id = ${id}`);
      if (rows.length > 0) return rows[0]!.adopter === identity;
    }
    // An adopted object that was erased before.
    return (await this.storages.resolve(storage).stat(key)) === null;
  }

  /** Without a ledger only the rows tell. */
  async #eraseUnrecorded({ storage, key }: ObjectName): Promise<void> {
    const sight = await this.mapped.readable(this.database, this.events);
    if ((await sight.amongKeys(this.database, this.storages.everyName, [key])).size > 0) throw inUse('a row has it');
    await this.storages.resolve(storage).delete(key);
  }

  async #retireNow(id: string): Promise<void> {
    // An entry that is locked belongs to a transaction that may bind it.
    const [seen] = await this.#ids(sql`id = ${id}`, 'id', 1);
    if (seen === undefined)
      throw inUse('this application does not see the rows of its column, or a transaction has it');
    if ((await this.#sight.among(this.database, [id])).size > 0) throw inUse('a row has it');
    await this.#update(states.release(this.#now, 0, states.anyState), [id]);
    const counts = { expired: 0, revived: 0, deleted: 0, failed: 0, waiting: 0 };
    // Looks at the rows once more: one may have been bound meanwhile.
    await this.#retireAll([id], counts);
    // The ledger says it, not a count: a statement that ran twice on the one connection of SQLite may count what was undone.
    if (await this.#exists(sql`id = ${id}`)) throw inUse('a row has it');
  }

  /**
   * Puts all files of a column that no longer exists into the trash, from where they are deleted after the grace. Resolves to
   * their number. A file that a row of another column has stays. Rejects with `in_use` while the column exists.
   */
  async forget(column: string, { force = false, dryRun = false }: ForgetOptions = {}): Promise<number> {
    const [, owner, slot] = /^(.+)\.([^.]+)$/.exec(column) ?? [];
    if (owner === undefined || slot === undefined) {
      throw invalidOption(`A column to forget must be like "table.column"; it is "${column}".`);
    }
    await this.#look();
    const isColumn = sql`owner_type = ${owner} AND slot = ${slot}`;
    const { columns } = await this.mapped.located(this.database);
    if (columns.some((one) => one.owner === owner && one.slot === slot)) {
      throw inUse('this application has a file field on it', cannotForget);
    }
    if (!force && !(await this.#isAbsent(owner, slot))) throw inUse('it is in the database', cannotForget);
    let count = 0;
    for (let after = ''; ;) {
      const { rows } = await this.database.execute(
        sql`SELECT id FROM file_ledger WHERE ${isColumn} AND id > ${after} ORDER BY id LIMIT 500`,
      );
      const ids = rows.map((row) => String(row.id));
      if (ids.length === 0) return count;
      after = ids.at(-1)!;
      const { free } = await this.#split(ids);
      count += free.length;
      if (dryRun || free.length === 0) continue;
      await this.#update(states.release(this.#now, 0, states.anyState), free);
      await this.#retireAll(free, { expired: 0, revived: 0, deleted: 0, failed: 0, waiting: 0 }, this.ledger.grace);
    }
  }

  /** True if the database says that there is no such column; not if this role must not see it. */
  async #isAbsent(owner: string, slot: string): Promise<boolean> {
    const { dialect } = this.database;
    const table = owner.split('.').map((part) => dialect.quote(part));
    const column = `${table.join('.')}.${dialect.quote(slot)}`;
    try {
      await this.database.execute(sql`SELECT ${raw(column)} FROM ${raw(table.join('.'))} WHERE 1 = 0`);
      return false;
    } catch (error) {
      return causes(error).some((cause) => dialect.isAbsent(cause));
    }
  }

  /** `wanted`: the entries that are to be let go. */
  async #look(wanted = sql`((${states.isExpired(this.#now)}) OR (${states.isDue(this.#now)}))`): Promise<void> {
    this.#sight = await this.mapped.readable(this.database, this.events);
    this.#visible = await this.#findVisible(wanted);
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
    const ids = await this.#ids(states.isDue(this.#now), 'not_before', batch);
    const count = await this.#retireAll(ids, counts);
    if (count > 0) this.events.emit('retired', { count });
    return ids.length;
  }

  /** `delay`: milliseconds that the objects stay in the trash. */
  async #retireAll(ids: readonly string[], counts: Counts, delay = 0): Promise<number> {
    const due = states.isDue(this.#now);
    const { referenced, free } = await this.#split(ids);
    counts.revived += await this.#update(states.revive(due), referenced);
    if (free.length === 0) return 0;
    const entries = sql`SELECT id, storage, object_key, ${this.#now}, ${this.#now} + ${delay}, 0, adopter FROM file_ledger WHERE ${due} AND id IN (${list(free)})`;
    const copy = sql`file_trash (id, storage, object_key, retired_at, not_before, attempts, adopter) ${entries}`;
    await this.database.execute(this.database.dialect.insertNew(copy));
    return this.#forget(free, counts);
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

  async #split(ids: readonly string[]): Promise<{ referenced: string[]; free: string[] }> {
    const referenced = await this.#sight.among(this.database, ids);
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
  async #findVisible(wanted: Sql): Promise<Sql> {
    const mapped = this.#sight.isMapped;
    if (!(await this.#exists(sql`owner_type IS NULL AND ${wanted}`))) return mapped;
    const isBlind =
      this.#sight.unread.length > 0 || (await this.#exists(sql`owner_type IS NOT NULL AND NOT ${mapped}`));
    return isBlind ? mapped : sql`(owner_type IS NULL OR ${mapped})`;
  }

  async #exists(condition: Sql): Promise<boolean> {
    const { rows } = await this.database.execute(sql`SELECT id FROM file_ledger WHERE ${condition} LIMIT 1`);
    return rows.length > 0;
  }

  async #update(transition: states.Transition, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    return (await this.database.execute(states.update(transition, sql`id IN (${list(ids)})`))).affected;
  }

  private get database(): LedgerConnection {
    return this.ledger.database;
  }

  get #now(): Sql {
    return raw(this.database.dialect.now);
  }
}

function inUse(reason: string, what = 'The file cannot be erased'): FileFieldError {
  return new FileFieldError('in_use', `${what}: ${reason}.`);
}
