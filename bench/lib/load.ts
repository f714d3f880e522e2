import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A request that is sent again and again. */
export interface Request {
  readonly port: number;
  /** Sends one request: the head, and the body if it has one. */
  readonly send: (socket: Socket) => unknown;
  /** The status of every response; anything else is an error. */
  readonly status: number;
}

/** The lines of a head. */
export function head(method: string, path: string, headers: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n`;
}

/**
 * Connections that send a request, wait for the response, and send the next. As cheap as it can be, since a slow client
 * measures itself: bytes go into one buffer per connection, and of a response only the head is read.
 */
export class Load {
  /** Responses that have arrived so far. */
  responses = 0;
  /** Bytes that have arrived so far. */
  bytes = 0;
  #error: Error | undefined;
  #left = Infinity;
  #done = () => {};
  readonly #connections: Connection[] = [];

  private constructor(readonly request: Request) {}

  static async open(request: Request, connections: number): Promise<Load> {
    const load = new Load(request);
    for (let index = 0; index < connections; index += 1) load.#connections.push(new Connection(load));
    await Promise.all(load.#connections.map(({ socket }) => once(socket, 'connect')));
    return load;
  }

  /** Starts, and returns at once. */
  start(): void {
    for (const connection of this.#connections) connection.next();
  }

  /** Sends this many requests, and waits for all responses. */
  async complete(requests: number): Promise<void> {
    this.#left = requests;
    const done = new Promise<void>((resolve) => (this.#done = resolve));
    const goal = this.responses + requests;
    this.onResponse = () => {
      if (this.responses >= goal) this.#done();
    };
    this.start();
    await done;
    this.#check();
  }

  /** True if one more request is wanted; counts it. */
  wants(): boolean {
    this.#left -= 1;
    return this.#left >= 0;
  }

  onResponse: () => unknown = () => {};

  fail(error: Error): void {
    this.#error ??= error;
    this.#done();
  }

  /**
   * Lets the responses arrive that are on their way, as far as they come within a while, and closes all connections. Throws
   * if a request has failed.
   */
  async close(): Promise<void> {
    this.#left = 0;
    const arrived = new Promise<void>((resolve) => {
      this.onResponse = () => this.#connections.some(({ isWaiting }) => isWaiting) || resolve();
      this.onResponse();
    });
    await Promise.race([arrived, delay(500)]);
    for (const { socket } of this.#connections) socket.destroy();
    this.#check();
  }

  #check(): void {
    if (this.#error) throw this.#error;
  }
}

class Connection {
  readonly socket: Socket;
  /** Whether a response is on its way. */
  isWaiting = false;
  /** Bytes of the body that are missing; undefined within a head. */
  #missing: number | undefined;
  #isChunked = false;
  #begun: Buffer | undefined;

  constructor(private readonly load: Load) {
    const { port } = load.request;
    const callback = (size: number, buffer: Uint8Array) => {
      load.bytes += size;
      this.#receive(buffer as Buffer, size);
      return true;
    };
    this.socket = connect({ host: '127.0.0.1', port, onread: { buffer: Buffer.alloc(256 * 1024), callback } });
    this.socket.setNoDelay(true);
    this.socket.on('error', (error) => load.fail(error));
    this.socket.on('end', () => load.fail(new Error('The server has closed a connection.')));
  }

  next(): void {
    if (!this.load.wants()) return;
    this.isWaiting = true;
    this.load.request.send(this.socket);
  }

  #receive(buffer: Buffer, size: number): void {
    if (this.#missing === undefined) this.#readHead(buffer, size);
    else if (!this.#isChunked) this.#missing -= size;
    else if (buffer.toString('latin1', Math.max(0, size - 5), size) === '0\r\n\r\n') this.#missing = 0;
    if (this.#missing === undefined || this.#missing > 0) return;
    this.#missing = undefined;
    this.isWaiting = false;
    this.load.responses += 1;
    this.next();
    this.load.onResponse();
  }

  #readHead(buffer: Buffer, size: number): void {
    let bytes = buffer.subarray(0, size);
    if (this.#begun) bytes = Buffer.concat([this.#begun, bytes]);
    const end = bytes.indexOf('\r\n\r\n');
    this.#begun = end < 0 ? Buffer.from(bytes) : undefined;
    if (end < 0) return;
    const text = bytes.toString('latin1', 0, end);
    const { status } = this.load.request;
    if (Number(text.slice(9, 12)) !== status) {
      this.load.fail(new Error(`The server answered ${text.split('\r\n')[0]} instead of ${status}.`));
    }
    this.#isChunked = /^transfer-encoding: chunked/im.test(text);
    const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
    const rest = bytes.length - end - 4;
    if (status === 304 || status === 204) this.#missing = 0;
    else if (!this.#isChunked) this.#missing = length - rest;
    else this.#missing = bytes.toString('latin1', bytes.length - 5) === '0\r\n\r\n' ? 0 : 1;
  }
}
