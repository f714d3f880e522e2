import type { IncomingMessage, ServerResponse } from 'node:http';
import { isGone } from './connection.js';

/**
 * Resolves once the answers to earlier requests of the same connection are out; to false when the connection ends
 * before. Pipelined requests all arrive at once: without this, each would open its file and wait with it.
 */
export function ownTurn(request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean> {
  // Node gives a response its socket when its turn has come, and takes it away at the end.
  if (response.socket !== null || response.writableEnded || !request.socket) return !isGone(response);
  return new Promise((resolve) => {
    const settle = (turn: boolean) => {
      response.off('socket', come);
      request.socket.off('close', gone);
      resolve(turn);
    };
    const come = () => settle(true);
    // A response that never had a socket gets no "close" of its own.
    const gone = () => settle(false);
    response.once('socket', come);
    request.socket.once('close', gone);
    if (request.socket.destroyed) gone();
  });
}
