import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { FileFieldError, isFileFieldError } from '../errors.js';
import type { FileEvents, ObjectName } from '../events.js';
import { abortable, wasAborted } from '../file/abortable.js';
import type { FileDescriptor } from '../file/descriptor.js';
import { makeKey } from '../file/key.js';
import type { StorageRegistry } from '../file/registry.js';
import { contentDisposition } from '../http/disposition.js';
import type { Ledger } from '../ledger/ledger.js';
import type { References } from '../ledger/references.js';
import { holdingRows, relocate, type HoldingRow } from '../ledger/relocation.js';
import type { Sight } from '../ledger/sight.js';
import { sql } from '../ledger/sql.js';
import { byteSize, invalidOption, wholeNumber, type ByteSize } from '../options.js';
import { Measured } from './measure.js';

/** Which files are moved, and how fast. */
export interface MoveOptions {
  /** Name of the storage that has the files. */
  readonly from: string;
  /** Name of the storage that gets them. */
  readonly to: string;
  /**
   * Files that are copied at the same time, from 1 to 100.
   * @default 4
   */
  readonly concurrency?: number;
  /**
   * Bytes per second that all copies together may take.
   * @default no limit
   */
  readonly bytesPerSecond?: ByteSize;
  /**
   * Changes nothing, and reports what would be moved.
   * @default false
   */
  readonly dryRun?: boolean;
  /** Ends the move with `aborted`. Files that are moved stay moved; call it again to go on. */
  readonly signal?: AbortSignal;
  /** Called after each file. */
  readonly onProgress?: (progress: MoveProgress) => void;
}

/** How far a move is. */
export interface MoveProgress {
  /** Files that were looked at. */
  readonly files: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Files that the storage had when the move began. */
  readonly totalFiles: number;
  /** Their bytes. */
  readonly totalBytes: number;
}

/** What a move has done. */
export interface MoveReport {
  /** Files whose rows name the new storage now; with `dryRun` those that would. */
  readonly moved: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Files of rows that were deleted, or got another file, while they were copied. Their copies are swept. */
  readonly changed: number;
  /** Files whose objects are not in the old storage; their rows are as they were. */
  readonly missing: readonly ObjectName[];
  /** Files whose bytes are not those that were stored; their rows are as they were. */
  readonly damaged: readonly ObjectName[];
  /** Files that no row has: `reconcile({ repair: true })` releases them. */
  readonly unreferenced: number;
  /** Files of columns that this application does not map or cannot see whole: move them with the one that does. */
  readonly foreign: number;
  /** Files of the old storage that no row has: staged, released, or kept by a policy. They stay where they are. */
  readonly staying: number;
}

/** What a move works with. */
export interface MoveContext {
  readonly storages: StorageRegistry;
  readonly ledger: Ledger;
  readonly references: References;
  readonly events: FileEvents;
}

/** A file that a row may have, with its size as the ledger has it. */
interface Entry extends ObjectName {
  readonly size: number;
  readonly isForeign: boolean;
}

type Writable<Report> = {
  -readonly [Member in keyof Report]: Report[Member] extends readonly (infer One)[] ? One[] : Report[Member];
};

/** Entries that are looked at together. */
const page = 200;

/**
 * Moves the files of all rows from one storage to another while the application runs. Each file is copied under a new intent
 * and compared with its hash; then one transaction gives its rows the new object and releases the old one. A row that changes
 * meanwhile wins: it no longer has the file by then. What a killed move leaves is an intent whose lease ends.
 */
export async function moveFiles(context: MoveContext, options: MoveOptions): Promise<MoveReport> {
  const { ledger, storages, references, events } = context;
  const { from, to } = options;
  if (storages.resolve(from) === storages.resolve(to)) {
    throw invalidOption(`"${from}" and "${to}" are the same storage: there is nothing to move.`);
  }
  if (!ledger.recorded) {
    throw new FileFieldError('unsupported', 'Files are moved by the ledger: attach them without "ledger: false".');
  }
  // In the wrong folder or bucket, every file would look missing.
  await ledger.fence?.look(from);
  const sight = await references.readable(ledger.database, events);
  return new Move(context, options, sight).run();
}

