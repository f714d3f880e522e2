import { FileFieldError, isFileFieldError } from '../errors.js';
import { collect, type ByteRange, type FileBody } from './body.js';
import { parseDescriptor, type FileDescriptor } from './descriptor.js';
import type { FileSource, LocatedFile, UrlOptions } from './file.js';
import { locateFile } from './open-file.js';
import type { StorageRegistry } from './registry.js';
import type { Storage } from './storage.js';

const brand = Symbol.for('filefield.stored-file');

/** Called when a committed row names bytes that its storage does not have. */
export type MissingListener = (descriptor: FileDescriptor, cause: unknown) => void;

/** What a stored file needs to open its bytes. */
export interface StoredFileContext {
  readonly storages: StorageRegistry;
  readonly onMissing?: MissingListener;
  /** The options of the field whose rules the file has passed; undefined if unknown. */
  readonly acceptedBy?: object;
}

/** A stored file as JSON. */
export interface StoredFileJson {
  /** The uploader's file name, cleaned. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Media type. */
  readonly type: string;
}

/**
 * A file that a storage keeps: the value of a file field. Creating one and reading its properties does no I/O. It is
 * immutable: to change a file, stage a new one. `files.stage`, `files.receive` and your entities give you stored files.
 *
 * As JSON it is `{ name, size, type }`: its storage and its key never leave the server.
 */
export class StoredFile implements FileSource {
  // An own, enumerable property on purpose: TypeORM compares json columns property by property to find changes.
  /** Identity in the ledger. */
  readonly id: string;
  /** The uploader's file name, cleaned. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Media type, found from the bytes, not from what the client said. */
  readonly type: string;
  readonly #descriptor: FileDescriptor;
  readonly #context: StoredFileContext | undefined;

  private constructor(descriptor: FileDescriptor, context?: StoredFileContext) {
    this.id = descriptor.id;
    this.name = descriptor.name;
    this.size = descriptor.size;
    this.type = descriptor.type;
    this.#descriptor = descriptor;
    this.#context = context;
    Object.defineProperty(this, brand, { value: true });
  }

  /** For staging: applications call `files.stage`. @internal */
  static of(descriptor: FileDescriptor, context?: StoredFileContext): StoredFile {
    return new StoredFile(descriptor, context);
  }

  /** Reads the value of a file column; null stays null. Throws `invalid_descriptor`. @internal */
  static parse(value: unknown, context?: StoredFileContext): StoredFile | null {
    return value === null || value === undefined ? null : new StoredFile(parseDescriptor(value), context);
  }

