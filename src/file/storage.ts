import type { ByteRange, FileBody } from './body.js';
import type { UrlOptions } from './file.js';

/** What a storage knows about one object. */
export interface ObjectInfo {
  /** Bytes. */
  readonly size: number;
  /** When the object was written; absent if the storage does not know. */
  readonly modified?: Date | undefined;
  /** Text without quotes that changes whenever the bytes change; absent if the storage cannot guarantee that. */
  readonly etag?: string | undefined;
}

/** What is known about the bytes of a write. */
export interface WriteOptions {
  /** Bytes that will come; absent if unknown. */
  readonly size?: number;
  /** Media type, for storages that keep one. */
  readonly type?: string;
  /** Content-Disposition, for storages that can serve the object without this library. */
  readonly disposition?: string;
  /** Ends the write with `aborted`; nothing is kept. */
  readonly signal?: AbortSignal;
}

/** A file on this machine that a storage may keep by moving it, instead of copying its bytes. */
export interface MovableFile {
  /** Where it is. */
  readonly path: string;
  /** True if this other path leads to the same file, and nothing has written to it since it was opened. */
  isAt(path: string): Promise<boolean>;
}

/** A file that a storage was asked to move. */
export interface TakenFile extends MovableFile {
  /** Reads all bytes, to measure and judge them; called once. The object must not be visible before. */
  measure(): Promise<void>;
}

/**
 * An object, or one range of it, that is open for reading. `info` describes the whole object and belongs to the same
 * version as the bytes; `size`, if present, and the positions of `read` are those of the range.
 */
export interface ObjectBody extends FileBody {
  /** Metadata of the whole object. */
  readonly info: ObjectInfo;
}

/** One object of a listing. */
export interface ListedObject {
  /** Key of the object. */
  readonly key: string;
  /** When the object was written; absent if the storage does not know. */
  readonly modified?: Date | undefined;
}

/**
 * A place that keeps bytes under keys. Four methods are required; the optional members are capabilities, detected by
 * presence.
 *
 * Objects are immutable: written once under a new key, never changed, deleted at the end. Callers pass keys that
 * `checkKey` accepts. Failures are `FileFieldError`s: `not_found`, `already_exists`, `invalid_key`, `no_space`, `aborted`,
 * `unavailable` where the same call may succeed later, and `storage_failed` with its cause for all others. `storageContract` of `filefield/testing` proves all of this.
 */
export interface Storage {
  /**
   * Keeps all bytes under a new key, or nothing: readers never see a part, and a failing body or a taken key leaves no
   * trace. Resolves once the bytes would survive a power cut, as far as the storage can tell.
   */
  write(key: string, body: AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectInfo>;
  /**
   * Opens an object, or one range of it, which must lie within its size. Only the range is read from the storage.
   * Rejects with `not_found`.
   */
  read(key: string, range?: ByteRange): Promise<ObjectBody>;
  /** Metadata of an object; null if there is no such object. */
  stat(key: string): Promise<ObjectInfo | null>;
  /** Deletes an object. Succeeds if there is no such object. */
  delete(key: string): Promise<void>;
  /**
   * Keeps a local file by moving it, with the same guarantees as `write`; nothing is left at its path. Resolves to undefined
   * before it calls `measure` if the file cannot be moved, as from another file system: then `write` gets its bytes. Without
   * it all bytes are copied.
   */
  take?(key: string, file: TakenFile, options?: WriteOptions): Promise<ObjectInfo | undefined>;
  /** True if all objects are lost when the process ends, as in memory. The ledger then keeps no marker in it. */
  readonly volatile?: boolean;
  /** Absolute path of the folder on this machine that holds all objects. Without it a front must be given the folder. */
  readonly root?: string;
  /** Absolute path of an object on this machine. Without it a front cannot read the files itself. */
  localPath?(key: string): string;
  /**
   * A URL from which anybody who has it can fetch the object until it expires, with the given response headers. Without it
   * a client cannot be redirected to the storage, unless objects are public.
   */
  signedUrl?(key: string, options: UrlOptions): Promise<string>;
  /** The permanent URL of a public object. Without it objects are private. */
  url?(key: string): string;
  /**
   * All objects whose key is greater than `after`, ordered by the UTF-16 code units of their keys. Without it a reconcile
   * cannot find objects that the ledger does not know.
   */
  list?(options?: { readonly after?: string }): AsyncIterable<ListedObject>;
}
