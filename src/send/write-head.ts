import { validateHeaderName, validateHeaderValue, type ServerResponse } from 'node:http';
import type { PreparedResponse } from '../response/prepared-response.js';
import { isWrapped } from './outlet.js';
import { mergeVary } from './vary.js';

/** Writes the head of an answer; headers that middleware set before survive. Throws with nothing of ours left behind. */
export function writeHead(response: ServerResponse, answer: PreparedResponse): void {
  let headers = isWrapped(response) ? untransformed(answer.headers) : answer.headers;
  if (headers.vary !== undefined) headers = { ...headers, vary: mergeVary(response.getHeader('vary'), headers.vary) };
  // Before any of them is set: half a file's head must not go out with the error. Over HTTP/2 Node does not look at all.
  for (const name in headers) {
    validateHeaderName(name);
    validateHeaderValue(name, headers[name]!);
  }
  // writeHead merges with earlier headers in its object form only; the flat one is faster.
  if (response.getHeaderNames().length > 0) {
    response.writeHead(answer.status, headers);
    return;
  }
  const head: string[] = [];
  for (const name in headers) head.push(name, headers[name]!);
  response.writeHead(answer.status, head);
}

/**
 * With compressing middleware in front, a file must say that it is not to be touched: its length, ranges and strong tag
 * are those of the stored bytes (RFC 9110 section 8.8.3.3, RFC 9111 section 5.2.2.6).
 */
function untransformed(headers: PreparedResponse['headers']): PreparedResponse['headers'] {
  const cacheControl = headers['cache-control'];
  return { ...headers, 'cache-control': cacheControl ? `${cacheControl}, no-transform` : 'no-transform' };
}
