import { parseDescriptor, type FileDescriptor } from './descriptor.js';
import { FileFieldError, isFileFieldError } from '../errors.js';
import { collect, type ByteRange, type FileBody } from './body.js';
import type { FileSource, LocatedFile, UrlOptions } from './file.js';
import { locateFile } from './locate-file.js';
import type { StorageRegistry } from './registry.js';
import type { Storage } from './storage.js';

const brand = Symbol.for('filefield.stored-file');

/** Told when a committed row turns out to name bytes that are not there. */
export type MissingListener = (descriptor: FileDescriptor, cause: unknown) => void;

/** What a column needs to turn a descriptor into a file that can be opened. */
export interface StoredFileContext {
  readonly storages: StorageRegistry;
  readonly onMissing?: MissingListener;
}

/**
 * A file that a storage keeps: the value of a file field. Lazy - making one and reading its properties does no I/O -
 * and immutable: to change a file, stage a new one.
 *
 * As JSON it is `{ name, size, type }`; its storage and key never leave the server.
 */
export class StoredFile implements FileSource {
  // Own and enumerable on purpose: TypeORM compares json columns property by property, and must see two files differ.
  readonly id: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Media type, found from the bytes, not from what the client said. */
  readonly type: string;
  readonly #descriptor: FileDescriptor;
  readonly #context: StoredFileContext | undefined;

  /** For the ORM packages; users get stored files from `files.stage`, `files.receive` and their entities. */
  constructor(descriptor: FileDescriptor, context?: StoredFileContext) {
    this.id = descriptor.id;
    this.name = descriptor.name;
    this.size = descriptor.size;
    this.type = descriptor.type;
    this.#descriptor = descriptor;
    this.#context = context;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Reads the value of a file column; null stays null. Throws `invalid_descriptor`. */
  static parse(value: unknown, context?: StoredFileContext): StoredFile | null {
    return value === null || value === undefined ? null : new StoredFile(parseDescriptor(value), context);
  }

  get modified(): Date {
    return new Date(this.#descriptor.modified);
  }

  /** SHA-256 of the bytes, lower-case hexadecimal. */
  get sha256(): string {
    return this.#descriptor.sha256;
  }

  /** Strong: objects are immutable and the hash was taken from the very bytes that were stored. */
  get etag(): string {
    return `"${this.#descriptor.sha256.slice(0, 32)}"`;
  }

  /** The path of the bytes on this machine; undefined where the storage has none. Never show it to a client. */
  get localPath(): string | undefined {
    return this.origin?.localPath?.(this.#descriptor.key);
  }

  /** The storage that keeps the bytes. */
  get origin(): Storage | undefined {
    return this.#context?.storages.resolve(this.#descriptor.storage);
  }

  async locate(): Promise<LocatedFile | undefined> {
    return this.localPath === undefined ? undefined : locateFile(this.localPath);
  }

  async url(options: UrlOptions): Promise<string | undefined> {
    const { origin } = this;
    const { key } = this.#descriptor;
    return (await origin?.signedUrl?.(key, options)) ?? origin?.url?.(key);
  }

  /** The JSON that the column holds. Internal affairs: storage name, key and id. */
  toDescriptor(): FileDescriptor {
    return this.#descriptor;
  }

  toJSON(): { name: string; size: number; type: string } {
    return { name: this.name, size: this.size, type: this.type };
  }

  /** Itself, since it cannot change. MikroORM copies what it is given and asks for this. */
  clone(): this {
    return this;
  }

  equals(other: unknown): boolean {
    return isStoredFile(other) && other.id === this.id;
  }

  /** Opens the bytes. Rejects with `missing` when they are gone or are not the ones that were stored. */
  async open(range?: ByteRange): Promise<FileBody> {
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

  /** All bytes in memory: for small files. */
  async bytes(): Promise<Buffer> {
    return collect(await this.open());
  }

  /** All bytes as UTF-8 text: for small files. */
  async text(): Promise<string> {
    return (await this.bytes()).toString('utf8');
  }

  /** The bytes as chunks; leaving the loop early closes the source. */
  async *stream(range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
    const body = await this.open(range);
    try {
      yield* body.stream();
    } finally {
      body.close();
    }
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

/** True for a stored file, also one made by a second copy of this package. */
export function isStoredFile(value: unknown): value is StoredFile {
  return typeof value === 'object' && value !== null && brand in value;
}
