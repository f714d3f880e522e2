import { STATUS_CODES } from 'node:http';
import { isFileFieldError } from '../errors.js';

/**
 * The HTTP status for an error: that of its code, and 500 for errors of other libraries.
 *
 * @example
 * ```ts
 * import { errorStatus, FileFieldError } from 'filefield';
 *
 * const status = errorStatus(new FileFieldError('too_large', 'The file is too large.')); // 413
 * ```
 */
export function errorStatus(error: unknown): number {
  return isFileFieldError(error) ? error.statusCode : 500;
}

/** The part of an error that is safe to show to a client: no path, storage key or SQL. */
export interface ErrorBody {
  /** The HTTP status. */
  readonly statusCode: number;
  /** Its text, such as `Payload Too Large`. */
  readonly error: string;
  /** The code of the error, for programs; `internal` for a failure of the server that cannot be told. */
  readonly code: string;
  /** A sentence for people: what was expected, and what came. The text of the status where nothing may be told. */
  readonly message: string;
  /** The form field of a refused upload. */
  readonly field?: string;
  /** The rule that an upload violates, such as `maxSize`. */
  readonly rule?: string;
  /** The limit of that rule. */
  readonly limit?: number | string | readonly string[];
}

/**
 * The JSON body of an error response, the same on every framework: status, code, a sentence, and the rule that an upload
 * violates. It has the members that Fastify and Nest give their own errors.
 *
 * @example
 * ```ts
 * import { errorBody, errorStatus } from 'filefield';
 *
 * const toResponse = (error: unknown) => Response.json(errorBody(error), { status: errorStatus(error) });
 * ```
 */
export function errorBody(error: unknown): ErrorBody {
  const statusCode = errorStatus(error);
  const text = STATUS_CODES[statusCode] ?? 'Error';
  const body = { statusCode, error: text, code: 'internal', message: text };
  if (!isFileFieldError(error)) return body;
  // Missing bytes and invalid keys are for the log; to the client they are all 404.
  if (statusCode === 404) return { ...body, code: 'not_found' };
  // The client can try again, which is all that it needs to know.
  if (statusCode === 503) return { ...body, code: error.code };
  if (statusCode >= 500) return body;
  const { field, rule, limit } = error.context;
  const details = { ...(field && { field }), ...(rule && { rule }), ...(limit !== undefined && { limit }) };
  return { ...body, code: error.code, message: error.message || text, ...details };
}

/** An error as problem details of RFC 9457, with the members of `ErrorBody` under the names of that standard. */
export interface ProblemDetails extends Pick<ErrorBody, 'code' | 'field' | 'rule' | 'limit'> {
  /** No page describes the problem; `code` tells which one it is. */
  readonly type: 'about:blank';
  /** The text of the status, such as `Payload Too Large`. */
  readonly title: string;
  /** The HTTP status. */
  readonly status: number;
  /** A sentence for people: what was expected, and what came. */
  readonly detail: string;
}

/**
 * The body of an error response as problem details of RFC 9457, for `application/problem+json`. It tells what `errorBody`
 * tells.
 *
 * @example
 * ```ts
 * import { errorStatus, problemDetails } from 'filefield';
 *
 * const toResponse = (error: unknown) =>
 *   Response.json(problemDetails(error), {
 *     status: errorStatus(error),
 *     headers: { 'content-type': 'application/problem+json' },
 *   });
 * ```
 */
export function problemDetails(error: unknown): ProblemDetails {
  const { statusCode, error: title, message, ...rest } = errorBody(error);
  return { type: 'about:blank', title, status: statusCode, detail: message, ...rest };
}

const brand = Symbol.for('filefield.http-error');
const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * An error in the form that the error handlers of Express, Fastify and Koa understand. The message is the status text,
 * so it is safe to show; the original error is the `cause`.
 *
 * @example
 * ```ts
 * import { HttpError } from 'filefield';
 *
 * const isMissing = (error: unknown) => error instanceof HttpError && error.status === 404;
 * ```
 */
export class HttpError extends Error {
  /** The HTTP status, for Express and Koa. */
  readonly status: number;
  /** The HTTP status, for Fastify. */
  readonly statusCode: number;
  /** Lets Koa and http-errors show the message to the client. */
  readonly expose = true;
  /** Headers that the response must have: Allow for 405, Retry-After for 503. */
  readonly headers: Readonly<Record<string, string>>;

  /** @param cause the original error */
  constructor(cause: unknown) {
    const status = errorStatus(cause);
    super(STATUS_CODES[status] ?? 'Error', { cause });
    this.name = 'HttpError';
    this.status = status;
    this.statusCode = status;
    this.headers = headersOf(status);
    // Outside production Express shows the stack to clients.
    this.stack = this.message;
    Object.defineProperty(this, brand, { value: true });
    // The default handler of Express 5 prints errors with the stacks of their causes. A client that asks for what is not there
    // is one line; failures of the server stay whole.
    const line = `HttpError ${status}: ${cause instanceof Error ? cause.message : this.message}`;
    if (status < 500) Object.defineProperty(this, inspect, { value: () => line });
  }
}

/** RFC 9110 sections 10.2.1 and 10.2.3. A storage that was down a second ago need not be asked by every client at once. */
function headersOf(status: number): Readonly<Record<string, string>> {
  if (status === 405) return { allow: 'GET, HEAD, OPTIONS' };
  return status === 503 ? { 'retry-after': '10' } : {};
}

/** How the error handlers of the frameworks answer. */
export interface FileErrorsOptions {
  /**
   * True for problem details of RFC 9457: `application/problem+json` with `type`, `title`, `status`, `detail`, `code`, and the
   * rule that an upload violates.
   * @default false
   */
  readonly problemDetails?: boolean;
}

/** The response to an error, as every framework gives it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorBody | ProblemDetails;
}

/** What a client is told about an error, also about a failure of the server. */
export function errorAnswer(error: unknown, options: FileErrorsOptions = {}): ErrorAnswer {
  const status = errorStatus(error);
  const headers = headersOf(status);
  if (!options.problemDetails) return { status, headers, body: errorBody(error) };
  const type = { 'content-type': 'application/problem+json' };
  return { status, headers: { ...headers, ...type }, body: problemDetails(error) };
}

/**
 * What a client is told about an error of this library that it has caused. Undefined for a failure of the server and for
 * errors of other libraries, which the framework answers and logs.
 */
export function clientError(error: unknown, options?: FileErrorsOptions): ErrorAnswer | undefined {
  const cause: unknown = isHttpError(error) ? error.cause : error;
  return isFileFieldError(cause) && errorStatus(cause) < 500 ? errorAnswer(cause, options) : undefined;
}

/** True for an `HttpError`, also one made by a second copy of this package. */
export function isHttpError(error: unknown): error is HttpError {
  return error instanceof Error && brand in error;
}

/**
 * The response to a failed request on servers without an error handler: the status text as one line.
 *
 * @internal
 */
export function errorResponse(error: unknown): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
} {
  const { status, message, headers } = new HttpError(error);
  const text = `${message}\n`;
  return {
    status,
    headers: {
      ...headers,
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(text.length),
      'x-content-type-options': 'nosniff',
    },
    text,
  };
}
