import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Http2ServerResponse, ServerHttp2Stream } from 'node:http2';

/** INTERNAL_ERROR (RFC 9113 section 7). From `node:http2` it would load HTTP/2 in every program. */
const internalError = 0x2;

// Over HTTP/1 a response has a socket; over HTTP/2 it has a stream, one of many that share a socket.

/** True if the client has disconnected, so that nothing written can arrive. */
export function isGone(response: ServerResponse): boolean {
  const stream = streamOf(response);
  return stream ? stream.destroyed || stream.closed : response.destroyed;
}

/** Calls back once all bytes of an ended response have left this process, or never will. */
export function onFinish(response: ServerResponse, callback: () => void): void {
  // The response class of the HTTP/2 compatibility API emits "finish" when its stream is closed, for whatever reason.
  (streamOf(response) ?? response).once('finish', callback);
}

/** Sets the time without progress after which the response emits "timeout". A connection imitated in memory may have no timer. */
export function setIdleTimeout(response: ServerResponse, milliseconds: number): void {
  const { socket } = response;
  if (typeof socket?.setTimeout === 'function') response.setTimeout(milliseconds);
}

/** True for a connection of HTTP/1 whose server sets no timeout between two requests. */
export function keepsForEver(socket: Socket): boolean {
  const { server } = socket as Socket & { readonly server?: { readonly keepAliveTimeout?: number } };
  return server?.keepAliveTimeout === 0 && !socket.destroyed;
}

/** Bytes that were written but have not left this process. */
export function unsentBytes(response: ServerResponse, socket = response.socket): number {
  return streamOf(response)?.writableLength ?? socket?.writableLength ?? 0;
}

/**
 * Breaks the connection, or over HTTP/2 the stream alone, so that the client notices that bytes are missing.
 *
 * @param socket the socket of the response, for a response that something else may have ended: Node has then taken its
 *   socket away and gives it to the next response
 */
export function breakOff(response: ServerResponse, socket = response.socket): void {
  const stream = streamOf(response);
  if (stream) {
    // Without an error code the client may take the incomplete body for a complete one (RFC 9113 section 8.1).
    stream.close(internalError);
    return;
  }
  response.destroy();
  socket?.destroy();
}

/** The response class of the HTTP/2 compatibility API lacks some properties of its stream. */
function streamOf(response: ServerResponse): ServerHttp2Stream | undefined {
  return (response as unknown as Partial<Http2ServerResponse>).stream;
}

/**
 * True once the responses to earlier requests on the same connection have been sent; false if the connection ends before.
 * Pipelined requests arrive together: without this wait each would hold an open file until its turn.
 */
export function waitForTurn(request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean> {
  // Node assigns the socket to a response when its turn comes, and removes it at the end.
  if (response.socket !== null || response.writableEnded || !request.socket) return !isGone(response);
  const { socket } = request;
  if (socket.destroyed) return false;
  return new Promise((resolve) => {
    const queue = queueOf(socket);
    queue.add(resolve);
    response.once('socket', () => {
      queue.delete(resolve);
      resolve(true);
    });
  });
}

type Waiting = Set<(turn: boolean) => void>;
const queues = new WeakMap<Socket, Waiting>();

/**
 * The responses that wait for their turn on a connection; told false when it closes, since a response that never had a
 * socket emits no "close" of its own. One listener for all, so that many pipelined requests cause no warning.
 */
function queueOf(socket: Socket): Waiting {
  const known = queues.get(socket);
  if (known) return known;
  const queue: Waiting = new Set();
  queues.set(socket, queue);
  socket.once('close', () => {
    for (const resolve of queue) resolve(false);
  });
  return queue;
}
