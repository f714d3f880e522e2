import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Storage } from '../../file/storage.js';
import {
  assertAbsent,
  assertBytes,
  chunked,
  freshKey,
  oddlyChunked,
  readAll,
  rejectsWith,
  someBytes,
  type Claims,
} from './bytes.js';

/** Claims about objects that a storage may send in parts. Each leaves nothing behind, since the objects are large. */
export const largeClaims: Claims = {
  'keeps a large object in chunks of odd sizes, without the option size': async (storage, { large }) => {
    const [key, bytes] = [freshKey(), someBytes(large + 3)];
    assert.equal((await storage.write(key, oddlyChunked(bytes))).size, large + 3);
    assertBytes(await readAll(storage, key), bytes);
    await storage.delete(key);
  },

  'keeps nothing of a large body that fails at its end, and leaves the key free': async (storage, settings) => {
    const [key, bytes, held] = [freshKey(), someBytes(settings.large), settings.held?.()];
    const failing = async function* () {
      yield* chunked(bytes, Math.ceil(settings.large / 7));
      throw new Error('the body failed');
    };
    await assert.rejects(storage.write(key, failing()));
    await expectHeld(held, settings.held);
    await assertUnwritten(storage, key);
  },

  'rejects with aborted at every chunk of a large body, and keeps nothing': async (storage, settings) => {
    const [bytes, held] = [someBytes(settings.large), settings.held?.()];
    const chunks = 7;
    // At the last count every chunk was taken, and the body is about to end.
    for (let count = 0; count <= chunks; count += 1) {
      const [key, controller] = [freshKey(), new AbortController()];
      const body = async function* () {
        let left = count;
        for await (const chunk of chunked(bytes, Math.ceil(settings.large / chunks))) {
          if (left === 0) controller.abort();
          left -= 1;
          yield chunk;
        }
        controller.abort();
      };
      await rejectsWith('aborted', storage.write(key, body(), { signal: controller.signal }));
      await assertUnwritten(storage, key);
    }
    await expectHeld(held, settings.held);
  },

  'rejects with aborted while a large body waits for its last chunk, and keeps nothing': async (storage, settings) => {
    const [key, bytes, controller] = [freshKey(), someBytes(settings.large), new AbortController()];
    const held = settings.held?.();
    let reached = () => {};
    const waiting = new Promise<void>((resolve) => (reached = resolve));
    const body = async function* () {
      yield* chunked(bytes);
      reached();
      await new Promise(() => undefined);
    };
    const write = storage.write(key, body(), { signal: controller.signal });
    write.catch(() => undefined);
    await Promise.race([waiting, write]);
    controller.abort();
    const outcome = await Promise.race([write, delay(5_000, 'late', { ref: false })]).catch((error: unknown) => error);
    assert.notEqual(outcome, 'late', 'the write did not reject');
    await rejectsWith('aborted', write);
    await expectHeld(held, settings.held);
    await assertUnwritten(storage, key);
  },

  'rejects a taken key with already_exists for a large body, and keeps the old bytes': async (storage, { large }) => {
    const [key, old] = [freshKey(), someBytes(large)];
    await storage.write(key, chunked(old));
    await rejectsWith('already_exists', storage.write(key, chunked(Buffer.alloc(large + 1, 1))));
    assertBytes(await readAll(storage, key), old);
    await storage.delete(key);
  },

  'lets exactly one of several simultaneous writes of one large object succeed': async (storage, { large }) => {
    const key = freshKey();
    const bodies = [1, 2, 3].map((value) => Buffer.alloc(large, value));
    const settled = await Promise.allSettled(bodies.map((bytes) => storage.write(key, chunked(bytes))));
    const winners = bodies.filter((_bytes, index) => settled[index]!.status === 'fulfilled');
    assert.equal(winners.length, 1, `${winners.length} writes succeeded`);
    for (const one of settled)
      if (one.status === 'rejected') await rejectsWith('already_exists', Promise.reject(one.reason));
    assertBytes(await readAll(storage, key), winners[0]!);
    await storage.delete(key);
  },

  'holds nothing for a reader that stops in the middle of a large object': async (storage, { large, held }) => {
    const key = freshKey();
    await storage.write(key, chunked(someBytes(large)));
    const before = held?.();
    for (const range of [undefined, { start: 10, end: large - 10 }]) {
      const stopped = await storage.read(key, range);
      for await (const chunk of stopped.stream()) if (chunk.byteLength > 0) break;
      stopped.close();
      const closed = await storage.read(key, range);
      const chunks = closed.stream()[Symbol.asyncIterator]();
      await chunks.next();
      closed.close();
      // Whatever the reader gets after that: it must get to an end.
      await (async () => {
        while (!(await chunks.next()).done);
      })().catch(() => undefined);
    }
    await expectHeld(before, held);
    await storage.delete(key);
  },

  'reads no byte outside a range': async (storage, { large, bytesRead }) => {
    const [key, bytes] = [freshKey(), someBytes(large)];
    await storage.write(key, chunked(bytes));
    for (const start of [0, Math.floor(large / 2), large - 1000]) {
      const [before, end] = [bytesRead?.() ?? 0, start + 999];
      assertBytes(await readAll(storage, key, { start, end }), bytes.subarray(start, end + 1));
      const cost = (bytesRead?.() ?? 0) - before;
      assert.ok(cost <= 1000, `${cost} bytes were read for a range of 1000`);
    }
    await storage.delete(key);
  },
};

/** Fails if there is an object under the key, or if the key cannot be written. */
async function assertUnwritten(storage: Storage, key: string): Promise<void> {
  await assertAbsent(storage, key);
  await storage.write(key, chunked(someBytes(10)));
  assertBytes(await readAll(storage, key), someBytes(10));
  await storage.delete(key);
}

/** Fails unless the count returns to its former value; a socket takes a moment to close. */
async function expectHeld(before: number | undefined, held: (() => number) | undefined): Promise<void> {
  if (before === undefined || !held) return;
  for (let wait = 0; wait < 250 && held() > before; wait += 1) await delay(20);
  assert.ok(held() <= before, `${held() - before} more are held than before`);
}
