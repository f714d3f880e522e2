import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request that the proxy got. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  /** May be changed before it is sent on. */
  readonly body: Buffer;
}

/** Sends the request to the server and returns its answer, whose body has not been read. */
export type Forward = () => Promise<IncomingMessage>;

/** Decides what happens to a request: `undefined` lets it pass, `'done'` means that the response was written, or never will be. */
export type ProxyFault = (
  request: ProxiedRequest,
  response: ServerResponse,
  forward: Forward,
) => Promise<'done' | undefined> | 'done' | undefined;

/** A proxy before an HTTP server on this machine, which notes requests and fails as it is told. */
export class HttpProxy {
  readonly requests: ProxiedRequest[] = [];
  /** Connections of clients. */
  readonly sockets = new Set<Socket>();
  fault: ProxyFault = () => undefined;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });

  constructor(private readonly upstream: () => number) {}

  async start(): Promise<number> {
    this.#server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url!, 'http://host');
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const request = { method: incoming.method!, url, headers: incoming.headers, body: Buffer.concat(chunks) };
    this.requests.push(request);
    const forward: Forward = () =>
      new Promise((resolve, reject) => {
        const { method, headers } = incoming;
        const options = { host: '127.0.0.1', port: this.upstream(), path: incoming.url, method, headers, agent: false };
        send(options, resolve).on('error', reject).end(request.body);
      });
    if ((await this.fault(request, response, forward)) === 'done') return;
    const answer = await forward();
    response.writeHead(answer.statusCode!, answer.headers);
    answer.pipe(response);
    response.once('close', () => answer.destroy());
  }
}
