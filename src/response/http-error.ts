import { STATUS_CODES } from 'node:http';
import { isFileFieldError, type FileFieldErrorCode } from '../errors.js';

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
  too_large: 413,
  limit_exceeded: 413,
  wrong_type: 415,
  rejected: 422,
  upstream_failed: 502,
  busy: 503,
  upstream_timeout: 504,
  no_space: 507,
};

/** The HTTP status of a failure; 500 for everything that is not ours. The only place that knows. */
export function errorStatus(error: unknown): number {
  return isFileFieldError(error) ? (statuses[error.code] ?? 500) : 500;
}

/** What a client may be told of a failure: never a message, a path, a key or SQL. */
export interface ErrorBody {
  readonly error: string;
  readonly field?: string;
  readonly rule?: string;
  readonly limit?: number | string | readonly string[];
}

/** The JSON body for a failure: its code, and the rule that an upload broke. */
export function errorBody(error: unknown): ErrorBody {
  if (!isFileFieldError(error) || errorStatus(error) >= 500) return { error: 'internal' };
  const { field, rule, limit } = error.context;
  // That bytes are missing, or that a key was odd, is for the log; a stranger learns that there is nothing.
  const code = errorStatus(error) === 404 ? 'not_found' : error.code;
  if (code === 'not_found') return { error: code };
  return { error: code, ...(field && { field }), ...(rule && { rule }), ...(limit !== undefined && { limit }) };
}

const brand = Symbol.for('filefield.http-error');

/** A failure in the form that frameworks' error handlers understand; the original is its `cause`. */
export class HttpError extends Error {
  readonly status: number;
  readonly statusCode: number;
  readonly expose = true;
  readonly headers: Readonly<Record<string, string>>;

  constructor(cause: unknown) {
    const status = errorStatus(cause);
    super(STATUS_CODES[status] ?? 'Error', { cause });
    this.name = 'HttpError';
    this.status = status;
    this.statusCode = status;
    this.headers = status === 405 ? { allow: 'GET, HEAD, OPTIONS' } : {};
    // Express shows the stack to clients outside production.
    this.stack = this.message;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for an `HttpError`, also one made by a second copy of this package. */
export function isHttpError(error: unknown): error is HttpError {
  return error instanceof Error && brand in error;
}
