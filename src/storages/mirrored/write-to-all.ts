import { untilAborted } from '../../file/abortable.js';
import type { ObjectInfo, Storage, WriteOptions } from '../../file/storage.js';
import { FanOut } from './fan-out.js';

/** What a write to several storages has done. */
interface Outcome {
  /** The first error; undefined if the object is in all storages. */
  readonly failure: { readonly error: unknown } | undefined;
  /** What each storage says about its object, in their order; undefined where it has none. */
  readonly written: readonly (ObjectInfo | undefined)[];
}

/**
 * Writes one body to several storages at the same time. All but the first get the end of the body when the first has the
 * object: of several writes of one key only the one that wins there can finish elsewhere.
 */
export async function writeToAll(
  storages: readonly Storage[],
  key: string,
  body: AsyncIterable<Uint8Array>,
  options: WriteOptions,
): Promise<Outcome> {
  const ended = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ended.signal]) : ended.signal;
  const source = untilAborted(body, signal);
  const fanOut = new FanOut(source, storages.length);
  let failure: Outcome['failure'];
  let first: Promise<ObjectInfo | undefined> | undefined;
  const write = async (storage: Storage, index: number) => {
    try {
      const bytes = index === 0 ? fanOut.branch() : endingAfter(fanOut.branch(), () => first);
      return await storage.write(key, bytes, { ...options, signal });
    } catch (error) {
      failure ??= { error };
      // Storages that wait for a chunk would wait for ever: this one asks for no more.
      fanOut.end(error);
      ended.abort();
      return undefined;
    }
  };
  const writes = storages.map((storage, index) => {
    const writing = write(storage, index);
    if (index === 0) first = writing;
    return writing;
  });
  const written = await Promise.all(writes);
  await source.return();
  return { failure, written };

  async function* endingAfter(chunks: AsyncIterable<Uint8Array>, work: () => Promise<unknown> | undefined) {
    yield* chunks;
    await work();
    if (failure) throw failure.error;
  }
}
