import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type Settings,
} from 'node:http2';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Asked, Reply } from './server.js';

/** An HTTP/2 server without TLS, and one session with it. */
export interface Http2Server {
  readonly session: ClientHttp2Session;
  /** Sends a request on a new stream; rejects if the stream is reset. */
  ask(request?: Asked): Promise<Reply>;
  /** Starts a request and receives the head of its response; the body is not read. */
  begin(path?: string): Promise<{ readonly stream: ClientHttp2Stream; readonly headers: IncomingHttpHeaders }>;
  close(): Promise<void>;
}

/** Starts a server on a free port; `client` are the settings of the session. */
export async function serveHttp2(listener: RequestListener, client: Settings = {}): Promise<Http2Server> {
  const server = http2.createServer({ settings: { maxHeaderListSize: 128 * 1024 } }, listener as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { settings: client });
  const start = ({ method = 'GET', path = '/', headers = {} }: Asked) => {
    // White space around a header value is not a part of it, and HTTP/2 cannot send it.
    const fields = Object.entries(headers).map(([name, value]) => [name, value.trim()]);
    return session.request({ ':method': method, ':path': path, ...Object.fromEntries(fields) });
  };
  return {
    session,
    ask: (request = {}) =>
      new Promise((resolve, reject) => {
        const stream = start(request);
        const chunks: Buffer[] = [];
        let head: IncomingHttpHeaders & { ':status'?: number } = {};
        stream.on('response', (headers) => (head = headers));
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', reject);
        stream.on('end', () => {
          const { ':status': status = 0, ...headers } = head;
          resolve({ status, headers, rawHeaders: Object.keys(headers), body: Buffer.concat(chunks) });
        });
        stream.end(request.body);
      }),
    begin: (path) =>
      new Promise((resolve, reject) => {
        const stream = start({ path });
        stream.on('error', reject);
        stream.on('response', (headers) => resolve({ stream: stream.pause(), headers }));
        stream.end();
      }),
    close: () =>
      new Promise((resolve) => {
        session.destroy();
        server.close(() => resolve());
      }),
  };
}
