import type { ByteRange, FileBody } from './body.js';
import type { UrlOptions } from './file.js';

/** What a storage knows of one object. */
export interface ObjectInfo {
  /** Bytes. */
  readonly size: number;
  readonly modified?: Date;
  /** Opaque text without quotes that changes whenever the bytes do; absent when the storage cannot vouch for that. */
  readonly etag?: string;
}

export interface WriteOptions {
  /** Bytes that will come, when the caller knows. */
  readonly size?: number;
  /** Media type, for storages that keep one. */
  readonly type?: string;
  /** Gives the write up; nothing is kept. */
  readonly signal?: AbortSignal;
}

/**
 * An object, or one range of it, that is open for reading. `info` describes the whole object and belongs to the same
 * version as the bytes; `size`, if present, and the positions of `read` are those of the range.
 */
export interface ObjectBody extends FileBody {
  readonly info: ObjectInfo;
}

/**
 * Where bytes live. Four methods are required; every other is an ability, told by its presence.
 *
 * A storage gets keys that passed `checkKey` and repeats no policy. Objects are immutable: written once under a fresh
 * key, never changed, deleted at the end. Failures are `FileFieldError`s: `not_found`, `already_exists`, `invalid_key`,
 * `no_space`, `aborted`, and `storage_failed` with its cause for all else. `storageContract` of `filefield/testing`
 * checks all of this.
 */
export interface Storage {
  /**
   * Keeps all bytes under a new key, or nothing at all: a reader never sees a part, a failing body or a taken key leaves
   * no trace. Resolves once the bytes would survive a power cut, as far as the storage can tell.
   */
  write(key: string, body: AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectInfo>;
  /**
   * Opens an object, or one range of it, which must lie within its size. Only the range is read from the storage.
   * Rejects with `not_found`.
   */
  read(key: string, range?: ByteRange): Promise<ObjectBody>;
  /** Resolves to null when there is no such object. */
  stat(key: string): Promise<ObjectInfo | null>;
  /** Deleting what is not there succeeds. */
  delete(key: string): Promise<void>;
  /** Absolute path of the folder on this machine that holds all objects. Absence: a proxy must be told where they are. */
  readonly root?: string;
  /** Absolute path of an object on this machine. Absence: a proxy cannot read the files itself. */
  localPath?(key: string): string;
  /**
   * A URL where anybody who has it can fetch the object for a while, under the headers that are asked for. Absence: a
   * client cannot be sent to the storage, unless objects are public.
   */
  signedUrl?(key: string, options: UrlOptions): Promise<string>;
  /** The lasting URL of an object that the whole world may read. Absence: objects are private. */
  url?(key: string): string;
  /**
   * All objects whose key is greater than `after`, in the order of their keys' UTF-16 units. Absence: a reconcile cannot
   * find objects that the ledger does not know.
   */
  list?(options?: { readonly after?: string }): AsyncIterable<ListedObject>;
}

export interface ListedObject {
  readonly key: string;
  readonly modified?: Date;
}
