/**
 * The category of an error, for programs. Messages are for people and may change; codes do not.
 *
 * | code | when |
 * | --- | --- |
 * | `not_found` | no such object, row or file |
 * | `missing` | a committed row names bytes that its storage does not have |
 * | `already_exists` | a key is taken; objects are never overwritten |
 * | `invalid_key` | a storage key breaks the rules of `checkKey` |
 * | `invalid_value` | a value that is not a `StoredFile` was assigned to a file field, or a source that cannot be read was given |
 * | `invalid_option` | an option or a configuration cannot work |
 * | `invalid_descriptor` | the JSON in a file column cannot be read |
 * | `unsupported` | the storage, database or platform cannot do this |
 * | `too_large`, `wrong_type`, `rejected` | an upload broke a rule of its field; also a text field that is too long, and a request that is no multipart form |
 * | `limit_exceeded` | a form has too many fields or files, or a name that is too long |
 * | `unexpected_field` | a form has a file, or text, in a field that takes none |
 * | `malformed_upload` | a request is not the multipart form it claims to be |
 * | `aborted` | the client or the caller ended the operation |
 * | `staged_expired` | the lease of a staged file ended before its row was saved |
 * | `already_bound` | a stored file belongs to another row or field |
 * | `busy` | the only database connection is inside a transaction |
 * | `forbidden` | a view's `authorize` refused the request, or the signature of the URL is not valid |
 * | `method_not_allowed` | the method is neither GET, HEAD nor OPTIONS |
 * | `incomplete` | a source has fewer or more bytes than it promised, or was changed while it was read |
 * | `upstream_failed`, `upstream_timeout` | another server refused, failed, or took too long |
 * | `no_space` | the disk or quota is full |
 * | `unavailable` | a storage does not answer, or asks for fewer requests; the same call may succeed later |
 * | `wrong_storage` | a storage is not the one that the ledger knows: a volume is not mounted, or a folder or bucket is another |
 * | `contested` | another database deletes in the same storage: one of the two is a copy; nothing is deleted until you say which |
 * | `in_use` | a file cannot be erased, since a row may still refer to it |
 * | `unhealthy` | a step of a health check failed; `rule` is its name |
 * | `storage_failed`, `database_failed` | any other failure of a storage or database; see `cause` |
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
  | 'unexpected_field'
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
  | 'unavailable'
  | 'wrong_storage'
  | 'contested'
  | 'in_use'
  | 'unhealthy'
  | 'storage_failed'
  | 'database_failed';

/** What an error is about. `field`, `rule` and `limit` may be shown to a client; `storage` and `key` are for the log. */
export interface ErrorContext {
  /** Property of the entity, or name of the form field. */
  readonly field?: string | undefined;
  /** The option or limit that was exceeded, such as `maxSize`. */
  readonly rule?: string | undefined;
  /** What the rule allows. */
  readonly limit?: number | string | readonly string[] | undefined;
  /** Name of the storage in the registry. */
  readonly storage?: string | undefined;
  /** Key of the object. */
  readonly key?: string | undefined;
}

/** The context of an error, and the error that led to it. */
export interface FileFieldErrorOptions extends ErrorContext {
  /** What was thrown by the storage, the database, or other code. */
  readonly cause?: unknown;
}

/** The HTTP status of each category; 500 for the others. The only place that knows. */
const statuses: Readonly<Partial<Record<FileFieldErrorCode, number>>> = {
  not_found: 404,
  missing: 404,
  invalid_key: 404,
  forbidden: 403,
  method_not_allowed: 405,
  invalid_value: 400,
  malformed_upload: 400,
  aborted: 400,
  staged_expired: 409,
  already_bound: 409,
  in_use: 409,
  too_large: 413,
  wrong_type: 415,
  rejected: 422,
  limit_exceeded: 422,
  unexpected_field: 422,
  upstream_failed: 502,
  busy: 503,
  unavailable: 503,
  upstream_timeout: 504,
  no_space: 507,
};

const brand = Symbol.for('filefield.error');

/**
 * The one error class of this library. Test for it with `isFileFieldError`, which also recognises errors of a second copy
 * of the package.
 */
export class FileFieldError extends Error {
  /** The category, for programs. */
  readonly code: FileFieldErrorCode;
  /** What the error is about. */
  readonly context: ErrorContext;

  /**
   * For storages, views and checks of your own. The message says what happened and what to do; a client may see it if the
   * status is below 500, so it must contain no path and no key.
   */
  constructor(code: FileFieldErrorCode, message: string, options: FileFieldErrorOptions = {}) {
    const { cause, ...context } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'FileFieldError';
    this.code = code;
    this.context = context;
    Object.defineProperty(this, brand, { value: true });
  }

  /**
   * The HTTP status of the category, such as 413 for `too_large`. Fastify, Koa and the default handlers of Express and Nest
   * read it.
   */
  get statusCode(): number {
    return statuses[this.code] ?? 500;
  }

  /** The same as `statusCode`, under the name that Koa and http-errors use. */
  get status(): number {
    return this.statusCode;
  }
}

/**
 * True for an error of this library and, if a code is given, of that code.
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
