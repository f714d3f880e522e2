import type { FilePolicies } from '../ledger/policies.js';
import type { StoredFile } from '../file/stored-file.js';
import type { ByteSize } from '../options.js';

/** An upload whose bytes are all stored and to which no row can refer yet: what a field's own `check` judges. */
export interface CheckedUpload {
  /** The uploader's file name, cleaned. */
  readonly name: string;
  /** Media type, found from the bytes. */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the bytes, lower-case hexadecimal. */
  readonly sha256: string;
  /** The first bytes, at most 4100. */
  readonly head: Uint8Array;
}

/** A media type, or all types of one kind: `'application/pdf'`, `'image/*'`. */
export type MediaTypePattern = `${'application' | 'audio' | 'font' | 'image' | 'model' | 'text' | 'video'}/${string}`;

/** An upload for which a storage is chosen. */
export interface StorageQuestion {
  /** The uploader's file name, cleaned. */
  readonly name: string;
  /** Media type, found from the first bytes. */
  readonly type: string;
  /** Bytes; undefined if the source does not promise a size. */
  readonly size: number | undefined;
  /** What `files.stage` or `files.receive` was given as `context`. */
  readonly context: unknown;
}

/** A field whose files are in one of several storages: one for each tenant or region, say. */
export interface StorageChoice {
  /** The names of all storages in which files of the field may be. */
  readonly among: readonly [string, ...string[]];
  /** Chooses the one for a new file. The file's own column remembers it, so the answer may change later. */
  readonly choose: (upload: StorageQuestion) => string | Promise<string>;
}

/** The names of the storages that a field may use. */
export function storagesOf({ storage }: Pick<FileFieldOptions, 'storage'>): readonly string[] {
  return typeof storage === 'string' ? [storage] : storage.among;
}

/**
 * What a file field accepts and how it is kept; the same for both ORMs, for decorators and schemas. `Nullable` is the type of
 * `nullable`, by which a decorator knows the type of its property.
 */
export interface FileFieldOptions<Nullable extends boolean = boolean> extends FilePolicies {
  /** Name of a storage given to `attachFiles`, which throws when the name is not there; or a choice among several. */
  readonly storage: string | StorageChoice;
  /**
   * Media types to accept, such as `'application/pdf'` or `'image/*'`. The bytes decide, never what the client says. An
   * entry that no file can have, such as `'text/javascript'`, throws when files are attached; docs/types.md lists the types.
   * @default every type
   */
  readonly accept?: readonly MediaTypePattern[];
  /**
   * False refuses a file without bytes with `rejected`.
   * @default true
   */
  readonly allowEmpty?: boolean;
  /**
   * File name extensions to accept, such as `'.pdf'`. Case does not matter.
   * @default every extension
   */
  readonly extensions?: readonly `.${string}`[];
  /**
   * Largest file, in bytes or as `'20 MB'`. An upload ends at the first byte over it.
   * @default no limit for `files.stage`; 100 MiB for `files.receive`
   */
  readonly maxSize?: ByteSize;
  /**
   * Your own check: return a sentence to refuse the upload with `rejected`, nothing to accept it. The signal is the one that
   * `files.stage` was given; after an abort the result no longer matters.
   * @default none
   */
  readonly check?: (upload: CheckedUpload, signal?: AbortSignal) => string | void | Promise<string | void>;
  /**
   * Name of the database column.
   * @default the ORM's name for the property
   */
  readonly column?: string;
  /**
   * Whether the column may be null.
   * @default true
   */
  readonly nullable?: Nullable;
}

/**
 * `Name` if a file field can be the property of that name: `StoredFile | null`, or `StoredFile` where `nullable` is false.
 * The types of private and protected properties cannot be seen, nor that of null without `strictNullChecks`.
 */
export type DecoratedName<Target, Name extends string, Nullable extends boolean> = Name extends keyof Target
  ? DecoratedValue<Target[Name], Nullable> extends true
    ? Name
    : never
  : Name;

/** True if a file field can hold this type of value. */
export type DecoratedValue<Value, Nullable extends boolean> = [Value] extends [StoredFile | null | undefined]
  ? null extends StoredFile
    ? true
    : boolean extends Nullable
      ? true
      : [Nullable, Extract<Value, null | undefined>] extends [true, never]
        ? false
        : [Nullable, null extends Value ? true : false] extends [false, true]
          ? false
          : true
  : false;
