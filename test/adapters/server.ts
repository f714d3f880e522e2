import http, { type IncomingHttpHeaders, type RequestListener } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';

export interface RunningServer {
  readonly port: number;
  readonly server: http.Server;
  close(): Promise<void>;
}

/** Starts a server on a free port of the loopback interface. */
export async function serve(listener: RequestListener): Promise<RunningServer> {
  const server = http.createServer({ maxHeaderSize: 128 * 1024 }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** Sends a request on a new connection; rejects if the response breaks off. */
export function askServer(
  port: number,
  { method = 'GET', path = '/', headers = {}, body }: Asked = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          body: Buffer.concat(chunks),
        }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

export interface RawTalk {
  readonly socket: Socket;
  /** All bytes received so far. */
  received(): Buffer;
  /** Resolves once the server has closed the connection. */
  readonly closed: Promise<void>;
}

/** Opens a connection, sends exactly these bytes and keeps everything that it receives. */
export async function talk(port: number, text: string, options: { readonly paused?: boolean } = {}): Promise<RawTalk> {
  const chunks: Buffer[] = [];
  const socket = net.connect({ port, host: '127.0.0.1' });
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => undefined);
  if (!options.paused) socket.on('data', (chunk) => chunks.push(chunk));
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(text);
  return { socket, closed, received: () => Buffer.concat(chunks) };
}

/** The head of a request as text, for `talk`. */
export function head(method: string, path = '/', headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Waits until a condition holds; rejects after a timeout. */
export async function until(condition: () => boolean, what: string, milliseconds = 10_000): Promise<void> {
  for (const end = Date.now() + milliseconds; !condition();) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
