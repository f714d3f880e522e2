import { setTimeout as delay } from 'node:timers/promises';
import { FileFieldError } from '../errors.js';
import type { ByteRange } from '../file/body.js';
import type { ObjectInfo, ObjectBody, Storage, WriteOptions } from '../file/storage.js';
import { isFenceKey } from '../file/key.js';
import { byteSize, duration, wholeNumber, type ByteSize, type Duration } from '../options.js';
import { killProcess } from './crash-at.js';

/** An operation that every storage has. */
export type StorageOperation = 'write' | 'read' | 'stat' | 'delete';

/** How an operation fails. */
export interface StorageFault {
  /**
   * Fails only the nth call from now on; at least 1.
   * @default every call
   */
  readonly nth?: number;
  /**
   * Waits first.
   * @default 0
   */
  readonly delay?: Duration;
  /**
   * The error that the call rejects with; `false` lets it succeed after the delay.
   * @default `storage_failed`, as if the storage had answered 503
   */
  readonly error?: Error | false;
  /**
   * Cuts off a write after this many bytes, which still reach the storage.
   * @default fails before the first byte
   */
  readonly after?: ByteSize;
  /**
   * Ends this process with SIGKILL instead of rejecting.
   * @default false
   */
  readonly kill?: boolean;
}

/** A fault with its numbers checked. */
interface PlannedFault extends Pick<StorageFault, 'error' | 'kill'> {
  /** Milliseconds. */
  readonly delay: number;
  /** Bytes. */
  readonly after: number | undefined;
  /** Calls until it applies; undefined if it applies to every call. */
  left: number | undefined;
}

/**
 * Wraps a storage and fails when a test plans it, to show how an application handles that. It has the optional methods of
 * the wrapped storage, except `take`: every upload is a `write`.
 *
 * @example
 * ```ts
 * import { FailingStorage } from 'filefield/testing';
 * import { MemoryStorage } from 'filefield/storages/memory';
 *
 * const storage = new FailingStorage(new MemoryStorage());
 * storage.fail('write', { nth: 2, after: 1000 }); // the second write fails after 1000 bytes
 * const end = storage.fail('delete'); // every delete fails
 * end();
 * ```
 */
export class FailingStorage implements Storage {
  /** The number of calls so far, including those that failed. */
  readonly calls: Readonly<Record<StorageOperation, number>>;
  /** That of the wrapped storage. */
  readonly volatile?: boolean;
  /** That of the wrapped storage. */
  readonly root?: string;
  /** That of the wrapped storage. */
  readonly localPath?: NonNullable<Storage['localPath']>;
  /** That of the wrapped storage. */
  readonly signedUrl?: NonNullable<Storage['signedUrl']>;
  /** That of the wrapped storage. */
  readonly url?: NonNullable<Storage['url']>;
  /** That of the wrapped storage. */
  readonly list?: NonNullable<Storage['list']>;
  readonly #calls = { write: 0, read: 0, stat: 0, delete: 0 };
  readonly #faults: Record<StorageOperation, Set<PlannedFault>> = {
    write: new Set(),
    read: new Set(),
    stat: new Set(),
    delete: new Set(),
  };

  /** @param inner the storage to wrap */
  constructor(
    /** The wrapped storage. */
    readonly inner: Storage,
  ) {
    this.calls = this.#calls;
    // Capabilities are detected by presence.
    if (inner.volatile !== undefined) this.volatile = inner.volatile;
    if (inner.root !== undefined) this.root = inner.root;
    if (inner.signedUrl) this.signedUrl = (key, options) => inner.signedUrl!(key, options);
    if (inner.url) this.url = (key) => inner.url!(key);
    if (inner.localPath) this.localPath = (key) => inner.localPath!(key);
    if (inner.list) this.list = (options) => inner.list!(options);
  }

  /**
   * Plans a fault. If several apply to one call, the one that was planned first counts. Returns a function that cancels it.
   *
   * @throws `invalid_option` for a `nth`, `delay` or `after` that is not such a number
   */
  fail(operation: StorageOperation, fault: StorageFault = {}): () => void {
    const { nth, delay = 0, error, after, kill } = fault;
    const planned: PlannedFault = {
      ...(error !== undefined && { error }),
      ...(kill !== undefined && { kill }),
      delay: duration('delay', delay),
      after: after === undefined ? undefined : byteSize('after', after),
      left: nth === undefined ? undefined : wholeNumber('nth', nth, { from: 1 }),
    };
    this.#faults[operation].add(planned);
    return () => void this.#faults[operation].delete(planned);
  }

  /** Fails every operation until the returned function is called. */
  outage(): () => void {
    const ends = (['write', 'read', 'stat', 'delete'] as const).map((operation) => this.fail(operation));
    return () => ends.forEach((end) => end());
  }

  /** Writes to the wrapped storage, or fails as planned. */
  async write(key: string, body: AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectInfo> {
    const fault = this.#next('write', key);
    if (fault?.after === undefined) {
      await apply(fault, key);
      return this.inner.write(key, body, options);
    }
    if (fault.delay > 0) await delay(fault.delay);
    const failing = cut(body, fault.after, () => rejectOrKill(fault, key));
    return this.inner.write(key, failing, options);
  }

  /** Reads from the wrapped storage, or fails as planned. */
  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    await apply(this.#next('read', key), key);
    return this.inner.read(key, range);
  }

  /** Asks the wrapped storage, or fails as planned. */
  async stat(key: string): Promise<ObjectInfo | null> {
    await apply(this.#next('stat', key), key);
    return this.inner.stat(key);
  }

  /** Deletes from the wrapped storage, or fails as planned. */
  async delete(key: string): Promise<void> {
    await apply(this.#next('delete', key), key);
    return this.inner.delete(key);
  }

  /** Counts a call and returns the fault that applies to it. The markers of the ledger are neither counted nor fail. */
  #next(operation: StorageOperation, key: string): PlannedFault | undefined {
    if (isFenceKey(key)) return undefined;
    this.#calls[operation] += 1;
    let next: PlannedFault | undefined;
    for (const fault of this.#faults[operation]) {
      if (fault.left !== undefined) {
        fault.left -= 1;
        if (fault.left > 0) continue;
        this.#faults[operation].delete(fault);
      }
      next ??= fault;
    }
    return next;
  }
}

async function apply(fault: PlannedFault | undefined, key: string): Promise<void> {
  if (!fault) return;
  if (fault.delay > 0) await delay(fault.delay);
  rejectOrKill(fault, key);
}

function rejectOrKill({ error, kill }: PlannedFault, key: string): void {
  if (kill) killProcess();
  if (error === false) return;
  throw error ?? new FileFieldError('storage_failed', 'The storage answers 503.', { key });
}

/** The same bytes; `fail` is called after the first `after` of them and, unless it throws, the rest follows. */
async function* cut(
  body: AsyncIterable<Uint8Array>,
  after: number,
  fail: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = after;
  for await (const chunk of body) {
    if (chunk.byteLength >= left) {
      yield chunk.subarray(0, left);
      fail();
      yield chunk.subarray(left);
      left = Infinity;
      continue;
    }
    left -= chunk.byteLength;
    yield chunk;
  }
  if (left !== Infinity) fail();
}
