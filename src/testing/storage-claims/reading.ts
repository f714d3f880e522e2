import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import type { FileBody } from '../../file/body.js';
import { assertAbsent, assertBytes, chunked, freshKey, readAll, someBytes, type Claims } from './bytes.js';

const size = 300_000;

/** Claims about `read` and `stat`. */
export const readingClaims: Claims = {
  'returns null from stat and rejects read with not_found, for a key without an object': async (storage) => {
    await assertAbsent(storage, freshKey());
    await assertAbsent(storage, `${freshKey()}/deeper/still`);
  },

  'reads exactly the requested range': async (storage) => {
    const [key, bytes] = [freshKey(), someBytes(size)];
    await storage.write(key, chunked(bytes));
    const ranges = [
      [0, 0],
      [0, size - 1],
      [1, 1],
      [100_000, 200_000],
      [size - 1, size - 1],
      [size - 1000, size - 1],
    ] as const;
    for (const [start, end] of ranges) {
      const got = await readAll(storage, key, { start, end });
      assert.ok(
        got.equals(bytes.subarray(start, end + 1)),
        `the range ${start}-${end} has ${got.byteLength} bytes, or others`,
      );
    }
  },

  'returns the size and etag of the whole object with every range': async (storage) => {
    const key = freshKey();
    const written = await storage.write(key, chunked(someBytes(size)));
    for (const range of [undefined, { start: 5, end: 9 }]) {
      const reader = await storage.read(key, range);
      reader.close();
      assert.equal(reader.info.size, size);
      assert.equal(reader.info.etag, written.etag);
    }
  },

  'returns the same modification time from stat and read, or none, and no other from write': async (storage) => {
    const key = freshKey();
    const { modified } = await storage.write(key, chunked(someBytes(10)));
    const stat = await storage.stat(key);
    const reader = await storage.read(key);
    reader.close();
    const time = stat?.modified?.getTime();
    assert.equal(reader.info.modified?.getTime(), time);
    // A storage that would need another request to know it leaves it out.
    if (modified) assert.equal(modified.getTime(), time);
    if (time !== undefined) {
      assert.ok(Math.abs(time - Date.now()) < 600_000, 'the time differs from now by more than ten minutes');
    }
  },

  'counts positions of FileBody.read from the start of the range, and stops at its end': async (storage) => {
    const [key, bytes] = [freshKey(), someBytes(size)];
    await storage.write(key, chunked(bytes));
    for (const range of [undefined, { start: 1000, end: 250_000 }]) {
      const expected = range ? bytes.subarray(range.start, range.end + 1) : bytes;
      const body = await storage.read(key, range);
      try {
        // A storage without random access has only `stream`.
        if (!body.read) return;
        for (const position of [1000, 123_456, 2000]) await assertReads(body, position, expected);
        const buffer = Buffer.alloc(10);
        const last = await body.read(buffer, expected.byteLength - 1);
        assert.equal(last, 1, `read ${last} bytes, but one is left`);
        assert.equal(buffer[0], expected.at(-1));
        assert.equal(await body.read(buffer, expected.byteLength), 0, 'read bytes after the end');
      } finally {
        body.close();
      }
    }
  },

  'returns the length of the range as the size of the body, or none': async (storage) => {
    const key = freshKey();
    await storage.write(key, chunked(someBytes(size)));
    for (const range of [undefined, { start: 5, end: 9 }]) {
      const body = await storage.read(key, range);
      body.close();
      if (body.size !== undefined) assert.equal(body.size, range ? 5 : size);
    }
  },

  'reads and counts bytes beyond 4 GiB': async (storage) => {
    // Only a file can be made so large without its bytes.
    if (!storage.localPath) return;
    const [key, bytes, size] = [freshKey(), someBytes(1000), 5 * 2 ** 30 + 3];
    await storage.write(key, chunked(bytes));
    const file = await open(storage.localPath(key), 'r+');
    await file.truncate(size);
    await file.write(bytes, 0, 1000, size - 1000);
    await file.close();
    assert.equal((await storage.stat(key))?.size, size);
    const range = { start: size - 1000, end: size - 1 };
    assertBytes(await readAll(storage, key, range), bytes);
    const body = await storage.read(key);
    body.close();
    assert.equal(body.info.size, size);
    await storage.delete(key);
  },

  'reads one object ten times at once': async (storage) => {
    const [key, bytes] = [freshKey(), someBytes(size)];
    await storage.write(key, chunked(bytes));
    const all = await Promise.all(Array.from({ length: 10 }, () => readAll(storage, key)));
    for (const one of all) assert.ok(one.equals(bytes));
  },

  'closes a body that was read in part or not at all, and closes it twice': async (storage) => {
    const key = freshKey();
    await storage.write(key, chunked(someBytes(size)));
    const unread = await storage.read(key);
    unread.close();
    unread.close();
    const left = await storage.read(key);
    for await (const chunk of left.stream()) if (chunk.byteLength > 0) break;
    left.close();
    left.close();
    assert.equal((await readAll(storage, key)).byteLength, size);
  },
};

async function assertReads(body: FileBody, position: number, expected: Buffer): Promise<void> {
  const buffer = Buffer.alloc(500);
  const count = await body.read!(buffer, position);
  assert.ok(count > 0 && count <= 500, `read ${count} bytes into a buffer of 500`);
  assert.ok(
    buffer.subarray(0, count).equals(expected.subarray(position, position + count)),
    `wrong bytes at position ${position} of the body`,
  );
}
