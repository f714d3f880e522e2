import type { ServerResponse } from 'node:http';
import type { Answer } from '../response/answer.js';
import { isWrapped } from './outlet.js';

/** Writes the head of an answer; headers that middleware set before survive. Throws with nothing of ours left behind. */
export function writeHead(response: ServerResponse, answer: Answer): void {
  const headers = isWrapped(response) ? untransformed(answer.headers) : answer.headers;
  // writeHead merges with earlier headers in its object form only; the flat one is faster.
  if (response.getHeaderNames().length === 0) {
    const head: string[] = [];
    for (const name in headers) head.push(name, headers[name]!);
    response.writeHead(answer.status, head);
    return;
  }
  const earlier = response.getHeaders();
  try {
    response.writeHead(answer.status, headers);
  } catch (error) {
    // Half a file's head must not go out with the error: its caching, its name.
    for (const name in headers) {
      const value = earlier[name];
      if (value === undefined) response.removeHeader(name);
      else response.setHeader(name, value);
    }
    throw error;
  }
}

/**
 * With compressing middleware in front, a file must say that it is not to be touched: its length, ranges and strong tag
 * are those of the stored bytes (RFC 9110 section 8.8.3.3, RFC 9111 section 5.2.2.6).
 */
function untransformed(headers: Answer['headers']): Answer['headers'] {
  const cacheControl = headers['cache-control'];
  return { ...headers, 'cache-control': cacheControl ? `${cacheControl}, no-transform` : 'no-transform' };
}
