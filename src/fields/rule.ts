import type { FileFieldErrorCode } from '../errors.js';
import type { CheckedUpload, FileFieldOptions } from './field-options.js';

/** What is known of an upload before any of its bytes is read. */
export interface DeclaredUpload {
  readonly name: string;
  /** Bytes; absent where the source does not know. */
  readonly size: number | undefined;
}

/** What is known once the first bytes are read. */
export interface RecognisedUpload extends DeclaredUpload {
  /** Media type, found from the bytes. */
  readonly type: string;
  /** The first bytes, at most 4100; empty when a stored file of another field is assigned. */
  readonly head: Uint8Array;
}

/** Why a rule refuses an upload. */
export interface Refusal {
  readonly code: Extract<FileFieldErrorCode, 'too_large' | 'wrong_type' | 'rejected'>;
  /** One sentence: what came, and what is accepted. */
  readonly message: string;
  /** What the option allows, for the client. */
  readonly limit?: number | readonly string[];
}

/**
 * One rule that a field's options can set for its files. Each member runs as soon as what it needs is known; undefined
 * means that the rule accepts the upload. To add a rule: a file in `rules/`, a line in its index, an option in
 * `FileFieldOptions`.
 */
export interface Rule {
  /** Name of the option, shown to clients as `rule`. */
  readonly name: keyof FileFieldOptions & string;
  /** Throws `invalid_option` for a value of the option that cannot work. Runs when files are attached. */
  validate?(options: FileFieldOptions): void;
  declared?(upload: DeclaredUpload, options: FileFieldOptions): Refusal | undefined;
  recognised?(upload: RecognisedUpload, options: FileFieldOptions): Refusal | undefined;
  stored?(
    upload: CheckedUpload,
    options: FileFieldOptions,
    signal?: AbortSignal,
  ): Promise<Refusal | undefined> | undefined;
}
