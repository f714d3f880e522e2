import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';

/** What of a response is a matter of its connection: a socket of its own, or over HTTP/2 one of many streams in a socket. */

/** Whether nobody is there any more to take what is written. */
export function isGone(response: ServerResponse): boolean {
  return streamOf(response)?.destroyed ?? response.destroyed;
}

/** Bytes that were written but have not left this process. */
export function unsentBytes(response: ServerResponse, socket = response.socket): number {
  return streamOf(response)?.writableLength ?? socket?.writableLength ?? 0;
}

/**
 * Breaks the connection, or over HTTP/2 the stream alone: what was promised will not come. `socket` is for responses that
 * Node may have taken it away from, since somebody else has ended them, and which would go on to the next.
 */
export function breakOff(response: ServerResponse, socket = response.socket): void {
  const stream = streamOf(response);
  if (stream) {
    // With no word of an error a client may take what it has for all there is (RFC 9113 section 8.1).
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return;
  }
  response.destroy();
  socket?.destroy();
}

/** The compatibility API lacks what only a stream has. */
function streamOf(response: ServerResponse): ServerHttp2Stream | undefined {
  return (response as unknown as Partial<Http2ServerResponse>).stream;
}
