import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';

const root = mkdtempSync(path.join(tmpdir(), 'list-after-'));
afterAll(() => rmSync(root, { recursive: true }));

// A folder sorts like the keys below it: "a-b" comes before "a/b".
const keys = ['a-b', 'a/b', 'a/c/d', 'a/c/e', 'b', 'c/d'];

async function* content() {
  yield Buffer.from('x');
}

describe.each([
  ['DiskStorage', () => new DiskStorage({ root, sync: false })],
  ['MemoryStorage', () => new MemoryStorage()],
])('%s', (_name, make) => {
  it('lists exactly the keys that sort after the given one, whether it exists or not', async () => {
    const storage = make();
    for (const key of keys) await storage.write(key, content());
    for (const after of ['', ...keys, 'a', 'a/', 'a/c', 'a/c/', 'a/c/dd', 'a0', 'c', 'z']) {
      const listed: string[] = [];
      for await (const { key } of storage.list({ after })) listed.push(key);
      expect({ after, listed }).toEqual({ after, listed: keys.filter((key) => key > after) });
    }
  });

  it('lists each key with the time at which its object was written', async () => {
    const storage = make();
    await storage.write('z/timed', content());
    for await (const { key, modified } of storage.list()) {
      expect(modified?.getTime()).toBeGreaterThan(0);
      expect(modified).toEqual((await storage.stat(key))?.modified);
    }
    await storage.delete('z/timed');
  });
});
