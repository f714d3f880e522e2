import type { Readable } from 'node:stream';
import { FileFieldError, isFileFieldError } from '../../errors.js';
import { lengthOf, type ByteRange } from '../../file/body.js';

/** Connections that may break one after the other without a byte, before a reader gives up. */
const patience = 3;

/** How one version of an object is read. */
export interface VersionReader {
  /** Opens a range. The signal ends the request, and the answer with its socket. */
  open(range: ByteRange, signal: AbortSignal): Promise<Readable>;
  /** False for a failure that another request would meet too. */
  mayGoOn(cause: unknown): boolean;
  /** The failure as an error of this library. */
  failed(cause: unknown): FileFieldError;
}

/** An answer whose bytes have not been read. */
export class Connection {
  constructor(
    readonly bytes: Readable,
    private readonly abort: AbortController,
  ) {
    // A body that is closed early fails, and nobody may be listening.
    bytes.on('error', () => undefined);
  }

  /** Frees the socket, whatever an SDK has put around it. */
  stop(): void {
    this.abort.abort();
    this.bytes.destroy();
  }
}

/**
 * The bytes of one range of one version of an object. A connection that breaks is replaced by another one, at the byte that
 * is missing: the bytes are complete, or the reader gets an error.
 */
export class ResumedBody {
  readonly #open = new Set<{ stop(): void }>();
  #first: Connection | undefined;
  #closed = false;

  /** `first` may be an answer for the whole range; without it the first request is sent when the bytes are asked for. */
  constructor(
    private readonly reader: VersionReader,
    private readonly key: string,
    private readonly range: ByteRange,
    first?: Connection,
  ) {
    this.#first = first;
    if (first) this.#open.add(first);
  }

  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    const size = lengthOf(this.range);
    for (let position = 0, failures = 0; position < size;) {
      let connection = this.#first;
      this.#first = undefined;
      try {
        connection ??= await this.#from(position);
        for await (const chunk of connection.bytes as AsyncIterable<Uint8Array>) {
          failures = 0;
          position += chunk.byteLength;
          if (position > size) throw this.#wasLonger();
          yield chunk;
        }
        if (position < size) {
          const error = new Error(`The answer ended ${size - position} bytes early.`);
          throw Object.assign(error, { code: 'ECONNRESET' });
        }
      } catch (cause) {
        failures += 1;
        if (this.#closed) throw this.#wasClosed(cause);
        const final = isFileFieldError(cause) || failures >= patience || !this.reader.mayGoOn(cause);
        if (final) throw this.reader.failed(cause);
      } finally {
        connection?.stop();
        if (connection) this.#open.delete(connection);
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#open) connection.stop();
    this.#open.clear();
  }

  async #from(position: number): Promise<Connection> {
    if (this.#closed) throw this.#wasClosed();
    const abort = new AbortController();
    const asking = { stop: () => abort.abort() };
    this.#open.add(asking);
    try {
      const bytes = await this.reader.open({ start: this.range.start + position, end: this.range.end }, abort.signal);
      const connection = new Connection(bytes, abort);
      this.#open.add(connection);
      if (this.#closed) this.close();
      return connection;
    } finally {
      this.#open.delete(asking);
    }
  }

  #wasLonger(): FileFieldError {
    const text = 'The server answered with other bytes than the range that was asked for.';
    return new FileFieldError('storage_failed', text, { key: this.key });
  }

  #wasClosed(cause?: unknown): FileFieldError {
    return new FileFieldError('aborted', 'The body was closed.', { key: this.key, cause });
  }
}

/** The error of a read whose object is no longer the one that was opened. */
export function wasReplaced(key: string, cause?: unknown): FileFieldError {
  return new FileFieldError('storage_failed', 'The object was replaced in the storage while it was read.', {
    key,
    cause,
  });
}
