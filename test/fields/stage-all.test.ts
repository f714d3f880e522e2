import { setTimeout as delay } from 'node:timers/promises';
import { MemoryStorage } from 'filefield/storages/memory';
import { FailingStorage } from 'filefield/testing';
import { filesFor, Letter } from '../support/fields.js';

/** A storage that counts the writes that run at once. */
class CountingWrites extends MemoryStorage {
  running = 0;
  maximum = 0;

  override async write(...values: Parameters<MemoryStorage['write']>) {
    this.maximum = Math.max(this.maximum, ++this.running);
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
  it('stages 200 files four at a time and returns them in order', async () => {
    const storage = new CountingWrites();
    const { files } = filesFor({}, storage);
    const staged = await files.stageAll(Letter, 'file', texts);
    expect(await Promise.all(staged.map((file) => file.text()))).toEqual(texts);
    expect(storage.maximum).toBe(4);
  });

  it('stages as many files at a time as `concurrency` says, and refuses 0', async () => {
    const storage = new CountingWrites();
    const { files } = filesFor({}, storage);
    await files.stageAll(Letter, 'file', texts.slice(0, 20), { concurrency: 7 });
    expect(storage.maximum).toBe(7);
    await expect(files.stageAll(Letter, 'file', texts, { concurrency: 0 })).rejects.toMatchObject({
      code: 'invalid_option',
    });
    expect(await files.stageAll(Letter, 'file', [])).toEqual([]);
  });

  it('starts no more uploads after one fails, waits for the others, discards all and rejects with the first error', async () => {
    const counting = new CountingWrites();
    const storage = new FailingStorage(counting);
    storage.fail('write', { nth: 10 });
    const { files, ledger } = filesFor({}, storage);
    let intended = 0;
    files.on('intended', () => (intended += 1));
    await expect(files.stageAll(Letter, 'file', texts)).rejects.toMatchObject({ code: 'storage_failed' });
    expect(counting.running).toBe(0);
    expect(storage.calls.write).toBeLessThanOrEqual(14);
    const count = (start: RegExp) => ledger.statements.filter((sql) => start.test(sql)).length;
    expect(intended).toBe(storage.calls.write);
    // A sweep may delete each of them at once, also the one that failed.
    expect(count(/SET lease_until = 0/)).toBe(storage.calls.write);
  });
});
