import { setTimeout as delay } from 'node:timers/promises';
import { MemoryStorage } from 'filefield/storages/memory';
import { FailingStorage } from 'filefield/testing';
import { filesFor, Letter } from '../support/fields.js';

/** A storage that knows how many writes ran at once. */
class Busy extends MemoryStorage {
  running = 0;
  most = 0;

  override async write(...values: Parameters<MemoryStorage['write']>) {
    this.most = Math.max(this.most, ++this.running);
    try {
      await delay(1);
      return await super.write(...values);
    } finally {
      this.running -= 1;
    }
  }
}

const texts = Array.from({ length: 200 }, (_, index) => `letter ${index}`);

describe('stageAll', () => {
  it('stages 200 files, four at a time, in their order', async () => {
    const storage = new Busy();
    const { files } = filesFor({}, storage);
    const staged = await files.stageAll(Letter, 'file', texts);
    expect(await Promise.all(staged.map((file) => file.text()))).toEqual(texts);
    expect(storage.most).toBe(4);
  });

  it('takes as many at a time as it is told', async () => {
    const storage = new Busy();
    const { files } = filesFor({}, storage);
    await files.stageAll(Letter, 'file', texts.slice(0, 20), { concurrency: 7 });
    expect(storage.most).toBe(7);
    await expect(files.stageAll(Letter, 'file', texts, { concurrency: 0 })).rejects.toMatchObject({
      code: 'invalid_option',
    });
    expect(await files.stageAll(Letter, 'file', [])).toEqual([]);
  });

  it('begins no more when one fails, waits for those that run, gives all up and rejects with the first error', async () => {
    const busy = new Busy();
    const storage = new FailingStorage(busy);
    storage.fail('write', { nth: 10 });
    const { files, ledger } = filesFor({}, storage);
    let intended = 0;
    files.on('intended', () => (intended += 1));
    await expect(files.stageAll(Letter, 'file', texts)).rejects.toMatchObject({ code: 'storage_failed' });
    expect(busy.running).toBe(0);
    expect(storage.calls.write).toBeLessThanOrEqual(14);
    const count = (start: RegExp) => ledger.statements.filter((sql) => start.test(sql)).length;
    expect(intended).toBe(storage.calls.write);
    // Each of them, the one that failed too, may be swept at once.
    expect(count(/SET lease_until = 0/)).toBe(storage.calls.write);
  });
});
