import type { ServerResponse } from 'node:http';
import { unsentBytes } from './client-connection.js';
import { allowTrailers, describeOther, type ResponseHeaders } from './framework-body.js';
import { Outlet } from './outlet.js';

/**
 * Prepares a response for a framework that is given a small body as its bytes. Before the head is sent, hooks and outer
 * middleware may replace them, as compressors do: what is written in their place gets the headers of another body. A client
 * that does not read what was written is disconnected after the idle timeout.
 *
 * Only for HTTP/1: over HTTP/2 Fastify writes bytes in pieces.
 *
 * @param idleTimeout milliseconds
 */
export function expectBytes(
  response: ServerResponse,
  bytes: Uint8Array,
  idleTimeout: number,
  headers: ResponseHeaders,
): void {
  const { writeHead, write, end } = response;
  let head: readonly unknown[] | undefined;
  const sendHead = () => {
    response.writeHead = writeHead;
    if (head) Reflect.apply(writeHead, response, head);
    head = undefined;
  };
  /** Returns true if the body is another one. */
  const begin = (chunk: unknown) => {
    Object.assign(response, { write, end });
    const isOther = chunk !== bytes && isFilled(chunk);
    if (!response.headersSent) {
      if (isOther) describeOther(headers);
      allowTrailers(headers);
    }
    sendHead();
    return isOther;
  };
  Object.assign(response, {
    writeHead: (...values: readonly unknown[]) => {
      // Fastify sends the head before it tells what the body is. Node gives the status alone when it sends the head itself.
      const isNode = values.length === 1;
      if (!head && !isNode) {
        head = values;
        return response;
      }
      const isSent = head !== undefined && isNode;
      sendHead();
      if (!isSent) Reflect.apply(writeHead, response, values);
      return response;
    },
    write: (...values: readonly unknown[]) => {
      begin(values[0]);
      const isTaken: unknown = Reflect.apply(write, response, values);
      watch(response, idleTimeout);
      return isTaken;
    },
    end: (...values: readonly unknown[]) => {
      const isOther = begin(values[0]);
      Reflect.apply(end, response, values);
      // Usually the kernel has accepted all bytes by now.
      if (isOther || unsentBytes(response) > 0) watch(response, idleTimeout);
      return response;
    },
  });
}

const isFilled = (chunk: unknown) => (typeof chunk === 'string' || chunk instanceof Uint8Array) && chunk.length > 0;

/** Breaks the connection if the client reads nothing for the idle timeout. */
function watch(response: ServerResponse, idleTimeout: number): void {
  const outlet = new Outlet(response, idleTimeout);
  void outlet.finish().then(() => outlet.release());
}
