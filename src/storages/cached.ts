import path from 'node:path';
import { FileFieldError, isFileFieldError } from '../errors.js';
import type { ByteRange } from '../file/body.js';
import { checkKey, isFenceKey } from '../file/key.js';
import type { ObjectBody, ObjectInfo, Storage, WriteOptions } from '../file/storage.js';
import { byteSize, type ByteSize } from '../options.js';
import { openCached } from './cached/cache-file.js';
import { CacheFolder } from './cached/cache-folder.js';
import { Fill } from './cached/fill.js';

/** What a `CachedStorage` keeps, and where. */
export interface CachedStorageOptions {
  /** The storage that keeps the objects. */
  readonly storage: Storage;
  /**
   * Folder of the cache; created by the first read, for the user of this process only. A relative path is resolved against
   * the working directory. Files in it that are not of a cache are left alone.
   */
  readonly root: string;
  /** Bytes that the cache may take on the disk; each object counts in blocks of 4 KiB. */
  readonly maxSize: ByteSize;
  /**
   * Larger objects are not cached.
   * @default a tenth of `maxSize`
   */
  readonly maxObjectSize?: ByteSize;
  /**
   * Is told of every failure of the cache, such as a full disk, which no read fails for. It must not throw.
   * @default failures are not reported
   */
  readonly onFault?: (error: FileFieldError) => void;
}

/**
 * Another storage with a cache on the disk of this machine for what is read. Objects never change, so what is in the cache
 * is not compared with the storage; the markers of the ledger do, and are not cached.
 *
 * A read of a whole object brings it into the cache: one read of the storage, whose bytes go to a file, and from there to
 * all readers that ask meanwhile; each gets them as they come, at its own pace. It ends early if all readers have stopped. A
 * range comes from the cache if the object is there; otherwise the storage is asked for this range, and nothing is cached.
 * `write`, `stat`, `list`, `take` and the URLs are those of the storage; `localPath` is absent, as a cached file may be
 * deleted at any time.
 *
 * The objects that were not used for the longest time are deleted when there are too many: after every tenth of `maxSize`
 * that was added, all files of the folder are looked at, in the background, and a tenth of `maxSize` is freed. The last use
 * is the time of the file, to the minute, so a restart changes nothing, and several processes can share a folder. A file of
 * another length than the object is deleted and fetched again, and so is what a killed process has left.
 *
 * `delete` deletes from the storage first, then here. A cache on another machine does not learn of it: it goes on to return
 * the object to those who know the key, until it is deleted there as unused.
 *
 * @throws `invalid_option` without a storage or a root, and for sizes that cannot be.
 *
 * @example
 * ```ts
 * import { S3Client } from '@aws-sdk/client-s3';
 * import { CachedStorage } from 'filefield/storages/cached';
 * import { S3Storage } from 'filefield/storages/s3';
 *
 * const bucket = new S3Storage({ client: new S3Client({ region: 'eu-central-1' }), bucket: 'photos' });
 * const photos = new CachedStorage({ storage: bucket, root: 'var/cache', maxSize: '10 GB' });
 * ```
 */
export class CachedStorage implements Storage {
  readonly volatile?: boolean;
  readonly take?: NonNullable<Storage['take']>;
  readonly signedUrl?: NonNullable<Storage['signedUrl']>;
  readonly url?: NonNullable<Storage['url']>;
  readonly list?: NonNullable<Storage['list']>;
  readonly #origin: Storage;
  readonly #folder: CacheFolder;
  readonly #maxObjectSize: number;
  /** Objects that are being fetched; undefined for one that the cache does not keep. */
  readonly #fills = new Map<string, Promise<Fill | undefined>>();

  constructor(options: CachedStorageOptions) {
    const { storage, root, onFault = () => undefined } = options;
    if (typeof storage?.write !== 'function') throw invalid('a storage');
    if (!root) throw invalid('a root folder');
    const maxSize = byteSize('maxSize', options.maxSize, { from: 1 });
    this.#maxObjectSize = byteSize('maxObjectSize', options.maxObjectSize ?? Math.ceil(maxSize / 10), { to: maxSize });
    this.#folder = new CacheFolder(path.resolve(root), maxSize, onFault);
    this.#origin = storage;
    // Capabilities are detected by presence.
    if (storage.volatile !== undefined) this.volatile = storage.volatile;
    if (storage.take) this.take = (...given) => storage.take!(...given);
    if (storage.signedUrl) this.signedUrl = (key, given) => storage.signedUrl!(key, given);
    if (storage.url) this.url = (key) => storage.url!(key);
    if (storage.list) this.list = (given) => storage.list!(given);
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectInfo> {
    return this.#origin.write(key, body, options);
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    checkKey(key);
    // A stale marker would hide that another database deletes in the storage.
    if (isFenceKey(key)) return this.#origin.read(key, range);
    for (;;) {
      const filling = range ? undefined : this.#fills.get(key);
      if (filling) {
        const fill = await filling;
        const body = fill ? fill.body() : await this.#origin.read(key);
        if (body) return body;
        // It has come to its end between two steps.
        await fill!.ended;
      } else {
        const body = await this.#cached(key, range);
        if (body) return body;
        if (range) return this.#origin.read(key, range);
        if (!this.#fills.has(key)) return this.#fill(key);
      }
    }
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    return this.#origin.stat(key);
  }

  async delete(key: string): Promise<void> {
    await this.#origin.delete(key);
    const filling = this.#fills.get(key);
    this.#fills.delete(key);
    // Its readers see the failure of one that could not begin.
    const fill = await filling?.catch(() => undefined);
    await fill?.discard();
    await this.#folder.remove(this.#folder.fileOf(key));
  }

  /** The object, if it is in the cache. */
  async #cached(key: string, range?: ByteRange): Promise<ObjectBody | undefined> {
    const file = this.#folder.fileOf(key);
    try {
      const cached = await openCached(file, key);
      if (!cached) await this.#folder.remove(file);
      else this.#folder.used(file, cached.used);
      return cached?.body(range);
    } catch (error) {
      if (!isFileFieldError(error, 'not_found')) this.#folder.fault(error, 'open an object of the cache');
      return undefined;
    }
  }

  /** Fetches the object for this reader and those that come meanwhile. */
  async #fill(key: string): Promise<ObjectBody> {
    let body: ObjectBody | undefined;
    const begin = async () => {
      body = await this.#origin.read(key);
      if (body.info.size > this.#maxObjectSize) return undefined;
      const readOrigin = (range: ByteRange) => this.#origin.read(key, range);
      return Fill.begin({ key, body, readOrigin }, this.#folder);
    };
    const filling = begin();
    this.#fills.set(key, filling);
    const forget = () => this.#fills.get(key) === filling && this.#fills.delete(key);
    const fill = await filling.catch((error: unknown) => {
      forget();
      throw error;
    });
    if (!fill) forget();
    else void fill.ended.then(forget);
    return fill ? (fill.body() ?? this.#origin.read(key)) : body!;
  }
}

function invalid(what: string): FileFieldError {
  return new FileFieldError('invalid_option', `CachedStorage needs ${what}.`);
}
