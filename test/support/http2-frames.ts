import net from 'node:net';

/**
 * A client that speaks HTTP/2 frame by frame, on stream 1 of a connection of its own. Node's client ends a body before it
 * resets the stream, which browsers and curl do not do.
 */
export class FrameClient {
  readonly #socket: net.Socket;

  constructor(port: number) {
    this.#socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
    this.#socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    this.#send(frameTypes.settings, 0, 0, Buffer.alloc(0));
  }

  /** Sends a request; its body is open. */
  begin(method: string, headers: Readonly<Record<string, string>>): void {
    const all = { ':method': method, ':scheme': 'http', ':path': '/', ':authority': 'localhost', ...headers };
    const block = Object.entries(all).map(([name, value]) =>
      // RFC 7541, section 6.2.2: a literal header field that is not indexed, with a new name.
      Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]),
    );
    this.#send(frameTypes.headers, endHeaders, 1, Buffer.concat(block));
  }

  /** Sends bytes of the body, at most 65,535 in all. */
  data(body: Uint8Array): void {
    for (let at = 0; at < body.byteLength; at += 16_384) {
      this.#send(frameTypes.data, 0, 1, body.subarray(at, at + 16_384));
    }
  }

  /** Gives up the request, whose body is incomplete. */
  reset(code: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(code);
    this.#send(frameTypes.reset, 0, 1, payload);
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.byteLength, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    this.#socket.write(Buffer.concat([head, payload]));
  }
}

/** RFC 9113, section 6. */
const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4 } as const;
const endHeaders = 4;
