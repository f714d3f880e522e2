import type { FilePolicies } from '../ledger/policies.js';
import type { ByteSize } from '../options.js';

/** What a field's own check is told about an upload, once its bytes are stored and before any row can use them. */
export interface CheckedUpload {
  readonly name: string;
  /** Found from the bytes. */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** The first bytes, at most 4 KiB. */
  readonly head: Uint8Array;
}

/**
 * What a file field keeps and accepts. The same for both ORMs, decorators and schemas.
 */
export interface FileFieldOptions extends FilePolicies {
  /** Name of a storage in the registry that `attachFiles` is given; it fails there when the name is unknown. */
  readonly storage: string;
  /**
   * Media types to accept, `'application/pdf'` or `'image/*'`, judged by the bytes and never by the client's word.
   * @default every type
   */
  readonly accept?: readonly `${string}/${string}`[];
  /**
   * File name endings to accept, such as `'.pdf'`; case does not matter.
   * @default every ending
   */
  readonly extensions?: readonly `.${string}`[];
  /**
   * Largest file; the upload is cut off as soon as it is exceeded.
   * @default no limit for `files.stage`; 100 MiB for `files.receive`
   */
  readonly maxSize?: ByteSize;
  /** A check of your own: return a sentence to refuse the upload, nothing to take it. */
  readonly check?: (upload: CheckedUpload) => string | void | Promise<string | void>;
  /**
   * Name of the database column.
   * @default what the ORM makes of the property's name
   */
  readonly column?: string;
  /**
   * Whether the row may have no file.
   * @default true
   */
  readonly nullable?: boolean;
}
