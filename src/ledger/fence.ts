import { randomUUID } from 'node:crypto';
import { FileFieldError, isFileFieldError } from '../errors.js';
import type { FileEvents } from '../events.js';
import { fenceFolder, isFenceKey } from '../file/key.js';
import type { StorageRegistry } from '../file/registry.js';
import type { LedgerConnection } from './connection.js';
import type { Identity } from './identity.js';
import { contested, givenUp, isSame, Markers, type Marker } from './marker.js';
import { raw, sql, type Sql } from './sql.js';

/** The fence of one storage: the row of `file_fence`. */
export interface FenceState {
  readonly storage: string;
  /** Generation of the marker that the storage should have; 0 while the first one is being written. */
  readonly generation: number;
  readonly token: string;
  /** The token that is being written, or was when a process died. */
  readonly next: string | undefined;
  /** When the token was recorded, in milliseconds. */
  readonly since: number;
  /** The fence in milliseconds: the option, or twice the longest time between two sweeps. */
  readonly length: number;
  /** The database's time. */
  readonly now: number;
}

/** The longest fence that long times between sweeps lead to, in milliseconds. */
const longest = 7 * 86_400_000;

/**
 * Tells whether this database alone deletes in a storage, and whether the storage is the one that it knows.
 *
 * A copy of a database - a dump, a snapshot, a restore - has the same ledger as the original, and each would delete what the
 * other one has. Nothing in a database tells a copy from the original, so the storage is asked: it holds a marker with a
 * random token, which the ledger has too, and which a sweep replaces from time to time. What was retired before the token
 * was recorded may be deleted once the token has stood for the length of the fence: a copy cannot get that far, since the
 * original sweeps meanwhile, finds a token that it did not write, and contests it. Then neither deletes.
 */
export class Fence {
  /** Storages that have had a marker since this process began. */
  readonly #established = new Map<string, Promise<void>>();
  /** Storages whose contest this process has told. */
  readonly #told = new Set<string>();

  constructor(
    private readonly database: LedgerConnection,
    private readonly identity: Identity,
    private readonly storages: StorageRegistry,
    private readonly events: FileEvents,
    /** Milliseconds. */
    private readonly length: number,
  ) {}

