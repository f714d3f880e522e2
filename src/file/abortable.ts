import { FileFieldError } from '../errors.js';

/**
 * The chunks of a body until the signal aborts; then it fails with `aborted` at once, even while it waits for the next
 * chunk. A stalled client must not hold a write that was ended.
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
  let fail: (error: FileFieldError) => void = () => undefined;
  const stop = () => {
    failure = new FileFieldError('aborted', 'The write was aborted.', { cause: signal.reason });
    fail(failure);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const chunks = body[Symbol.asyncIterator]();
  let pending = false;
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        fail = reject;
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
    // A generator that is computing a chunk would close only after it, so it is not waited for.
    const closed = chunks.return?.();
    if (pending) closed?.catch(() => undefined);
    else await closed;
  }
}
