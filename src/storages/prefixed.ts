import path from 'node:path';
import { FileFieldError } from '../errors.js';
import type { ByteRange } from '../file/body.js';
import { checkKey } from '../file/key.js';
import type { ListedObject, ObjectBody, ObjectInfo, Storage, WriteOptions } from '../file/storage.js';

/** Where a `PrefixedStorage` keeps its objects. */
export interface PrefixedStorageOptions {
  /** The storage that keeps the objects. */
  readonly storage: Storage;
  /** Folder in that storage, such as `tenants/acme`. Other objects of the storage are neither listed nor touched. */
  readonly prefix: string;
}

/**
 * A folder of another storage. It has the optional members that the other storage has.
 *
 * The prefix counts as a part of the key: a key that is longer than 512 bytes with it is refused with `invalid_key`. The
 * `key` of errors, which is for the log, is that of the other storage.
 *
 * @throws `invalid_option` without a storage, and for a prefix that is no key.
 *
 * @example
 * ```ts
 * import { DiskStorage } from 'filefield/storages/disk';
 * import { PrefixedStorage } from 'filefield/storages/prefixed';
 *
 * const disk = new DiskStorage({ root: 'var/files' });
 * const photos = new PrefixedStorage({ storage: disk, prefix: 'photos' });
 * ```
 */
export class PrefixedStorage implements Storage {
  readonly volatile?: boolean;
  readonly root?: string;
  readonly take?: NonNullable<Storage['take']>;
  readonly localPath?: NonNullable<Storage['localPath']>;
  readonly signedUrl?: NonNullable<Storage['signedUrl']>;
  readonly url?: NonNullable<Storage['url']>;
  readonly list?: NonNullable<Storage['list']>;
  readonly #inner: Storage;
  readonly #folder: string;

  constructor({ storage, prefix }: PrefixedStorageOptions) {
    if (typeof storage?.write !== 'function') {
      throw new FileFieldError('invalid_option', 'PrefixedStorage needs a storage.');
    }
    this.#inner = storage;
    this.#folder = folderOf(prefix);
    // Capabilities are detected by presence.
    if (storage.volatile !== undefined) this.volatile = storage.volatile;
    if (storage.root !== undefined) this.root = path.join(storage.root, ...this.#folder.split('/').slice(0, -1));
    if (storage.take) this.take = async (key, ...rest) => storage.take!(this.#at(key), ...rest);
    if (storage.localPath) this.localPath = (key) => storage.localPath!(this.#at(key));
    if (storage.signedUrl) this.signedUrl = async (key, options) => storage.signedUrl!(this.#at(key), options);
    if (storage.url) this.url = (key) => storage.url!(this.#at(key));
    if (storage.list) this.list = (options) => this.#list(storage.list!.bind(storage), options?.after);
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectInfo> {
    return this.#inner.write(this.#at(key), body, options);
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    return this.#inner.read(this.#at(key), range);
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    return this.#inner.stat(this.#at(key));
  }

  async delete(key: string): Promise<void> {
    await this.#inner.delete(this.#at(key));
  }

  async *#list(list: NonNullable<Storage['list']>, after = ''): AsyncGenerator<ListedObject, void, undefined> {
    const folder = this.#folder;
    for await (const object of list({ after: `${folder}${after}` })) {
      // Keys that share a beginning are next to each other.
      if (!object.key.startsWith(folder)) return;
      yield { ...object, key: object.key.slice(folder.length) };
    }
  }

  /** The key in the other storage. Both are checked: an empty key would be the folder. */
  #at(key: string): string {
    return checkKey(`${this.#folder}${checkKey(key)}`);
  }
}

/** The folder with a slash at its end. */
function folderOf(prefix: string): string {
  try {
    return `${checkKey(prefix.replace(/\/$/, ''))}/`;
  } catch (cause) {
    const text = 'The prefix of a PrefixedStorage must be a path without empty parts, such as "tenants/acme".';
    throw new FileFieldError('invalid_option', text, { cause });
  }
}
