import { setTimeout as delay } from 'node:timers/promises';
import { abortable, hearing, untilAborted } from '../../src/file/abortable.js';

/** A source that gives one chunk and then waits for ever, and says whether it was closed. */
function stalled() {
  const state = { closed: false };
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]() {
      let first = true;
      return {
        next() {
          if (!first) return new Promise<never>(() => undefined);
          first = false;
          return Promise.resolve({ done: false, value: Buffer.from('a') });
        },
        async return() {
          state.closed = true;
          return { done: true, value: undefined };
        },
      };
    },
  };
  return { state, body };
}

async function read(body: AsyncIterable<Uint8Array>): Promise<number> {
  const iterator = body[Symbol.asyncIterator]();
  for (let chunks = 0; ; chunks += 1) if ((await iterator.next()).done) return chunks;
}

describe('abortable', () => {
  it('fails at once and closes a source that is waiting for its next chunk', async () => {
    const { state, body } = stalled();
    const abort = new AbortController();
    const reading = read(abortable(body, abort.signal));
    await delay(5);
    abort.abort(new Error('the client left'));
    await expect(reading).rejects.toMatchObject({ code: 'aborted', cause: abort.signal.reason as Error });
    expect(state.closed).toBe(true);
  });

  it('closes a source, and waits until it is closed, when it is aborted between two chunks', async () => {
    const abort = new AbortController();
    const order: string[] = [];
    const body = (async function* () {
      try {
        yield Buffer.from('a');
        yield Buffer.from('b');
      } finally {
        await delay(5);
        order.push('closed');
      }
    })();
    const reading = untilAborted(body, abort.signal);
    await reading.next();
    abort.abort();
    await expect(reading.next()).rejects.toMatchObject({ code: 'aborted' });
    order.push('rejected');
    expect(order).toEqual(['closed', 'rejected']);
  });

  it('closes the source when its reader leaves early, and reads it to the end otherwise', async () => {
    const { state, body } = stalled();
    const left = untilAborted(body, new AbortController().signal);
    await left.next();
    await left.return();
    expect(state.closed).toBe(true);
    const whole = async function* () {
      yield Buffer.from('a');
      yield Buffer.from('b');
    };
    expect(await read(abortable(whole(), new AbortController().signal))).toBe(2);
    expect(await read(abortable(whole(), undefined))).toBe(2);
  });

  it('leaves a body alone that hears the same signal, or has none', () => {
    const { body } = stalled();
    const { signal } = new AbortController();
    expect(abortable(body, undefined)).toBe(body);
    expect(abortable(hearing(body, signal), signal)).toBe(body);
    expect(abortable(body, new AbortController().signal)).not.toBe(body);
  });

  it('reads nothing after a signal that was aborted before', async () => {
    const { state, body } = stalled();
    await expect(read(abortable(body, AbortSignal.abort()))).rejects.toMatchObject({ code: 'aborted' });
    expect(state.closed).toBe(true);
  });
});
