import { FileFieldError, type ByteRange, type ObjectBody } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { setImmediate } from 'node:timers/promises';

/** A memory storage that counts reads and deletions at once, and whose deletions fail on demand. */
export class CountingStorage extends MemoryStorage {
  reads = 0;
  failDeletes: boolean | ((key: string) => boolean) = false;
  /** The most deletions that ran at the same time. */
  mostDeletes = 0;
  #deletes = 0;

  override async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    this.reads += 1;
    return super.read(key, range);
  }

  override async delete(key: string): Promise<void> {
    const fails = typeof this.failDeletes === 'function' ? this.failDeletes(key) : this.failDeletes;
    if (fails) throw new FileFieldError('storage_failed', 'the storage answers 503');
    this.#deletes += 1;
    this.mostDeletes = Math.max(this.mostDeletes, this.#deletes);
    await setImmediate();
    this.#deletes -= 1;
    return super.delete(key);
  }

  async textOf(key: string): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await super.read(key)).stream()) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }

  async put(key: string, text: string): Promise<void> {
    await this.write(
      key,
      (async function* () {
        yield Buffer.from(text);
      })(),
    );
  }
}
