import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type Settings,
} from 'node:http2';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Asked, Reply } from './server.js';

/** A server of HTTP/2 without TLS, and one session with it. */
export interface Http2Server {
  readonly session: ClientHttp2Session;
  /** One request on a stream of its own; rejects when the stream is reset. */
  ask(asked?: Asked): Promise<Reply>;
  /** A stream under way, its head received, of which nothing is read. */
  begin(path?: string): Promise<{ readonly stream: ClientHttp2Stream; readonly headers: IncomingHttpHeaders }>;
  close(): Promise<void>;
}

/** Starts one on a free port of this machine; `client` are the settings of the session. */
export async function serveHttp2(listener: RequestListener, client: Settings = {}): Promise<Http2Server> {
  const server = http2.createServer({ settings: { maxHeaderListSize: 128 * 1024 } }, listener as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { settings: client });
  const start = ({ method = 'GET', path = '/', headers = {} }: Asked) => {
    // White space around a value is not part of it, and HTTP/2 has no way to send it.
    const fields = Object.entries(headers).map(([name, value]) => [name, value.trim()]);
    return session.request({ ':method': method, ':path': path, ...Object.fromEntries(fields) });
  };
  return {
    session,
    ask: (asked = {}) =>
      new Promise((resolve, reject) => {
        const stream = start(asked);
        const chunks: Buffer[] = [];
        let head: IncomingHttpHeaders & { ':status'?: number } = {};
        stream.on('response', (headers) => (head = headers));
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', reject);
        stream.on('end', () => {
          const { ':status': status = 0, ...headers } = head;
          resolve({ status, headers, rawHeaders: Object.keys(headers), body: Buffer.concat(chunks) });
        });
        stream.end(asked.body);
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
