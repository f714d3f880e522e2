import { validateHeaderName, validateHeaderValue, type ServerResponse } from 'node:http';
import { FileFieldError } from '../errors.js';
import type { PreparedResponse } from '../response/download.js';
import { HookCaller } from '../response/hooks.js';
import { breakOff, isGone } from './client-connection.js';
import { isWrapped } from './outlet.js';
import { writeBody, type Outcome } from './write-body.js';

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
): Promise<Outcome> {
  try {
    if (isGone(response)) return 'aborted';
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
      writeHead(response, prepared);
      response.end();
      hooks.start();
      hooks.complete();
      return 'complete';
    }
    const body = await prepared.open();
    try {
      if (isGone(response)) return 'aborted';
      hooks.start();
      const begin = () => writeHead(response, prepared);
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

/** Writes the head and keeps the headers of middleware. Throws before it sets any header if one is invalid. */
function writeHead(response: ServerResponse, prepared: PreparedResponse): void {
  let { headers } = prepared;
  if (isWrapped(response)) headers = { ...headers, 'cache-control': untransformed(response, headers) };
  if (headers.vary !== undefined) headers = { ...headers, vary: mergeVary(response.getHeader('vary'), headers.vary) };
  // Checked first, so that an error response does not carry half of the file's headers. Node does not check over HTTP/2.
  for (const name in headers) {
    validateHeaderName(name);
    validateHeaderValue(name, headers[name]!);
  }
  // One by one, as most servers do it: middleware that replaced `writeHead` may know only some of its forms, and what is
  // given to `writeHead` alone is hidden from those that read headers afterwards, such as loggers.
  for (const name in headers) response.setHeader(name, headers[name]!);
  response.writeHead(prepared.status);
}

/**
 * Forbids compressing middleware to change the body: length, ranges and strong tag are those of the stored bytes
 * (RFC 9110 section 8.8.3.3, RFC 9111 section 5.2.2.6).
 */
function untransformed(response: ServerResponse, headers: PreparedResponse['headers']): string {
  const given = headers['cache-control'] ?? String(response.getHeader('cache-control') ?? '');
  return given === '' ? 'no-transform' : `${given}, no-transform`;
}

/** The Vary header of middleware with one more name (RFC 9110 section 12.5.5). */
function mergeVary(existing: number | string | readonly string[] | undefined, added: string): string {
  const names = String(existing ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const covered = names.some((name) => name === '*' || name.toLowerCase() === added.toLowerCase());
  return covered ? names.join(', ') : [...names, added].join(', ');
}
