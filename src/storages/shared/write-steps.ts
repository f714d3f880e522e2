import { setTimeout as delay } from 'node:timers/promises';
import { FileFieldError, isFileFieldError } from '../../errors.js';
import { unlessAborted, wasAborted } from '../../file/abortable.js';

/** Milliseconds that an aborted write waits for its clean-up, which then goes on in the background. */
export const cleanUpPatience = 3_000;

/** Does work that nobody waits for longer than this; its failure is not interesting. */
export async function within(milliseconds: number, work: () => Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const done = work().catch(() => undefined);
  await Promise.race([done, delay(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
}

/** The body, whose failure is told from one of the storage. */
export async function* source(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (cause) {
    if (isFileFieldError(cause)) throw cause;
    throw new FileFieldError('storage_failed', 'The object was not written: the source of its bytes failed.', {
      cause,
    });
  }
}

/**
 * Sends the request that makes the object. An abort does not cut it, since the server might have got it: the write waits for
 * the answer and deletes the object again.
 */
export async function publish<Made>(
  send: (cut: AbortSignal) => Promise<Made>,
  remove: (made: Made) => Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<Made> {
  if (signal?.aborted) throw wasAborted(signal);
  const cut = new AbortController();
  const sent = send(cut.signal);
  try {
    return await unlessAborted(sent, signal);
  } catch (error) {
    if (signal?.aborted) {
      const undone = sent.then(remove).catch(() => undefined);
      await within(cleanUpPatience, () => undone);
      cut.abort();
    }
    throw error;
  }
}
