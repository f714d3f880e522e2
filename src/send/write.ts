import { validateHeaderName, validateHeaderValue, type ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { FileFieldError } from '../errors.js';
import { isPromise } from '../file/promise.js';
import { memoize } from '../http/memoize.js';
import type { PreparedResponse } from '../response/download.js';
import { HookCaller } from '../response/hooks.js';
import { breakOff, isGone } from './client-connection.js';
import { isWrapped } from './outlet.js';
import { writeBody, type Outcome } from './write-body.js';

/**
 * Sends the head of a response. Returns where the body is to be written, which is the response itself on a plain server;
 * undefined if no body is wanted any more. Throws before it sets any header if one is invalid.
 *
 * @param bytes the whole body, if it is small and no hook wants to know what becomes of it. A framework may send it as its own
 *   body; then the result is undefined, too.
 */
export type HeadSender = (
  response: ServerResponse,
  prepared: PreparedResponse,
  bytes?: Buffer,
) => Writable | undefined | Promise<Writable | undefined>;

/**
 * Writes a response to Node's server. Rejects before the head is sent if the bytes cannot be opened or the first chunk
 * cannot be read, so that the framework can answer with an error. After that a failure breaks the connection: an ended
 * response would look complete, and the next response would arrive as a part of this body.
 *
 * @param idleTimeout milliseconds without progress after which the client is disconnected
 */
export async function writeResponse(
  response: ServerResponse,
  prepared: PreparedResponse,
  idleTimeout: number,
  sendHead: HeadSender = writeHead,
): Promise<Outcome> {
  try {
    // One that something else has ended is closed a moment later, and then looks as if its client had left.
    if (isGone(response) && !response.writableEnded) return 'aborted';
    if (response.headersSent) {
      // Nobody may end it: what began it waits for the view.
      if (!response.writableEnded) breakOff(response);
      throw new FileFieldError(
        'invalid_option',
        'The response was sent by something else before the view could send it.',
      );
    }
    const hooks = new HookCaller(prepared);
    if (!prepared.open) {
      const target = sendHead(response, prepared);
      (isPromise(target) ? await target : target)?.end();
      hooks.start();
      hooks.complete();
      return 'complete';
    }
    const body = await prepared.open();
    try {
      if (isGone(response)) return 'aborted';
      hooks.start();
      const begin = (bytes?: Buffer) => sendHead(response, prepared, prepared.hooks ? undefined : bytes);
      const close = () => (body.close(), prepared.close());
      const outcome = await writeBody({ response, body, idleTimeout, hooks, begin, close });
      if (outcome === 'complete') hooks.complete();
      else hooks.abort();
      return outcome;
    } catch (error) {
      hooks.abort(error);
      throw error;
    } finally {
      body.close();
    }
  } finally {
    prepared.close();
  }
}

/** Writes the head to the response and keeps the headers of middleware. */
function writeHead(response: ServerResponse, prepared: PreparedResponse): Writable {
  const headers = responseHeaders(prepared, response);
  // One by one, as most servers do it: middleware that replaced `writeHead` may know only some of its forms, and what is
  // given to `writeHead` alone is hidden from those that read headers afterwards, such as loggers.
  for (const name in headers) response.setHeader(name, headers[name]!);
  if (prepared.status === 304) for (const name of bodyHeaders) response.removeHeader(name);
  response.writeHead(prepared.status);
  return response;
}

/** Headers of middleware that describe a body, which a 304 has not (RFC 9110 section 15.4.5). */
export const bodyHeaders = [
  'content-language',
  'content-type',
  'content-disposition',
  'content-encoding',
  'content-length',
];

/**
 * The headers of a prepared response for a framework's response that has some already. Throws if one of them is invalid:
 * checked first, so that an error response does not carry half of the file's headers. Node does not check over HTTP/2.
 *
 * @param existing reads the headers that middleware and hooks have set
 */
export function responseHeaders(
  prepared: PreparedResponse,
  response: ServerResponse,
  existing = (name: string) => response.getHeader(name),
): PreparedResponse['headers'] {
  let { headers } = prepared;
  if (existing('transfer-encoding') !== undefined || existing('trailer') !== undefined) {
    headers = framedByChunks(prepared, response);
  }
  if (isWrapped(response)) headers = { ...headers, 'cache-control': untransformed(headers, existing) };
  if (headers.vary !== undefined) headers = { ...headers, vary: mergeVary(existing('vary'), headers.vary) };
  for (const name in headers) {
    const value = headers[name]!;
    if (isValidName(name) && typeof value === 'string' && isValidValue(value)) continue;
    // Node says what is wrong with them.
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
  return headers;
}

// What surely is valid, in less time than Node's own checks take.
const isValidName = memoize((name: string) => /^[a-z-]+$/.test(name));
const isValidValue = memoize((value: string) => /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value));

/**
 * Forbids compressing middleware to change the body: length, ranges and strong tag are those of the stored bytes
 * (RFC 9110 section 8.8.3.3, RFC 9111 section 5.2.2.6).
 */
function untransformed(headers: PreparedResponse['headers'], existing: (name: string) => unknown): string {
  const given = headers['cache-control'] ?? headerText(existing('cache-control'));
  return given === '' ? 'no-transform' : `${given}, no-transform`;
}

/**
 * The headers where middleware wants chunks, or trailers after the body: a length beside them is no valid response (RFC 9112
 * section 6.2). Node refuses to announce trailers where there is no body.
 */
function framedByChunks({ headers, open }: PreparedResponse, response: ServerResponse): PreparedResponse['headers'] {
  if (!open) response.removeHeader('trailer');
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'content-length'));
}

/** The Vary header of middleware with one more name (RFC 9110 section 12.5.5). */
function mergeVary(existing: unknown, added: string): string {
  const names = headerText(existing)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const covered = names.some((name) => name === '*' || name.toLowerCase() === added.toLowerCase());
  return covered ? names.join(', ') : [...names, added].join(', ');
}

/** The values of a header in one line; empty without the header. */
function headerText(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : ((value as string | undefined) ?? '');
}