  /** When the bytes were stored. */
  get modified(): Date {
    return new Date(this.#descriptor.modified);
  }

  /**
   * SHA-256 of the bytes, 64 lower-case hexadecimal digits. Staged files have it; undefined if the bytes reached their
   * storage without being read by this library.
   */
  get sha256(): string | undefined {
    return this.#descriptor.sha256;
  }

  /** CRC-32 of the bytes as in zip and gzip, 8 lower-case hexadecimal digits; undefined if it is unknown. */
  get crc32(): string | undefined {
    return this.#descriptor.crc32;
  }

  /** Width of an image in pixels; undefined if it is unknown. */
  get width(): number | undefined {
    return this.#descriptor.width;
  }

  /** Height of an image in pixels; undefined if it is unknown. */
  get height(): number | undefined {
    return this.#descriptor.height;
  }

  /** A strong entity-tag made of the hash, else of the id: the bytes of one id never change. */
  get etag(): string {
    return `"${this.#descriptor.sha256?.slice(0, 32) ?? this.id}"`;
  }

  /** Path of the bytes on this machine; undefined if the storage has none. Never show it to a client. */
  get localPath(): string | undefined {
    return this.#isPlain ? this.origin?.localPath?.(this.#descriptor.key) : undefined;
  }

  /** Refuses an encrypted file before a response is begun; undefined for all others, which need no look. @internal */
  get load(): (() => Promise<FileSource>) | undefined {
    return this.#isPlain ? undefined : async () => this.#refuse();
  }

  /** The storage that keeps the bytes; undefined before `attachFiles`. */
  get origin(): Storage | undefined {
    return this.#context?.storages.resolve(this.#descriptor.storage);
  }

  /** The options of the field whose rules the file has passed. @internal */
  get acceptedBy(): object | undefined {
    return this.#context?.acceptedBy;
  }

  /** Looks for the bytes on this machine without opening them. Rejects with `not_found`, or `unsupported` as `open` does. */
  async locate(): Promise<LocatedFile | undefined> {
    if (!this.#isPlain) this.#refuse();
    return this.localPath === undefined ? undefined : locateFile(this.localPath);
  }

  /**
   * A URL where a client can fetch the bytes from their storage; undefined if the storage has none. Rejects with
   * `unsupported` as `open` does.
   */
  async url(options: UrlOptions): Promise<string | undefined> {
    if (!this.#isPlain) this.#refuse();
    const { origin } = this;
    const { key } = this.#descriptor;
    return (await origin?.signedUrl?.(key, options)) ?? origin?.url?.(key);
  }

  /** The JSON that the column holds, with id, storage, key, and members of newer releases. Never show it to a client. */
  toDescriptor(): FileDescriptor {
    return this.#descriptor;
  }

  /** What clients see. */
  toJSON(): StoredFileJson {
    return { name: this.name, size: this.size, type: this.type };
  }

  /** Returns itself, since it cannot change. MikroORM clones values. @internal */
  clone(): this {
    return this;
  }

  /** True for the same stored file; two files with the same bytes are different files. */
  equals(other: unknown): boolean {
    return isStoredFile(other) && other.id === this.id;
  }

  /**
   * Opens all bytes or one range; close the body. Rejects with `missing` if the storage does not have them or has another
   * size, with `invalid_option` if the row was loaded before `attachFiles`, and with `unsupported` if the bytes are
   * encrypted, which this release cannot undo.
   */
  async open(range?: ByteRange): Promise<FileBody> {
    if (!this.#isPlain) this.#refuse();
    const { storage, key, size } = this.#descriptor;
    if (!this.#context) {
      throw new FileFieldError('invalid_option', 'This file was loaded before attachFiles(); attach before you query.');
    }
    const body = await this.#context.storages
      .resolve(storage)
      .read(key, range)
      .catch((cause: unknown) => {
        throw isFileFieldError(cause, 'not_found') ? this.#missing(cause) : cause;
      });
    if (body.info.size !== size) {
      body.close();
      throw this.#missing(new Error(`expected ${size} bytes, the storage has ${body.info.size}`));
    }
    return body;
  }

  /** All bytes, in memory: for small files. */
  async bytes(): Promise<Buffer> {
    return collect(await this.open());
  }

  /** All bytes as UTF-8 text, in memory: for small files. */
  async text(): Promise<string> {
    return (await this.bytes()).toString('utf8');
  }

  /** The bytes, or one range of them, as an async iterable of chunks. Leaving the loop early closes the source. */
  async *stream(range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
    const body = await this.open(range);
    try {
      yield* body.stream();
    } finally {
      body.close();
    }
  }

  /** False if the stored bytes are not those of the file. */
  get #isPlain(): boolean {
    return this.#descriptor.encryption === undefined;
  }

  #refuse(): never {
    throw new FileFieldError(
      'unsupported',
      'The bytes of this file are encrypted, and this release of filefield cannot decrypt them; upgrade filefield.',
    );
  }

  #missing(cause: unknown): FileFieldError {
    this.#context?.onMissing?.(this.#descriptor, cause);
    const { storage, key } = this.#descriptor;
    return new FileFieldError('missing', 'The bytes of a stored file are missing from its storage.', {
      storage,
      key,
      cause,
    });
  }
}

/** True for a stored file, also of a second copy of this package. */
export function isStoredFile(value: unknown): value is StoredFile {
  return typeof value === 'object' && value !== null && brand in value;
}
