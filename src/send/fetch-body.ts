import { FileFieldError } from '../errors.js';
import type { FileBody } from '../file/body.js';
import type { PreparedResponse } from '../response/prepared-response.js';
import { report, type AdapterOptions } from './report.js';

/**
 * The bytes of an answer as a stream that reads when it is asked to. Rejects while the first chunk cannot be had, so that
 * the failure can still be answered; later the stream breaks.
 */
export async function openStream(
  answer: PreparedResponse,
  request: Request,
  options: AdapterOptions<Request>,
): Promise<ReadableStream<Uint8Array>> {
  const source = new BodyStream(answer, await answer.open!(), request, options);
  await source.begin();
  // Nothing is read ahead of the client.
  return new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
}

class BodyStream {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #timer: NodeJS.Timeout | undefined;
  #first: Uint8Array | undefined;
  #bytes = 0;
  #ended = false;

  constructor(
    private readonly answer: PreparedResponse,
    private readonly body: FileBody,
    private readonly request: Request,
    private readonly options: AdapterOptions<Request>,
  ) {
    this.#chunks = body.stream()[Symbol.asyncIterator]();
  }

  async begin(): Promise<void> {
    this.answer.hooks?.start?.({ status: this.answer.status, bytes: 0 });
    try {
      this.#first = await this.#next();
    } catch (error) {
      this.#end('abort', error);
      throw error;
    }
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    this.#wait();
    if (this.request.signal.aborted) this.#leave();
    else this.request.signal.addEventListener('abort', this.#leave, { once: true });
  }

  async pull(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const chunk = this.#first ?? (await this.#next());
      this.#first = undefined;
      if (this.#ended) return;
      this.#bytes += chunk?.byteLength ?? 0;
      if (chunk) this.#controller.enqueue(chunk);
      if (chunk && this.#bytes !== this.body.size) return this.#wait();
      this.#end('complete');
      this.#controller.close();
    } catch (error) {
      if (this.#ended) return;
      this.#end('abort', error);
      report(error, this.request, this.options);
      this.#controller.error(error);
    }
  }

  cancel(): void {
    this.#end('abort');
  }

  /** A chunk that is not empty; undefined at the end. */
  async #next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      if (value.byteLength > 0) return value;
    }
  }

  /** Whoever takes nothing for that long has left, or will never begin. */
  #wait(): void {
    this.#timer = setTimeout(this.#leave, this.options.idleTimeout ?? 60_000).unref();
  }

  readonly #leave = () => {
    if (this.#ended) return;
    this.#end('abort');
    // Whoever reads may be about to cancel, which is no fault; only one that still reads is told of a break.
    setTimeout(() => this.#controller.error(new FileFieldError('aborted', 'The client left or stalled.')));
  };

  #end(how: 'complete' | 'abort', error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.request.signal.removeEventListener('abort', this.#leave);
    // A source that is waited for answers only afterwards, if ever; closing the body stops it.
    void Promise.resolve(this.#chunks.return?.()).catch(() => undefined);
    this.body.close();
    this.answer.close();
    const { hooks, status } = this.answer;
    hooks?.[how]?.({ status, bytes: this.#bytes, ...(error !== undefined && { error }) });
  }
}
