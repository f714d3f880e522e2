/**
 * What went wrong, as a category a program can act upon. Messages are for people and may change; codes do not.
 *
 * | code | when |
 * | --- | --- |
 * | `not_found` | no such object, row or file |
 * | `missing` | a committed row names bytes that its storage does not have |
 * | `already_exists` | a key is taken; objects are never overwritten |
 * | `invalid_key` | a storage key breaks the rules of `checkKey` |
 * | `invalid_value` | a file field was given something that is not a `StoredFile` |
 * | `invalid_option` | a configuration that cannot work |
 * | `invalid_descriptor` | the JSON in a file column cannot be read |
 * | `unsupported` | the storage or platform lacks the ability |
 * | `too_large`, `wrong_type`, `rejected` | an upload broke a rule of its field |
 * | `limit_exceeded` | a multipart request broke a limit |
 * | `malformed_upload` | a request is not the multipart form it claims to be |
 * | `aborted` | the client or the caller gave up |
 * | `staged_expired` | a staged file was swept before its row was saved |
 * | `already_bound` | a stored file belongs to another row or field |
 * | `busy` | the database connection is inside somebody's transaction |
 * | `forbidden` | a view's `authorize` said no, or the URL's signature is not valid |
 * | `method_not_allowed` | neither GET nor HEAD |
 * | `incomplete` | a storage gave fewer bytes than it promised |
 * | `upstream_failed`, `upstream_timeout` | another server refused, failed, or took too long |
 * | `no_space` | the disk or quota is full |
 * | `unhealthy` | a link of a health check is broken; `rule` is its name |
 * | `storage_failed`, `database_failed` | anything else below us; see `cause` |
 */
export type FileFieldErrorCode =
  | 'not_found'
  | 'missing'
  | 'already_exists'
  | 'invalid_key'
  | 'invalid_value'
  | 'invalid_option'
  | 'invalid_descriptor'
  | 'unsupported'
  | 'too_large'
  | 'wrong_type'
  | 'rejected'
  | 'limit_exceeded'
  | 'malformed_upload'
  | 'aborted'
  | 'staged_expired'
  | 'already_bound'
  | 'busy'
  | 'forbidden'
  | 'method_not_allowed'
  | 'incomplete'
  | 'upstream_failed'
  | 'upstream_timeout'
  | 'no_space'
  | 'unhealthy'
  | 'storage_failed'
  | 'database_failed';

/** What an error is about. `field`, `rule` and `limit` may be shown to a client; the rest is for the log. */
export interface ErrorContext {
  readonly field?: string;
  readonly rule?: string;
  readonly limit?: number | string | readonly string[];
  readonly storage?: string;
  readonly key?: string;
}

export interface FileFieldErrorOptions extends ErrorContext {
  readonly cause?: unknown;
}

const brand = Symbol.for('filefield.error');

/** The one error class of this library. Test with `isFileFieldError`, which also knows errors of a second copy of the package. */
export class FileFieldError extends Error {
  readonly code: FileFieldErrorCode;
  readonly context: ErrorContext;

  constructor(code: FileFieldErrorCode, message: string, options: FileFieldErrorOptions = {}) {
    const { cause, ...context } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'FileFieldError';
    this.code = code;
    this.context = context;
    Object.defineProperty(this, brand, { value: true });
  }
}

/**
 * True for an error of this library, of the given code when one is named.
 *
 * @example
 * ```ts
 * import { isFileFieldError } from 'filefield';
 *
 * const refused = (error: unknown) => isFileFieldError(error, 'too_large');
 * ```
 */
export function isFileFieldError(error: unknown, code?: FileFieldErrorCode): error is FileFieldError {
  return (
    error instanceof Error &&
    brand in error &&
    (code === undefined || (error as unknown as FileFieldError).code === code)
  );
}