  /**
   * Called before a file is written. Makes the first marker of a storage. A folder that may be another one - a volume that
   * is not mounted, another working directory - is looked at each time. Rejects with `wrong_storage`.
   */
  async enter(name: string, inTransaction: boolean): Promise<void> {
    const storage = this.storages.resolve(name);
    if (storage.volatile) return;
    let established = this.#established.get(name);
    if (!established) {
      // A statement on another connection could wait for the transaction.
      if (inTransaction) return;
      established = this.#establish(name);
      this.#established.set(name, established);
      established.catch(() => this.#established.delete(name));
      return established;
    }
    await established;
    if (storage.root === undefined || (await (await this.#markers(name)).exist())) return;
    if (inTransaction) throw this.#missing(name);
    await this.#establish(name);
  }

  /**
   * The time before which a file must have been retired so that its bytes may be deleted now; 0 while the fence has not
   * stood long enough. Rejects with `contested` or `wrong_storage`.
   */
  async admit(name: string): Promise<number> {
    if (this.storages.resolve(name).volatile) return Infinity;
    const fence = await this.check(name);
    const born = await this.identity.bornHere();
    // A ledger that has just begun, as in a test, has no copy that could contest it.
    if (born !== undefined && fence.now - born < this.length) return Infinity;
    return hasStood(fence) ? fence.since : 0;
  }

  /** Rejects with `contested` or `wrong_storage` unless this database alone deletes in the storage, as far as it says. */
  async confirm(name: string): Promise<void> {
    if (!this.storages.resolve(name).volatile) await this.check(name);
  }

  /**
   * Rejects with `contested` if another ledger has a marker in the storage, as far as the storage lists its objects: both
   * could adopt the same object, and one would delete what the other one has.
   */
  async lookForOthers(name: string): Promise<void> {
    const identity = await this.identity.get();
    for await (const { key } of this.storages.resolve(name).list?.({ after: fenceFolder }) ?? []) {
      if (!isFenceKey(key)) return;
      if (key.startsWith(`${fenceFolder}${identity}/`)) continue;
      throw new FileFieldError(
        'contested',
        `Another database keeps files in the storage "${name}", and might adopt the same objects: adopt them in one of the two. If that database is gone, delete its folder in ${fenceFolder} of the storage.`,
        { storage: name },
      );
    }
  }

  /** Compares ledger and storage without changing either; undefined before the first file. */
  async look(name: string): Promise<FenceState | undefined> {
    const fence = await this.state(name);
    if (!fence || fence.generation === 0) return undefined;
    const newest = await (await this.#markers(name)).newest();
    if (!newest) throw this.#missing(name);
    const next = { generation: fence.generation + 1, token: fence.next ?? '' };
    if (isSame(newest, fence) || isSame(newest, next) || newest.token === givenUp) return fence;
    throw contest(name);
  }

  /** Compares ledger and storage. Resolves to the fence if they agree; rejects with `contested` or `wrong_storage`. */
  async check(name: string): Promise<FenceState> {
    const markers = await this.#markers(name);
    for (let last: FenceState | undefined; ;) {
      const fence = await this.state(name);
      const newest = await markers.newest();
      if (!fence || fence.generation === 0) return await this.#begin(name, markers);
      if (isSame(newest, fence)) return fence;
      if (fence.next !== undefined && isSame(newest, { generation: fence.generation + 1, token: fence.next })) {
        await this.#record(name, fence.generation + 1, fence.next);
      } else if (newest?.token === givenUp) {
        await this.#take(fence, newest.generation, markers);
      } else if (last && last.generation === fence.generation && last.token === fence.token) {
        if (!newest) throw this.#missing(name);
        throw await this.#contest(name, newest, markers);
      }
      // Another process may have rotated the token between the two looks.
      last = fence;
    }
  }

  /**
   * Compares all storages, and replaces the tokens that have stood long enough. Every sweep does it, also one that has
   * nothing to delete: an original must find its copy before the copy's own token has stood.
   */
  async patrol(): Promise<void> {
    for (const fence of await this.all()) {
      if (!this.storages.has(fence.storage)) continue;
      try {
        await this.#rotate(fence.storage);
      } catch (error) {
        this.tell(fence.storage, error);
      }
    }
  }

  async #rotate(name: string): Promise<void> {
    const fence = await this.check(name);
    if (!hasStood(fence)) return;
    const { generation } = fence;
    // Of several sweepers the first one chooses the next token, and all write the same.
    await this.database.execute(
      sql`UPDATE file_fence SET next_token = ${randomUUID()} WHERE ${isAt(fence)} AND next_token IS NULL`,
    );
    const next = (await this.state(name))?.next;
    if (next === undefined) return;
    const markers = await this.#markers(name);
    if (await markers.write({ generation: generation + 1, token: next }))
      await this.#record(name, generation + 1, next);
  }

  /** Notes the time between two sweeps, before anything is compared: a sweep that is refused counts too. */
  async swept(): Promise<void> {
    const gap = sql`${this.#now} - swept_at`;
    await this.database.execute(
      sql`UPDATE file_fence SET gap = CASE WHEN ${gap} > gap THEN ${gap} ELSE gap END, swept_at = ${this.#now}`,
    );
  }

  /** This database is the one that goes on in the storage. What it decided meanwhile waits for another fence. */
  async take(name: string): Promise<void> {
    const markers = await this.#markers(name);
    const fence = (await this.state(name)) ?? (await this.#begin(name, markers));
    const newest = await markers.newest();
    await this.#take(fence, Math.max(fence.generation, newest?.generation ?? 0), markers);
    this.#told.delete(name);
  }

  /** This database is a copy: it leaves its storages to the original, and begins with an identity of its own. */
  async leave(): Promise<void> {
    const fences = (await this.all()).filter(({ storage }) => this.storages.has(storage));
    for (const fence of fences) {
      const markers = await this.#markers(fence.storage);
      const newest = await markers.newest();
      // Otherwise the original has its own marker.
      const isOurs = newest && (newest.token === contested || isSame(newest, fence));
      if (isOurs) await markers.write({ generation: newest.generation + 1, token: givenUp });
    }
    await this.identity.renew();
    await this.database.execute(sql`DELETE FROM file_fence`);
    this.#established.clear();
    this.#told.clear();
    // Who says that this is a copy has the right storages at hand.
    for (const { storage } of fences) await this.#begin(storage, await this.#markers(storage));
  }

  /** Emits an error as a fault; a refusal once per storage and process. */
  tell(name: string, error: unknown): void {
    const isRefusal = isFileFieldError(error, 'contested') || isFileFieldError(error, 'wrong_storage');
    if (isRefusal && this.#told.has(name)) return;
    if (isRefusal) this.#told.add(name);
    this.events.emit('fault', error);
  }

  /** The fence of a storage; undefined before its first file. */
  async state(name: string): Promise<FenceState | undefined> {
    return (await this.#read(sql`WHERE storage = ${name}`))[0];
  }

  /** The fences of all storages. */
  async all(): Promise<readonly FenceState[]> {
    return this.#read(raw('ORDER BY storage'));
  }

  async #establish(name: string): Promise<void> {
    await this.identity.get();
    const markers = await this.#markers(name);
    try {
      const fence = await this.state(name);
      if (!fence || fence.generation === 0) return void (await this.#begin(name, markers));
      if (await markers.exist()) return;
      if (await this.#hasEntries(name)) {
        // A bucket is not unmounted, and one whose objects expire must not stop uploads.
        if (this.storages.resolve(name).root !== undefined) throw this.#missing(name);
        return;
      }
      // Nothing can be lost: the storage of a test, or of a database that was emptied.
      await this.database.execute(sql`UPDATE file_fence SET generation = 0 WHERE ${isAt(fence)}`);
      await this.#begin(name, markers);
    } catch (error) {
      // Uploads go on: only deletions can do harm.
      if (!isFileFieldError(error, 'contested')) throw error;
      this.tell(name, error);
    }
  }

  /** Writes the first marker. */
  async #begin(name: string, markers: Markers): Promise<FenceState> {
    const columns = raw('file_fence (storage, generation, next_token, gap, last_gap)');
    const row = sql`${columns} VALUES (${name}, 0, ${randomUUID()}, 0, 0)`;
    await this.database.execute(this.database.dialect.insertNew(row));
    await this.database.execute(
      sql`UPDATE file_fence SET next_token = ${randomUUID()} WHERE storage = ${name} AND generation = 0 AND next_token IS NULL`,
    );
    const fence = (await this.state(name))!;
    if (fence.generation > 0 || fence.next === undefined) return fence;
    const written = await markers.write({ generation: 1, token: fence.next });
    if (!written) throw await this.#contest(name, (await markers.newest()) ?? { generation: 1, token: '' }, markers);
    await this.#record(name, 1, fence.next);
    return (await this.state(name))!;
  }

  /** Takes the fence after a marker of another database. */
  async #take(fence: FenceState, newest: number, markers: Markers): Promise<void> {
    const next = randomUUID();
    await this.database.execute(
      sql`UPDATE file_fence SET generation = ${newest}, token = ${randomUUID()}, next_token = ${next} WHERE ${isAt(fence)}`,
    );
    const marker = { generation: newest + 1, token: next };
    if (await markers.write(marker)) await this.#record(fence.storage, marker.generation, next);
  }

  async #record(name: string, generation: number, token: string): Promise<void> {
    await this.database.execute(
      sql`UPDATE file_fence SET generation = ${generation}, token = ${token}, token_at = ${this.#now}, next_token = NULL, last_gap = gap, gap = 0 WHERE storage = ${name} AND next_token = ${token}`,
    );
  }

  async #contest(name: string, newest: Marker, markers: Markers): Promise<FileFieldError> {
    if (newest.token !== contested) await markers.write({ generation: newest.generation + 1, token: contested });
    return contest(name);
  }

  #missing(name: string): FileFieldError {
    return new FileFieldError(
      'wrong_storage',
      `The storage "${name}" is not the one that this database has used: its marker is missing. Mount the volume, or correct the folder or bucket; if the storage is the right one, run "filefield accept ${name}".`,
      { storage: name },
    );
  }

  async #hasEntries(name: string): Promise<boolean> {
    for (const table of ['file_ledger', 'file_trash']) {
      const { rows } = await this.database.execute(sql`SELECT id FROM ${raw(table)} WHERE storage = ${name} LIMIT 1`);
      if (rows.length > 0) return true;
    }
    return false;
  }

  async #read(condition: Sql): Promise<FenceState[]> {
    const { rows } = await this.database.execute(
      sql`SELECT storage, generation, token, token_at, next_token, gap, last_gap, ${this.#now} AS time FROM file_fence ${condition}`,
    );
    return rows.map((row) => ({
      storage: String(row.storage),
      generation: Number(row.generation),
      token: String(row.token ?? ''),
      next: typeof row.next_token === 'string' ? row.next_token : undefined,
      since: Number(row.token_at ?? 0),
      length: Math.max(this.length, Math.min(longest, 2 * Math.max(Number(row.gap), Number(row.last_gap)))),
      now: Number(row.time),
    }));
  }

  async #markers(name: string): Promise<Markers> {
    return new Markers(this.storages.resolve(name), await this.identity.get(), name);
  }

  get #now(): Sql {
    return raw(this.database.dialect.now);
  }
}

function contest(storage: string): FileFieldError {
  return new FileFieldError(
    'contested',
    `Another database with the same ledger deletes in the storage "${storage}": one of the two is a copy. Nothing is deleted there until you run "filefield copied" where the copy is, or "filefield moved" where the files belong.`,
    { storage },
  );
}

function hasStood({ now, since, length }: FenceState): boolean {
  return now - since >= length;
}

/** True while no other process has changed the row. */
function isAt({ storage, generation, token }: FenceState): Sql {
  return sql`storage = ${storage} AND generation = ${generation} AND COALESCE(token, '') = ${token}`;
}
