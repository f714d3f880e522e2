import { Readable } from 'node:stream';
import { FileFieldError, isFileFieldError } from '../errors.js';
import { collect, type ByteRange, type FileBody } from './body.js';
import { checkDescriptor, orderDescriptor, type FileDescriptor } from './descriptor.js';
import type { FileSource, LocatedFile, UrlOptions } from './file.js';
import { locateFile } from './open-file.js';
import type { StorageRegistry } from './registry.js';
import type { Storage } from './storage.js';

const brand = Symbol.for('filefield.stored-file');

/** Called when a committed row names bytes that its storage does not have. */
export type MissingListener = (descriptor: FileDescriptor, cause: unknown) => void;

/** What a stored file needs to open its bytes, and to be saved again. */
export interface StoredFileContext {
  /** Absent before `attachFiles`. */
  readonly storages?: StorageRegistry;
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
  // Own properties are what serialisers, spread and `structuredClone` copy, so they are exactly those of the JSON.
  /** The uploader's file name, cleaned. */
  declare readonly name: string;
  /** Bytes. */
  declare readonly size: number;
  /** Media type, found from the bytes, not from what the client said. */
  declare readonly type: string;
  /** As the database returned it, and checked; in the order in which it is written once it is asked for. */
  #descriptor: FileDescriptor | undefined;
  readonly #context: StoredFileContext | undefined;
  #isOrdered: boolean;

  /** Without a descriptor, as class-transformer calls it: the beginning of a copy, which is no stored file. */
  private constructor(descriptor?: FileDescriptor, context?: StoredFileContext) {
    this.#isOrdered = false;
    if (!descriptor) return;
    this.name = descriptor.name;
    this.size = descriptor.size;
    this.type = descriptor.type;
    this.#descriptor = descriptor;
    this.#context = context;
  }

  /** For staging: applications call `files.stage`. @internal */
  static of(descriptor: FileDescriptor, context?: StoredFileContext): StoredFile {
    return new StoredFile(descriptor, context);
  }

  /** Reads the value of a file column; null stays null. Throws `invalid_descriptor`. @internal */
  static parse(value: unknown, context?: StoredFileContext): StoredFile | null {
    return value === null || value === undefined ? null : new StoredFile(checkDescriptor(value), context);
  }

  /** True for a stored file, also of a second copy of this package; not for a copy of its properties. */
  get [brand](): boolean {
    return #descriptor in this && this.#descriptor !== undefined;
  }

  /** Identity in the ledger. */
  get id(): string {
    return StoredFile.#contentOf(this).descriptor.id;
  }

