import { setTimeout as delay } from 'node:timers/promises';
import { FileFieldError } from '../errors.js';
import type { ByteRange } from '../file/body.js';
import type { ObjectInfo, ObjectBody, Storage, WriteOptions } from '../file/storage.js';
import { killProcess } from './crash-at.js';

export type StorageOperation = 'write' | 'read' | 'stat' | 'delete';

export interface StorageFault {
  /**
   * Which call of the operation, from now on.
   * @default every call
   */
  readonly nth?: number;
  /** Milliseconds to wait before anything else happens. */
  readonly delay?: number;
  /**
   * What the call rejects with; `false` lets it succeed, after the delay.
   * @default storage_failed, as of a storage that answers 503
   */
  readonly error?: Error | false;
  /** Bytes of a write that still arrive; it is cut off right after them. */
  readonly after?: number;
  /** End this process with SIGKILL instead of rejecting. */
  readonly kill?: boolean;
}

interface Planned {
  readonly fault: StorageFault;
  left: number;
}

/**
 * A storage around another one that fails when it is told to: for tests of what an application does then.
 *
 * @example
 * ```ts
 * import { FailingStorage } from 'filefield/testing';
 * import { MemoryStorage } from 'filefield/storages/memory';
 *
 * const storage = new FailingStorage(new MemoryStorage());
 * storage.fail('write', { nth: 2, after: 1000 }); // the second write breaks off after 1000 bytes
 * const end = storage.fail('delete'); // every delete answers 503
 * end();
 * ```
 */
export class FailingStorage implements Storage {
  /** Calls so far, of those that failed too. */
  readonly calls: Readonly<Record<StorageOperation, number>>;
  readonly root?: string;
  readonly localPath?: NonNullable<Storage['localPath']>;
  readonly signedUrl?: NonNullable<Storage['signedUrl']>;
  readonly url?: NonNullable<Storage['url']>;
  readonly list?: NonNullable<Storage['list']>;
  readonly #calls = { write: 0, read: 0, stat: 0, delete: 0 };
  readonly #plans: Record<StorageOperation, Set<Planned>> = {
    write: new Set(),
    read: new Set(),
    stat: new Set(),
    delete: new Set(),
  };

  constructor(readonly inner: Storage) {
    this.calls = this.#calls;
    // Abilities are told by presence.
    if (inner.root !== undefined) this.root = inner.root;
    if (inner.signedUrl) this.signedUrl = (key, options) => inner.signedUrl!(key, options);
    if (inner.url) this.url = (key) => inner.url!(key);
    if (inner.localPath) this.localPath = (key) => inner.localPath!(key);
    if (inner.list) this.list = (options) => inner.list!(options);
  }

  /** Plans a fault; what it returns calls it off. Of several that apply to one call, the first planned counts. */
  fail(operation: StorageOperation, fault: StorageFault = {}): () => void {
    const planned = { fault, left: fault.nth ?? 0 };
    this.#plans[operation].add(planned);
    return () => void this.#plans[operation].delete(planned);
  }

  /** Every operation answers 503 until the returned function is called. */
  outage(): () => void {
    const ends = (['write', 'read', 'stat', 'delete'] as const).map((operation) => this.fail(operation));
    return () => ends.forEach((end) => end());
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectInfo> {
    const fault = this.#next('write');
    if (fault?.after === undefined) {
      await this.#suffer(fault, key);
      return this.inner.write(key, body, options);
    }
    if (fault.delay) await delay(fault.delay);
    return this.inner.write(
      key,
      cut(body, fault.after, () => end(fault, key)),
      options,
    );
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    await this.#suffer(this.#next('read'), key);
    return this.inner.read(key, range);
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    await this.#suffer(this.#next('stat'), key);
    return this.inner.stat(key);
  }

  async delete(key: string): Promise<void> {
    await this.#suffer(this.#next('delete'), key);
    return this.inner.delete(key);
  }

  #next(operation: StorageOperation): StorageFault | undefined {
    this.#calls[operation] += 1;
    let found: StorageFault | undefined;
    for (const planned of this.#plans[operation]) {
      if (planned.fault.nth === undefined) found ??= planned.fault;
      else if (--planned.left === 0) {
        this.#plans[operation].delete(planned);
        found ??= planned.fault;
      }
    }
    return found;
  }

  async #suffer(fault: StorageFault | undefined, key: string): Promise<void> {
    if (!fault) return;
    if (fault.delay) await delay(fault.delay);
    end(fault, key);
  }
}

function end({ error, kill }: StorageFault, key: string): void {
  if (kill) killProcess();
  if (error === false) return;
  throw error ?? new FileFieldError('storage_failed', 'The storage answers 503.', { key });
}

async function* cut(
  body: AsyncIterable<Uint8Array>,
  after: number,
  stop: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = after;
  for await (const chunk of body) {
    if (chunk.byteLength >= left) {
      yield chunk.subarray(0, left);
      stop();
      // What was told not to fail goes on.
      yield chunk.subarray(left);
      left = Infinity;
      continue;
    }
    left -= chunk.byteLength;
    yield chunk;
  }
  if (left !== Infinity) stop();
}
