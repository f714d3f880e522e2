import type { ServerResponse } from 'node:http';
import { PassThrough, type Writable } from 'node:stream';

/** Access to the headers of a framework's response before they are sent. */
export interface ResponseHeaders {
  readonly get: (name: string) => unknown;
  readonly set: (name: string, value: string) => unknown;
  readonly remove: (name: string) => unknown;
}

/** Removes or weakens headers that may be wrong for other bytes in place of ours (RFC 9110 section 8.8.1, RFC 9530 section 3). */
export function describeOther({ get, set, remove }: ResponseHeaders): void {
  remove('repr-digest');
  remove('accept-ranges');
  const etag = get('etag');
  if (typeof etag === 'string' && etag.startsWith('"')) set('etag', `W/${etag}`);
}

/** Removes the length of a body that trailers follow: such a response is chunked (RFC 9112 section 6.2). */
export function allowTrailers({ get, remove }: ResponseHeaders): void {
  if (get('transfer-encoding') !== undefined) remove('content-length');
}

/** Lets a framework announce no trailers in the head that it sends next: Node refuses them where no body follows. */
export function forbidTrailers(response: ServerResponse, { remove }: ResponseHeaders): void {
  const { writeHead } = response;
  const sendHead = (...values: readonly unknown[]) => {
    response.writeHead = writeHead;
    remove('trailer');
    remove('transfer-encoding');
    return Reflect.apply(writeHead, response, values) as ServerResponse;
  };
  response.writeHead = sendHead;
}

/** Resolves to undefined once a response is sent, or its client has disconnected. */
export function ended(response: ServerResponse): Promise<undefined> {
  return new Promise((resolve) => {
    for (const event of ['finish', 'close']) response.once(event, () => resolve(undefined));
  });
}

/**
 * The body of a response as a framework takes it: a stream, which hooks or outer middleware see before the head is sent. When
 * the framework pipes it to the response, the bytes are written there directly. A hook that reads the stream instead, such as
 * a compressor, gets the bytes through it.
 */
export class FrameworkBody extends PassThrough {
  /** Where to write the bytes: the response, or this stream; undefined if the response ended without them. */
  readonly target: Promise<Writable | undefined>;
  #choose!: (target: Writable | undefined) => void;

  constructor(
    private readonly response: ServerResponse,
    private readonly headers: ResponseHeaders,
  ) {
    super();
    this.target = new Promise((resolve) => (this.#choose = resolve));
    void ended(response).then(() => {
      this.#choose(undefined);
      this.destroy();
    });
    // A reader that is told of the end by other means must not end the process.
    this.on('error', () => undefined);
  }

  override pipe<Destination extends NodeJS.WritableStream>(
    destination: Destination,
    options?: { readonly end?: boolean },
  ): Destination {
    if ((destination as object) !== this.response) {
      describeOther(this.headers);
      return super.pipe(destination, options);
    }
    // Trailers follow the end of this stream.
    if (options?.end === false) {
      allowTrailers(this.headers);
      return super.pipe(destination, options);
    }
    this.#choose(this.response);
    // To the framework the stream is at its end: from now on nothing but the response counts.
    this.end();
    this.resume();
    return destination;
  }

  override _read(size: number): void {
    this.#choose(this);
    super._read(size);
  }
}