  /** When the bytes were stored. */
  get modified(): Date {
    return new Date(StoredFile.#contentOf(this).descriptor.modified);
  }

  /**
   * SHA-256 of the bytes, 64 lower-case hexadecimal digits. Staged files have it; undefined if the bytes reached their
   * storage without being read by this library.
   */
  get sha256(): string | undefined {
    return StoredFile.#contentOf(this).descriptor.sha256;
  }

  /** CRC-32 of the bytes as in zip and gzip, 8 lower-case hexadecimal digits; undefined if it is unknown. */
  get crc32(): string | undefined {
    return StoredFile.#contentOf(this).descriptor.crc32;
  }

  /** Width of an image in pixels; undefined if it is unknown. */
  get width(): number | undefined {
    return StoredFile.#contentOf(this).descriptor.width;
  }

  /** Height of an image in pixels; undefined if it is unknown. */
  get height(): number | undefined {
    return StoredFile.#contentOf(this).descriptor.height;
  }

  /** True: the bytes come from people who upload. */
  get uploaded(): true {
    return true;
  }

  /** A strong entity-tag made of the hash, else of the id: the bytes of one id never change. */
  get etag(): string {
    return `"${StoredFile.#contentOf(this).descriptor.sha256?.slice(0, 32) ?? this.id}"`;
  }

  /** Path of the bytes on this machine; undefined if the storage has none. Never show it to a client. */
  get localPath(): string | undefined {
    return isPlain(this) ? this.origin?.localPath?.(StoredFile.#contentOf(this).descriptor.key) : undefined;
  }

  /** Refuses an encrypted file before a response is begun; undefined for all others, which need no look. @internal */
  get load(): (() => Promise<FileSource>) | undefined {
    return isPlain(this) ? undefined : async () => refused();
  }

  /** The storage that keeps the bytes; undefined before `attachFiles`. */
  get origin(): Storage | undefined {
    const { descriptor, context } = StoredFile.#contentOf(this);
    return context?.storages?.resolve(descriptor.storage);
  }

  /** The Cache-Control that the registry has for the storage. */
  get cacheControl(): string | undefined {
    const { descriptor, context } = StoredFile.#contentOf(this);
    return context?.storages?.cacheControl(descriptor.storage);
  }

  /** The options of the field whose rules the file has passed. @internal */
  get acceptedBy(): object | undefined {
    return StoredFile.#contentOf(this).context?.acceptedBy;
  }

  /** Looks for the bytes on this machine without opening them. Rejects with `not_found`, or `unsupported` as `open` does. */
  async locate(): Promise<LocatedFile | undefined> {
    if (!isPlain(this)) refused();
    return this.localPath === undefined ? undefined : locateFile(this.localPath);
  }

  /**
   * A URL where a client can fetch the bytes from their storage; undefined if the storage has none. Rejects with
   * `unsupported` as `open` does.
   */
  async url(options: UrlOptions): Promise<string | undefined> {
    if (!isPlain(this)) refused();
    const { origin } = this;
    const { key } = StoredFile.#contentOf(this).descriptor;
    return (await origin?.signedUrl?.(key, options)) ?? origin?.url?.(key);
  }

  /** The JSON that the column holds, with id, storage, key, and members of newer releases. Never show it to a client. */
  toDescriptor(): FileDescriptor {
    return StoredFile.#contentOf(this).descriptor;
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
    if (!isPlain(this)) refused();
    const { descriptor, context } = StoredFile.#contentOf(this);
    const { storage, key, size } = descriptor;
    if (!context?.storages) {
      throw new FileFieldError('invalid_option', 'This file was loaded before attachFiles(); attach before you query.');
    }
    const missing = (cause: unknown) => {
      context.onMissing?.(descriptor, cause);
      return new FileFieldError('missing', 'The bytes of a stored file are missing from its storage.', {
        storage,
        key,
        cause,
      });
    };
    const body = await context.storages
      .resolve(storage)
      .read(key, range)
      .catch((cause: unknown) => {
        throw isFileFieldError(cause, 'not_found') ? missing(cause) : cause;
      });
    if (body.info.size !== size) {
      body.close();
      throw missing(new Error(`expected ${size} bytes, the storage has ${body.info.size}`));
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

  /**
   * The bytes, or one range of them (both ends inclusive), as a Node stream of `Buffer`s, for `pipeline`, `for await`,
   * sharp, the S3 SDK, Nest's `StreamableFile`. The file is opened when the stream is first read. Fails as `open` does.
   * Leaving a loop early, or `destroy()`, closes the file. To send a file to a client, mount a view.
   */
  stream(range?: ByteRange): Readable {
    return Readable.from(chunksOf(this, range), { objectMode: false });
  }

  /** The same as a Web stream of `Uint8Array`s: for `new Response(file.webStream())` and `fetch`. */
  webStream(range?: ByteRange): ReadableStream<Uint8Array> {
    const chunks = chunksOf(this, range);
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await chunks.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: async () => void (await chunks.return()),
      },
      // Nothing is opened or read ahead.
      { highWaterMark: 0 },
    );
  }

  /** What only a stored file has, in contrast to a copy of its properties. Throws `invalid_value` for a copy. */
  static #contentOf(file: StoredFile): { descriptor: FileDescriptor; context: StoredFileContext | undefined } {
    if (#descriptor in file && file.#descriptor) {
      // Put off until somebody asks: most rows are only shown.
      if (!file.#isOrdered) file.#descriptor = orderDescriptor(file.#descriptor);
      file.#isOrdered = true;
      return { descriptor: file.#descriptor, context: file.#context };
    }
    throw new FileFieldError(
      'invalid_value',
      'This is a copy of a stored file, made property by property: it has a name, a size and a type, but no bytes. Use the file of the entity.',
    );
  }
}

/** False if the stored bytes are not those of the file. */
const isPlain = (file: StoredFile) => file.toDescriptor().encryption === undefined;

function refused(): never {
  throw new FileFieldError(
    'unsupported',
    'The bytes of this file are encrypted, and this release of filefield cannot decrypt them; upgrade filefield.',
  );
}

/** Chunks that the reader may keep: the source may reuse the memory of its own. */
async function* chunksOf(file: StoredFile, range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
  const body = await file.open(range);
  try {
    for await (const chunk of body.stream()) yield new Uint8Array(chunk);
  } finally {
    body.close();
  }
}

// Enumerable, but not own: TypeORM compares the properties of json columns, inherited ones too, to find changes.
Object.defineProperty(StoredFile.prototype, 'id', { enumerable: true });

/** True for a stored file, also of a second copy of this package. */
export function isStoredFile(value: unknown): value is StoredFile {
  return typeof value === 'object' && value !== null && (value as { readonly [brand]?: boolean })[brand] === true;
}
