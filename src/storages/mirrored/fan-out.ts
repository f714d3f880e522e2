type Chunk = IteratorResult<Uint8Array>;

/**
 * One body for several readers. A chunk is requested when every reader has asked for it, so that the slowest sets the pace
 * and no chunk is kept or copied.
 */
export class FanOut {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #waiting: ((next: Promise<Chunk>) => void)[] = [];
  #ended: Promise<never> | undefined;

  constructor(
    body: AsyncIterable<Uint8Array>,
    private readonly readers: number,
  ) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  /** The body for one of the readers. */
  async *branch(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const next = await new Promise<Chunk>((resolve) => this.#request(resolve));
      if (next.done) return;
      yield next.value;
    }
  }

  /** Ends the body for all readers: one of them asks for no more. */
  end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = Promise.reject(error);
    this.#ended.catch(() => undefined);
    for (const each of this.#waiting.splice(0)) each(this.#ended);
  }

  #request(resolve: (next: Promise<Chunk>) => void): void {
    if (this.#ended) return resolve(this.#ended);
    this.#waiting.push(resolve);
    if (this.#waiting.length < this.readers) return;
    const next = this.#chunks.next();
    for (const each of this.#waiting.splice(0)) each(next);
  }
}
