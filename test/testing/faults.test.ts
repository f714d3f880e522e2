import { makeKey } from '../../src/file/key.js';
import { AssertionError } from 'node:assert';
import { crashAt, expectNoOrphans, FailingStorage } from 'filefield/testing';
import { MemoryStorage } from 'filefield/storages/memory';
import { filesFor, Letter } from '../support/fields.js';
import { openTypeorm } from '../support/typeorm.js';

async function* body(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

describe('crashAt', () => {
  it('acts once, when the step is reached for the nth time, unless it was cancelled', async () => {
    const { files } = filesFor();
    const seen: unknown[] = [];
    crashAt('stored', { nth: 2, action: (message) => seen.push(message) });
    const cancel = crashAt('intended', { action: (message) => seen.push(message) });
    cancel();
    for (const text of ['one', 'two', 'three']) await files.stage(Letter, 'file', text, { name: text });
    expect(seen).toMatchObject([{ name: 'two' }]);
  });
});

describe('FailingStorage', () => {
  it('passes calls to the wrapped storage and has its optional methods', async () => {
    const storage = new FailingStorage(new MemoryStorage());
    await storage.write('a', body('hello'));
    expect(await storage.stat('a')).toMatchObject({ size: 5 });
    expect(storage.list).toBeDefined();
    expect(storage.localPath).toBeUndefined();
    expect(storage.calls).toEqual({ write: 1, read: 0, stat: 1, delete: 0 });
  });

  it('fails the nth call, every call of an operation, or all operations', async () => {
    const storage = new FailingStorage(new MemoryStorage());
    storage.fail('write', { nth: 2 });
    await storage.write('a', body('a'));
    await expect(storage.write('b', body('b'))).rejects.toMatchObject({ code: 'storage_failed' });
    await storage.write('b', body('b'));
    const end = storage.fail('delete', { error: new Error('mine') });
    for (const key of ['a', 'b']) await expect(storage.delete(key)).rejects.toThrow('mine');
    end();
    await storage.delete('a');
    const back = storage.outage();
    for (const work of [storage.read('b'), storage.stat('b')]) await expect(work).rejects.toThrow('503');
    back();
    expect(await storage.stat('b')).not.toBeNull();
  });

  it('cuts off a write after some bytes, or delays it', async () => {
    const memory = new MemoryStorage();
    const storage = new FailingStorage(memory);
    for (const after of [0, 3, '6 B', 100] as const) {
      storage.fail('write', { nth: 1, after });
      await expect(storage.write('a', body('hello', 'world'))).rejects.toMatchObject({ code: 'storage_failed' });
    }
    expect(memory.keys).toEqual([]);
    storage.fail('write', { nth: 1, delay: '60ms', error: false });
    const began = performance.now();
    await storage.write('a', body('hello'));
    expect(performance.now() - began).toBeGreaterThan(50);
  });
});

it.each([{ nth: 0 }, { delay: -1 }, { after: 1.5 }])('FailingStorage.fail throws invalid_option for %j', (fault) => {
  const storage = new FailingStorage(new MemoryStorage());
  expect(() => storage.fail('write', fault)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
});

describe('expectNoOrphans', () => {
  it('lists files whose row, ledger entry and bytes do not belong together', async () => {
    const harness = await openTypeorm('sqlite');
    const { files, documents } = harness;
    const stage = (text: string) => files.stage(harness.Document, 'file', text);
    const [gone, missing, unrecorded] = [await stage('1'), await stage('2'), await stage('3')];
    for (const file of [gone, missing, unrecorded]) await harness.unit().insert({ slug: file.id, file });
    await expectNoOrphans(files);
    // A staged file that waits for its row is in order.
    await stage('waiting');
    await expectNoOrphans(files, { sweep: true });

    await harness.query(`DELETE FROM contract_document WHERE slug = '${gone.id}'`);
    await documents.delete(missing.toDescriptor().key);
    await harness.query(`DELETE FROM file_ledger WHERE id = '${unrecorded.id}'`);
    const unknown = makeKey(await files.ledger.identity());
    await documents.put(unknown, 'unknown');
    const error = await expectNoOrphans(files).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(AssertionError);
    const lines = (error as AssertionError).message.split('\n').map((line) => line.trim().split(' - ')[0]);
    expect(lines.slice(1).sort()).toEqual(
      [
        `missing documents:${missing.toDescriptor().key}`,
        // Its ledger entry is gone, so its bytes are unknown and its row is unrecorded.
        `unknown documents:${unknown}`,
        `unknown documents:${unrecorded.toDescriptor().key}`,
        `unrecorded documents:${unrecorded.toDescriptor().key}`,
        `unreferenced documents:${gone.toDescriptor().key}`,
      ].sort(),
    );
    await harness.close();
  });
});
