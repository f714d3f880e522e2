import { MemoryStorage } from 'filefield/storages/memory';

/** A storage whose objects look older than they are. */
export class AgedStorage extends MemoryStorage {
  /** Milliseconds by which objects are older. */
  age = 0;

  override async *list(options?: { after?: string }) {
    for await (const { key, modified } of super.list(options))
      yield { key, modified: new Date(modified!.getTime() - this.age) };
  }

  async clear(): Promise<void> {
    this.age = 0;
    for (const key of this.keys) await this.delete(key);
  }
}
