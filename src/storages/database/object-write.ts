import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { FileFieldError, isFileFieldError } from '../../errors.js';
import { abortable, unlessAborted, wasAborted } from '../../file/abortable.js';
import type { ObjectInfo, WriteOptions } from '../../file/storage.js';
import { isReferencedError, type LedgerConnection, type SqlResult } from '../../ledger/connection.js';
import { raw, sql, type Sql } from '../../ledger/sql.js';
import { chunksOf, type Chunk } from './chunks.js';
import { databaseError, isTaken } from './database-error.js';

/**
 * Milliseconds that a statement waits for a connection of the pool. A caller may hold one in its transaction, and as many
 * callers as the pool has connections would wait for each other.
 */
export const patience = 5_000;

/** Milliseconds that a failed write waits for its clean-up, which then goes on in the background. */
const cleanUpPatience = 3_000;

/** Where an object is: its key in one of the spaces of a database. */
export interface ObjectPlace {
  readonly database: LedgerConnection;
  readonly space: string;
  readonly key: string;
}

/**
 * One write of one object. Up to one chunk it is one row, which one INSERT makes. A larger one begins with an unfinished row,
 * which nobody reads; its chunks refer to it, and one UPDATE finishes it. Whoever deletes the row deletes the chunks and
 * makes the next statement of the write fail, so that there is neither a part of an object nor a chunk of none.
 */
export class ObjectWrite {
  readonly #id = randomUUID();
  /** The statement that is running, or the last one. */
  #running: Promise<unknown> = Promise.resolve();
  #begun = false;

  constructor(
    private readonly place: ObjectPlace,
    private readonly chunkSize: number,
    private readonly options: WriteOptions,
  ) {}

  async write(body: AsyncIterable<Uint8Array>): Promise<ObjectInfo> {
    const { signal, size } = this.options;
    if (signal?.aborted) throw wasAborted(signal);
    const chunks = chunksOf(abortable(source(body), signal), this.chunkSize, size);
    try {
      const first = (await chunks.next()).value as Chunk;
      return await (first.last ? this.#writeWhole(first) : this.#writeChunks(first, chunks));
    } catch (cause) {
      await this.#discard();
      if (!isFileFieldError(cause) && signal?.aborted) throw wasAborted(signal);
      throw databaseError(cause, this.place.database.dialect, 'write an object', this.place.key);
    } finally {
      await chunks.return().catch(() => undefined);
    }
  }

  async #writeWhole({ bytes }: Chunk): Promise<ObjectInfo> {
    const size = bytes.byteLength;
    await this.#execute(this.#row('', size, bytes)).catch((cause: unknown) => this.#unlessOwn(cause));
    return { size };
  }

  async #writeChunks(first: Chunk, rest: AsyncIterable<Chunk>): Promise<ObjectInfo> {
    await this.#execute(this.#row(this.#id, null, null)).catch((cause: unknown) => this.#unlessRepeated(cause));
    await this.#writeChunk(first);
    let size = first.bytes.byteLength;
    for await (const chunk of rest) {
      await this.#writeChunk(chunk);
      size += chunk.bytes.byteLength;
    }
    const { now } = this.place.database.dialect;
    const finished = sql`UPDATE file_object SET unfinished = ${''}, size = ${size}, modified = ${raw(now)} WHERE id = ${this.#id}`;
    const { affected } = await this.#execute(finished);
    // Where the statement was repeated, the second time may change no row.
    if (affected === 0 && !(await this.#isFinished())) throw this.#wasDeleted();
    return { size };
  }

  async #writeChunk({ number, bytes }: Chunk): Promise<void> {
    const statement = sql`INSERT INTO file_chunk (object_id, number, bytes) VALUES (${this.#id}, ${number}, ${bytes})`;
    await this.#execute(statement).catch((cause: unknown) => {
      if (isReferencedError(cause)) throw this.#wasDeleted(cause);
      this.#unlessRepeated(cause);
    });
  }

  #row(unfinished: string, size: number | null, bytes: Buffer | null): Sql {
    const { place, options } = this;
    const columns = raw('(id, space, object_key, unfinished, size, modified, chunk_size, type, disposition, bytes)');
    const modified = raw(place.database.dialect.now);
    const { type = null, disposition = null } = options;
    return sql`INSERT INTO file_object ${columns} VALUES (${this.#id}, ${place.space}, ${place.key}, ${unfinished}, ${size}, ${modified}, ${this.chunkSize}, ${type}, ${disposition}, ${bytes})`;
  }

  /** Rejects at once when the signal aborts; the statement goes on, and the clean-up waits for it. */
  async #execute(statement: Sql): Promise<SqlResult> {
    const { signal } = this.options;
    if (signal?.aborted) throw wasAborted(signal);
    this.#begun = true;
    const running = this.place.database.execute(statement, { patience });
    this.#running = running.catch(() => undefined);
    return unlessAborted(running, signal);
  }

  /** A connection may run a statement a second time; the ids of a write are its own. */
  #unlessRepeated(cause: unknown): void {
    if (!isTaken(cause, this.place.database.dialect)) throw cause;
  }

  async #unlessOwn(cause: unknown): Promise<void> {
    this.#unlessRepeated(cause);
    if (!(await this.#isFinished())) throw cause;
  }

  async #isFinished(): Promise<boolean> {
    const statement = sql`SELECT id FROM file_object WHERE id = ${this.#id} AND unfinished = ${''}`;
    return (await this.#execute(statement)).rows.length > 0;
  }

  /** Deletes what the write has left, as far as the database can be reached; the rest goes when the key is deleted. */
  async #discard(): Promise<void> {
    if (!this.#begun) return;
    const deleted = this.#running
      .then(() => this.place.database.execute(sql`DELETE FROM file_object WHERE id = ${this.#id}`, { patience }))
      // The failure that led here matters more.
      .catch(() => undefined);
    const timer = new AbortController();
    await Promise.race([deleted, delay(cleanUpPatience, undefined, timer).catch(() => undefined)]);
    timer.abort();
  }

  #wasDeleted(cause?: unknown): FileFieldError {
    const text = 'The object was deleted while it was written: write it again, under another key.';
    return new FileFieldError('storage_failed', text, { key: this.place.key, cause });
  }
}

/** The body, whose failure is told from one of the database. */
async function* source(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (cause) {
    if (isFileFieldError(cause)) throw cause;
    const text = 'The object was not written: the source of its bytes failed.';
    throw new FileFieldError('storage_failed', text, { cause });
  }
}
