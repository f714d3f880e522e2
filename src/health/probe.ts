import { createHash, randomBytes } from 'node:crypto';
import { probeKey } from '../file/key.js';
import type { ObjectInfo, Storage } from '../file/storage.js';

/** Larger than what is sent in one piece, small enough to be written every few seconds. */
const size = 300 * 1024;

/** A file that a check writes and deletes again; no two have the same bytes. */
export class Probe {
  readonly id = randomBytes(16).toString('hex');
  readonly key = probeKey(this.id);
  /** No compression or default page is the same by accident. */
  readonly bytes = createHash('shake256', { outputLength: size }).update(this.id).digest();
  #writing: Promise<unknown> | undefined;

  constructor(private readonly storage: Storage) {}

  write(signal: AbortSignal): Promise<ObjectInfo> {
    const chunk = this.bytes;
    const body = (async function* () {
      yield chunk;
    })();
    const written = this.storage.write(this.key, body, { size, type: 'application/octet-stream', signal });
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async delete(): Promise<void> {
    await this.storage.delete(this.key);
    this.#writing = undefined;
  }

  /**
   * Deletes it if that has not been done, in vain if need be: what went wrong before is worth more, and a reconcile takes
   * what is left after a day. A write that hangs may still come to something, so that is looked after once more.
   */
  async discard(): Promise<void> {
    const writing = this.#writing;
    if (!writing) return;
    const remove = async () => this.storage.delete(this.key);
    await Promise.allSettled([remove(), writing.then(remove)]);
  }
}
