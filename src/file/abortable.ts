import { FileFieldError } from '../errors.js';

/**
 * The chunks of a body until its signal is given: then `aborted` at once, also while the next chunk is waited for. A
 * stalled client must not hold a write that was given up.
 */
export async function* abortable(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!signal) {
    yield* body;
    return;
  }
  let failure: FileFieldError | undefined;
  let giveUp: (error: FileFieldError) => void = () => undefined;
  const stop = () => {
    failure = new FileFieldError('aborted', 'The write was given up.', { cause: signal.reason });
    giveUp(failure);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const chunks = body[Symbol.asyncIterator]();
  let pending = false;
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        giveUp = reject;
        if (failure) return reject(failure);
        pending = true;
        const settled = () => (pending = false);
        void chunks.next().finally(settled).then(resolve, reject);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    // Not waited for while a chunk is pending: a generator answers only after it.
    const closed = chunks.return?.();
    if (pending) closed?.catch(() => undefined);
    else await closed;
  }
}
