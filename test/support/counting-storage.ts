import { FileFieldError, type ByteRange, type ObjectBody } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';

/** A memory storage that counts reads, and whose deletions fail on demand. */
export class CountingStorage extends MemoryStorage {
  reads = 0;
  failDeletes = false;

  override async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    this.reads += 1;
    return super.read(key, range);
  }

  override async delete(key: string): Promise<void> {
    if (this.failDeletes) throw new FileFieldError('storage_failed', 'the storage answers 503');
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