class Move {
  readonly #report: Writable<MoveReport>;
  readonly #progress = { files: 0, bytes: 0, totalFiles: 0, totalBytes: 0 };
  readonly #concurrency: number;
  readonly #pace: Pace;
  /** Aborts when the caller does, and when a file has failed in a way that the others would, too. */
  readonly #ended = new AbortController();
  #failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly context: MoveContext,
    private readonly options: MoveOptions,
    private readonly sight: Sight,
  ) {
    this.#concurrency = wholeNumber('concurrency', options.concurrency ?? 4, { from: 1, to: 100 });
    this.#pace = new Pace(options.bytesPerSecond);
    this.#report = {
      moved: 0,
      bytes: 0,
      changed: 0,
      missing: [],
      damaged: [],
      unreferenced: 0,
      foreign: 0,
      staying: 0,
    };
  }

  async run(): Promise<MoveReport> {
    const { signal } = this.options;
    // Each copy listens several times.
    setMaxListeners(0, this.#ended.signal);
    const end = () => this.#ended.abort(signal?.reason);
    if (signal?.aborted) throw wasAborted(signal);
    signal?.addEventListener('abort', end, { once: true });
    try {
      await this.#count();
      await this.#all();
      return this.#report;
    } finally {
      signal?.removeEventListener('abort', end);
    }
  }

  async #count(): Promise<void> {
    const { rows } = await this.#database.execute(
      sql`SELECT CASE WHEN state = 'live' THEN 1 ELSE 0 END AS live, COUNT(*) AS files, COALESCE(SUM(size), 0) AS bytes FROM file_ledger WHERE storage = ${this.options.from} GROUP BY CASE WHEN state = 'live' THEN 1 ELSE 0 END`,
    );
    for (const row of rows) {
      if (Number(row.live) === 0) this.#report.staying = Number(row.files);
      else Object.assign(this.#progress, { totalFiles: Number(row.files), totalBytes: Number(row.bytes) });
    }
  }

  async #all(): Promise<void> {
    for (let after = ''; ;) {
      const entries = await this.#entries(after);
      const own = entries.filter(({ isForeign }) => !isForeign).map(({ id }) => id);
      const holders = await holdingRows(this.#database, this.sight.columns, own);
      const waiting = entries.values();
      const worker = async () => {
        for (const entry of waiting) {
          if (this.#ended.signal.aborted) return;
          await this.#one(entry, holders.get(entry.id) ?? []);
        }
      };
      await Promise.all(Array.from({ length: this.#concurrency }, worker));
      if (this.#failure) throw this.#failure.error;
      if (this.options.signal?.aborted) throw wasAborted(this.options.signal);
      const last = entries.at(-1);
      if (!last || entries.length < page) return;
      after = last.id;
    }
  }

  async #entries(after: string): Promise<readonly Entry[]> {
    const isMapped = sql`CASE WHEN owner_type IS NULL OR ${this.sight.isMapped} THEN 1 ELSE 0 END`;
    const { rows } = await this.#database.execute(
      sql`SELECT id, object_key AS object_key, size, ${isMapped} AS mapped FROM file_ledger WHERE state = 'live' AND storage = ${this.options.from} AND id > ${after} ORDER BY id LIMIT ${page}`,
    );
    return rows.map((row) => ({
      id: String(row.id),
      storage: this.options.from,
      key: String(row.object_key),
      size: Number(row.size ?? 0),
      isForeign: Number(row.mapped) === 0,
    }));
  }

  async #one(entry: Entry, holders: readonly HoldingRow[]): Promise<void> {
    try {
      await this.#moveOne(entry, holders);
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#failure ??= { error };
      this.#ended.abort();
      return;
    }
    this.#progress.files += 1;
    this.#progress.bytes += entry.size;
    this.options.onProgress?.({ ...this.#progress });
  }

  async #moveOne(entry: Entry, holders: readonly HoldingRow[]): Promise<void> {
    const report = this.#report;
    const object = { id: entry.id, storage: entry.storage, key: entry.key };
    const [first] = holders;
    if (entry.isForeign) report.foreign += 1;
    else if (!first?.descriptor) report.unreferenced += 1;
    else if (this.options.dryRun || (await this.#relocate(object, first.descriptor, first, holders))) {
      report.moved += 1;
      report.bytes += first.descriptor.size;
    }
  }

  /** Resolves to true if the rows have the copy; otherwise the report says why not. */
  async #relocate(
    from: ObjectName,
    descriptor: FileDescriptor,
    { reference }: HoldingRow,
    rows: readonly HoldingRow[],
  ): Promise<boolean> {
    const { ledger, events } = this.context;
    const { to: storage } = this.options;
    await ledger.fence?.enter(storage, false);
    const to = { id: randomUUID(), storage, key: makeKey(await ledger.identity()) };
    await ledger.intend({ ...reference, ...to });
    const release = ledger.keepAlive(to.id);
    let done = false;
    try {
      const measured = await this.#copy(from, to, descriptor);
      if (!measured) return false;
      const { sha256, crc32 } = measured;
      const relocation = { from, to: { ...to, size: descriptor.size, sha256, crc32 }, rows, retain: ledger.grace };
      const { database } = ledger;
      done = await (database.transaction?.((transaction) => relocate(transaction, relocation)) ??
        relocate(database, relocation));
      if (done) events.emit('moved', { from, to });
      else this.#report.changed += 1;
      return done;
    } finally {
      release();
      if (!done) await ledger.abandon(to.id).catch((error: unknown) => events.emit('fault', error));
    }
  }

  /** Copies the bytes. Resolves to undefined if they are not those of the file; the report says so. */
  async #copy(from: ObjectName, to: ObjectName, descriptor: FileDescriptor): Promise<Measured | undefined> {
    const { storages } = this.context;
    const { name, type, size, sha256 } = descriptor;
    const { signal } = this.#ended;
    const body = await storages
      .resolve(from.storage)
      .read(from.key)
      .catch((error: unknown) => {
        if (!isFileFieldError(error, 'not_found')) throw error;
        this.#report.missing.push(from);
        return undefined;
      });
    if (!body) return undefined;
    const measured = new Measured();
    const isRight = () => measured.size === size && (sha256 === undefined || measured.sha256 === sha256);
    try {
      const chunks = abortable(body.stream(), signal)[Symbol.asyncIterator]();
      const bytes = this.#pace.slowed(
        measured.body([], chunks, () => undefined),
        signal,
      );
      const options = { size: body.info.size, type, disposition: contentDisposition('attachment', name), signal };
      const written = await storages.resolve(to.storage).write(to.key, bytes, options);
      if (measured.complete && written.size === size && isRight()) return measured;
    } catch (error) {
      const cause = measured.failure?.error ?? error;
      if (!isFileFieldError(cause, 'incomplete')) throw cause;
    } finally {
      body.close();
    }
    this.#report.damaged.push(from);
    return undefined;
  }

  get #database() {
    return this.context.ledger.database;
  }
}

/** A limit for the bytes per second of several streams together. */
class Pace {
  readonly #rate: number | undefined;
  /** When the next bytes may pass, in milliseconds. */
  #next = 0;

  constructor(bytesPerSecond: ByteSize | undefined) {
    this.#rate = bytesPerSecond === undefined ? undefined : byteSize('bytesPerSecond', bytesPerSecond, { from: 1 });
  }

  async *slowed(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of chunks) {
      if (this.#rate !== undefined) {
        const now = performance.now();
        const start = Math.max(now, this.#next);
        this.#next = start + (chunk.byteLength / this.#rate) * 1000;
        if (start > now) await delay(start - now, undefined, { signal });
      }
      yield chunk;
    }
  }
}
