import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { FileFieldError, isFileFieldError } from '../../errors.js';
import { lengthOf, type ByteRange } from '../../file/body.js';
import type { ObjectBody, ObjectInfo } from '../../file/storage.js';
import { failureOf, s3Error } from './s3-error.js';

/** Connections that may break one after the other without a byte, before a reader gives up. */
const patience = 3;

/** Sends a GET for a range of the object; with an entity-tag only if the object still has it. */
export type Get = (
  range: ByteRange | undefined,
  etag: string | undefined,
  signal: AbortSignal,
) => Promise<GetObjectCommandOutput>;

/** Opens an object, or one range of it. The answer is checked: its bytes are those of the range, and no others. */
export async function openObject(get: Get, key: string, range?: ByteRange): Promise<ObjectBody> {
  const first = await connect(get, key, range);
  const info = infoOf(first.output);
  const whole = range ?? { start: 0, end: info.size - 1 };
  const body = new S3Body(get, key, whole, first);
  return { info, size: lengthOf(whole), stream: () => body.stream(), close: () => body.close() };
}

/** Size, time and entity-tag of the whole object, from an answer to GET or HEAD. */
export function infoOf(output: {
  readonly ContentRange?: string | undefined;
  readonly ContentLength?: number | undefined;
  readonly LastModified?: Date | undefined;
  readonly ETag?: string | undefined;
}): ObjectInfo {
  const total = /\/(\d+)$/.exec(output.ContentRange ?? '')?.[1];
  const size = total === undefined ? output.ContentLength : Number(total);
  if (size === undefined) throw new FileFieldError('storage_failed', 'The bucket did not say how large the object is.');
  return { size, modified: output.LastModified, etag: etagOf(output.ETag) };
}

/** An entity-tag without its quotes; undefined for a weak one, which says nothing about the bytes. */
export function etagOf(etag: string | undefined): string | undefined {
  return etag?.startsWith('W/') ? undefined : etag?.replaceAll('"', '');
}

/** An answer whose bytes have not been read. */
interface Connection {
  readonly output: GetObjectCommandOutput;
  readonly bytes: Readable;
  /** Frees the socket, whatever the SDK has put around it. */
  readonly stop: () => void;
}

async function connect(get: Get, key: string, range?: ByteRange, etag?: string): Promise<Connection> {
  const abort = new AbortController();
  const output = await get(range, etag, abort.signal);
  // In Node the body of an answer is a stream of Node.
  const bytes = output.Body as Readable;
  // A body that is closed early fails, and nobody may be listening.
  bytes.on('error', () => undefined);
  const stop = () => {
    abort.abort();
    bytes.destroy();
  };
  const asked = range && `bytes ${range.start}-${range.end}/`;
  if (asked && !output.ContentRange?.startsWith(asked)) {
    stop();
    throw new FileFieldError(
      'storage_failed',
      'The server answered with other bytes than the range that was asked for.',
      {
        key,
      },
    );
  }
  return { output, bytes, stop };
}

/** Bytes of one version of an object. A connection that breaks is replaced by another one, at the byte that is missing. */
class S3Body {
  readonly #etag: string | undefined;
  readonly #open = new Set<Connection>();
  #first: Connection | undefined;
  #closed = false;

  constructor(
    private readonly get: Get,
    private readonly key: string,
    private readonly range: ByteRange,
    first: Connection,
  ) {
    this.#etag = first.output.ETag;
    this.#first = first;
    this.#open.add(first);
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
          yield chunk;
        }
        if (position < size) throw new Error(`The answer ended ${size - position} bytes early.`);
      } catch (cause) {
        failures += 1;
        if (this.#closed) throw this.#wasClosed(cause);
        if (failures >= patience || !this.#mayGoOn(cause)) throw s3Error(cause, 'read an object to its end', this.key);
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
    const range = { start: this.range.start + position, end: this.range.end };
    const connection = await connect(this.get, this.key, range, this.#etag).catch((cause: unknown) => {
      throw failureOf(cause).status === 412 ? this.#wasReplaced(cause) : cause;
    });
    this.#open.add(connection);
    if (this.#closed) this.close();
    if (connection.output.ETag !== this.#etag) throw this.#wasReplaced();
    return connection;
  }

  /** False for an answer that another request would get too, and for an object whose version cannot be pinned. */
  #mayGoOn(cause: unknown): boolean {
    const { status = 0 } = failureOf(cause);
    return this.#etag !== undefined && !isFileFieldError(cause) && (status < 400 || status >= 500);
  }

  #wasReplaced(cause?: unknown): FileFieldError {
    const text = 'The object was replaced in the bucket while it was read.';
    return new FileFieldError('storage_failed', text, { key: this.key, cause });
  }

  #wasClosed(cause?: unknown): FileFieldError {
    return new FileFieldError('aborted', 'The body was closed.', { key: this.key, cause });
  }
}
