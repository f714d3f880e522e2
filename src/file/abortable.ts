import { FileFieldError } from '../errors.js';

/** On a body that hears this signal itself. */
const heard = Symbol('heard');
type Body = AsyncIterable<Uint8Array> & { [heard]?: AbortSignal | undefined };

/** `untilAborted`, or the body itself if it needs nothing more. */
export function abortable(body: Body, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  return !signal || body[heard] === signal ? body : untilAborted(body, signal);
}

/** Says that a body fails at once when the signal aborts, so that nobody listens twice for the same upload. */
export function hearing(body: Body, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  body[heard] = signal;
  return body;
}

/**
 * The chunks of a body until the signal aborts; then it fails with `aborted` at once, even while it waits for the next
 * chunk. A stalled client must not hold a write that was ended.
 */
export async function* untilAborted(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let failure: FileFieldError | undefined;
  let fail: (error: FileFieldError) => void = () => undefined;
  const stop = () => fail((failure = wasAborted(signal)));
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
    // As in a loop of JavaScript, the error of the closing does not replace an earlier one.
    if (pending || failure) closed?.catch(() => undefined);
    if (!pending) await closed;
  }
}

/** Settles as the work does, unless the signal aborts first: then it rejects with `aborted` at once, and the work goes on. */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return work;
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(wasAborted(signal));
  });
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The error of work that a signal has ended. */
export function wasAborted(signal: AbortSignal): FileFieldError {
  return new FileFieldError('aborted', 'The write was aborted.', { cause: signal.reason });
}
