import { FileFieldError } from '../errors.js';
import type { FileBody } from '../file/body.js';
import type { PreparedResponse } from '../response/download.js';
import { HookCaller } from '../response/hooks.js';
import { oneShotBytes, readWhole } from './write-body.js';
import { reportFailure, type AdapterSettings } from './run.js';

/**
 * Opens the body of a response: a small one as its bytes, any other as a web stream that reads only on demand. Rejects if the
 * first chunk cannot be read, so that the failure can still be answered with an error; a later failure breaks the stream.
 */
export async function openBody(
  prepared: PreparedResponse,
  request: Request,
  settings: AdapterSettings<Request>,
): Promise<Uint8Array | ReadableStream<Uint8Array>> {
  const body = await prepared.open!();
  // Only a stream tells when its bytes are sent, which hooks want to know.
  if (!prepared.hooks && body.read && body.size !== undefined && body.size <= oneShotBytes) {
    try {
      return await readWhole(body, body.size);
    } finally {
      body.close();
      prepared.close();
    }
  }
  const source = new BodySource(prepared, body, request, settings);
  await source.begin();
  // A mark of 0 lets nothing be read ahead of the client.
  return new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
}

/** An underlying source, as the Streams Standard calls it: `start`, `pull` and `cancel` are called by the stream. */
class BodySource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hooks: HookCaller;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #timer: NodeJS.Timeout | undefined;
  #first: Uint8Array | undefined;
  #ended = false;

  constructor(
    private readonly prepared: PreparedResponse,
    private readonly body: FileBody,
    private readonly request: Request,
    private readonly settings: AdapterSettings<Request>,
  ) {
    this.#hooks = new HookCaller(prepared);
    this.#chunks = body.stream()[Symbol.asyncIterator]();
  }

  /** Reads the first chunk. */
  async begin(): Promise<void> {
    this.#hooks.start();
    try {
      this.#first = await this.#next();
    } catch (error) {
      this.#end();
      this.#hooks.abort(error);
      throw error;
    }
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    this.#startTimer();
    if (this.request.signal.aborted) this.#disconnect();
    else this.request.signal.addEventListener('abort', this.#disconnect, { once: true });
  }

  async pull(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const chunk = this.#first ?? (await this.#next());
      this.#first = undefined;
      if (this.#ended) return;
      this.#hooks.bytes += chunk?.byteLength ?? 0;
      if (chunk) this.#controller.enqueue(chunk);
      if (chunk && this.#hooks.bytes !== this.body.size) return this.#startTimer();
      this.#end();
      this.#hooks.complete();
      this.#controller.close();
    } catch (error) {
      if (this.#ended) return;
      this.#end();
      this.#hooks.abort(error);
      reportFailure(error, this.request, this.settings);
      this.#controller.error(error);
    }
  }

  cancel(): void {
    this.#end();
    this.#hooks.abort();
  }

  /** The next chunk that is not empty; undefined at the end. */
  async #next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      if (value.byteLength > 0) return value;
    }
  }

  /** Without a read for this long, the client has disconnected unnoticed or never starts to read. */
  #startTimer(): void {
    this.#timer = setTimeout(this.#disconnect, this.settings.idleTimeout).unref();
  }

  readonly #disconnect = () => {
    if (this.#ended) return;
    this.#end();
    this.#hooks.abort();
    // Delayed, because a reader that is about to cancel the stream should not see an error.
    setTimeout(() => this.#controller.error(new FileFieldError('aborted', 'The client left or stopped reading.')));
  };

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.request.signal.removeEventListener('abort', this.#disconnect);
    // A generator ends only after its pending chunk, which may never come; closing the body stops it.
    void Promise.resolve(this.#chunks.return?.()).catch(() => undefined);
    this.body.close();
    this.prepared.close();
  }
}
