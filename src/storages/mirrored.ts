import { FileFieldError, isFileFieldError } from '../errors.js';
import type { ByteRange } from '../file/body.js';
import type { ObjectBody, ObjectInfo, Storage, WriteOptions } from '../file/storage.js';
import { isElsewhere, type MirrorFault } from './mirrored/fault.js';
import { merge } from './mirrored/merge.js';
import { mirroredBody } from './mirrored/mirrored-body.js';
import { writeToAll } from './mirrored/write-to-all.js';

export type { MirrorFault } from './mirrored/fault.js';

/** Options of a `MirroredStorage`. */
export interface MirroredStorageOptions {
  /**
   * Is told of every failure of one storage that did not fail the call, because another storage answered or had failed
   * before. It must not throw.
   * @default faults are not reported
   */
  readonly onFault?: (fault: MirrorFault) => void;
}

/**
 * Keeps every object in two or more storages, and reads it from the first that has it.
 *
 * | | |
 * | --- | --- |
 * | `write` | sends the bytes to all storages at the same time, at the pace of the slowest and without keeping them. If one fails, the write fails with that error, and is undone in the others. The first storage decides who gets a key: the others get the end of the body when it has the object |
 * | `read`, `stat` | ask the first storage, and the next one after `not_found`, `unavailable` and `storage_failed`, also if the body fails before its first byte. An error in the middle of a body is an error. `not_found` means that no storage has the object: if one cannot say, its error counts |
 * | `delete` | deletes from all storages, also after a failure, and then fails with the first error |
 * | `list` | merges the listings, and is there if all storages list |
 * | `localPath`, `root`, `signedUrl`, `url` | are those of the first storage, which has every object; a client that was sent there does not come back when it is down |
 *
 * A write that fails elsewhere after the first storage has the object deletes it there again: for that moment it can be
 * read. A process that is killed in between leaves an object in some storages, as it can leave one in a single storage.
 *
 * Nothing is repaired. Add a new storage at the end: it gets new objects, and you copy the old ones at leisure. There is no
 * `etag`, since each copy may have another one.
 *
 * @throws `invalid_option` for fewer than two storages, or the same one twice.
 *
 * @example
 * ```ts
 * import { DiskStorage } from 'filefield/storages/disk';
 * import { MirroredStorage } from 'filefield/storages/mirrored';
 *
 * const [near, far] = [new DiskStorage({ root: '/srv/files' }), new DiskStorage({ root: '/mnt/backup/files' })];
 * const documents = new MirroredStorage([near, far], { onFault: ({ operation, error }) => console.error(operation, error) });
 * ```
 */
export class MirroredStorage implements Storage {
  readonly volatile?: boolean;
  readonly root?: string;
  readonly localPath?: NonNullable<Storage['localPath']>;
  readonly signedUrl?: NonNullable<Storage['signedUrl']>;
  readonly url?: NonNullable<Storage['url']>;
  readonly list?: NonNullable<Storage['list']>;
  readonly #storages: readonly Storage[];
  readonly #onFault: (fault: MirrorFault) => void;

  constructor(storages: readonly Storage[], options: MirroredStorageOptions = {}) {
    const [first] = storages;
    if (!first || storages.length < 2 || new Set(storages).size < storages.length) {
      throw new FileFieldError('invalid_option', 'MirroredStorage needs two or more different storages.');
    }
    this.#storages = [...storages];
    this.#onFault = options.onFault ?? (() => undefined);
    if (storages.every(({ volatile }) => volatile)) this.volatile = true;
    if (first.root !== undefined) this.root = first.root;
    if (first.localPath) this.localPath = (key) => first.localPath!(key);
    if (first.signedUrl) this.signedUrl = (key, given) => first.signedUrl!(key, given);
    if (first.url) this.url = (key) => first.url!(key);
    if (storages.every(({ list }) => list)) this.list = (given) => merge(storages.map((each) => each.list!(given)));
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectInfo> {
    const { failure, written } = await writeToAll(this.#storages, key, body, options);
    const [info] = written;
    if (info && !failure) return withoutTag(info);
    const undo = async (storage: Storage) =>
      storage.delete(key).catch((error: unknown) => this.#report('delete', key, [{ storage, error }]));
    await Promise.all(this.#storages.filter((_storage, index) => written[index]).map(undo));
    throw failure!.error;
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    const { opened, failures } = await this.#open(key, range, 0);
    if (!opened) throw this.#worst(key, failures);
    this.#report('read', key, failures);
    let last = opened.index;
    return mirroredBody(opened.body, async (error) => {
      const next = await this.#open(key, range, last + 1);
      this.#report('read', key, [{ storage: this.#storages[last]!, error }, ...next.failures]);
      if (next.opened) last = next.opened.index;
      return next.opened?.body;
    });
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    const failures: Failure[] = [];
    for (const storage of this.#storages) {
      try {
        const info = await storage.stat(key);
        if (!info) continue;
        this.#report('stat', key, failures);
        return withoutTag(info);
      } catch (error) {
        if (!isElsewhere(error)) throw error;
        failures.push({ storage, error });
      }
    }
    const [failure, ...others] = failures;
    this.#report('stat', key, others);
    // The storage that failed may have the object.
    if (failure) throw failure.error;
    return null;
  }

  async delete(key: string): Promise<void> {
    const failures: Failure[] = [];
    const remove = (storage: Storage) =>
      storage.delete(key).catch((error: unknown) => void failures.push({ storage, error }));
    await Promise.all(this.#storages.map(remove));
    const [failure, ...others] = failures;
    this.#report('delete', key, others);
    if (failure) throw failure.error;
  }

  /** Opens an object in the first storage that has it, from a position on. */
  async #open(key: string, range: ByteRange | undefined, from: number) {
    const failures: Failure[] = [];
    for (let index = from; index < this.#storages.length; index += 1) {
      const storage = this.#storages[index]!;
      try {
        return { opened: { body: await storage.read(key, range), index }, failures };
      } catch (error) {
        if (!isElsewhere(error)) throw error;
        failures.push({ storage, error });
      }
    }
    return { failures };
  }

  /** The failure that counts: a storage that failed may have the object that others miss. The rest is reported. */
  #worst(key: string, failures: readonly Failure[]): unknown {
    const worst = failures.find(({ error }) => !isFileFieldError(error, 'not_found'));
    if (!worst) return failures[0]!.error;
    this.#report(
      'read',
      key,
      failures.filter((one) => one !== worst),
    );
    return worst.error;
  }

  #report(operation: MirrorFault['operation'], key: string, failures: readonly Failure[]): void {
    for (const failure of failures) this.#onFault({ ...failure, operation, key });
  }
}

type Failure = Pick<MirrorFault, 'storage' | 'error'>;

function withoutTag({ size, modified }: ObjectInfo): ObjectInfo {
  return { size, modified };
}
