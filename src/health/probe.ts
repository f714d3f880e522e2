import { createHash, randomBytes } from 'node:crypto';
import { probeKey } from '../file/key.js';
import type { ObjectInfo, Storage } from '../file/storage.js';
import { unhealthy } from './check-result.js';
import { folderOf, noteFolders } from './probe-folders.js';

/** More than one chunk, and little enough to be written every few seconds. */
const size = 300 * 1024;

/** A file that a check writes and deletes. */
export class Probe {
  readonly id = randomBytes(16).toString('hex');
  readonly key = probeKey(this.id);
  /** Different for each probe and incompressible, so no error page or compressed body is equal by chance. */
  readonly bytes = createHash('shake256', { outputLength: size }).update(this.id).digest();
  #writing: Promise<unknown> | undefined;
  #removeFolders: (() => Promise<void>) | undefined;

  constructor(private readonly storage: Storage) {}

  write(signal: AbortSignal): Promise<ObjectInfo> {
    const folder = folderOf(this.storage, this.key);
    const written = folder === undefined ? this.#store(signal) : this.#storeIn(folder, signal);
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #storeIn(folder: string, signal: AbortSignal): Promise<ObjectInfo> {
    this.#removeFolders = await noteFolders(this.storage, folder);
    signal.throwIfAborted();
    return this.#store(signal);
  }

  #store(signal: AbortSignal): Promise<ObjectInfo> {
    const chunk = this.bytes;
    const body = (async function* () {
      yield chunk;
    })();
    return this.storage.write(this.key, body, { size, type: 'application/octet-stream', signal });
  }

  async delete(): Promise<void> {
    await this.storage.delete(this.key);
    this.#writing = undefined;
  }

  /**
   * Deletes the probe unless that was done, and the folders that it made, if they are empty. Never rejects: the earlier
   * failure is the one to report, and a reconcile reports what is left after a day. Deletes a second time once a write that
   * hung has ended, because it may have succeeded.
   */
  async discard(): Promise<void> {
    const writing = this.#writing;
    const remove = async () => this.storage.delete(this.key);
    if (writing) await Promise.allSettled([remove(), writing.then(remove)]);
    await this.#removeFolders?.();
  }
}

/** Rejects with `unhealthy` unless a stream yields exactly these bytes; stops reading at the first difference. */
export async function expectBytes(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  expected: Uint8Array,
  sentence: string,
): Promise<void> {
  let position = 0;
  for await (const chunk of stream) {
    const wanted = expected.subarray(position, position + chunk.byteLength);
    if (Buffer.compare(wanted, chunk) !== 0)
      throw unhealthy(sentence, new Error(`The bytes differ after position ${position}.`));
    position += chunk.byteLength;
  }
  if (position < expected.byteLength) throw unhealthy(sentence, new Error(`The bytes ended at position ${position}.`));
}
