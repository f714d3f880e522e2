import assert from 'node:assert/strict';
import {
  assertAbsent,
  assertBytes,
  chunked,
  freshKey,
  listed,
  readAll,
  rejectsWith,
  someBytes,
  type Claims,
} from './bytes.js';

/** Names that `checkKey` accepts and that some storages decode, normalise or cut. */
const awkwardNames = [
  ...['a b', 'a  b', ' a b', 'a+b', 'a%20b', 'a%2Fb', 'a/b', '100%', '%41', 'A', '%', 'a#b', 'a?b', 'a&b;c=d'],
  ...[
    'a:b',
    'a*b',
    'a|b',
    '<a>',
    '"q"',
    "it's",
    '`q`',
    '$a',
    '~a',
    'a.',
    'é',
    'e\u0301',
    '日本',
    '🎉',
    'x'.repeat(200),
  ],
];

/** Claims about `write` and `delete`. */
export const writingClaims: Claims = {
  'keeps the bytes and returns their size': async (storage) => {
    const [key, bytes] = [freshKey(), someBytes(1000)];
    const info = await storage.write(key, chunked(bytes), { size: 1000, type: 'text/plain' });
    assert.equal(info.size, 1000);
    assertBytes(await readAll(storage, key), bytes);
    const stat = await storage.stat(key);
    assert.equal(stat?.size, 1000);
    assert.deepEqual(stat?.etag, info.etag);
  },

  'keeps an object of zero bytes': async (storage) => {
    const key = freshKey();
    assert.equal((await storage.write(key, chunked(Buffer.alloc(0)), { size: 0 })).size, 0);
    assert.equal((await storage.stat(key))?.size, 0);
    assert.equal((await readAll(storage, key)).byteLength, 0);
  },

  'keeps 5 MiB in chunks of an odd size, without the option size': async (storage) => {
    const [key, bytes] = [freshKey(), someBytes(5 * 1024 * 1024 + 3)];
    await storage.write(key, chunked(bytes, 99_991));
    assertBytes(await readAll(storage, key), bytes);
  },

  'keeps the bytes of each chunk although the body reuses its memory': async (storage) => {
    const [key, buffer] = [freshKey(), Buffer.alloc(1000)];
    const body = async function* () {
      for (const value of [1, 2, 3]) yield buffer.fill(value);
    };
    await storage.write(key, body());
    assertBytes(await readAll(storage, key), Buffer.concat([1, 2, 3].map((value) => Buffer.alloc(1000, value))));
  },

  'rejects a taken key with already_exists, and keeps the old bytes': async (storage) => {
    const [key, bytes] = [freshKey(), someBytes(100)];
    await storage.write(key, chunked(bytes));
    await rejectsWith('already_exists', storage.write(key, chunked(Buffer.alloc(50, 1))));
    assertBytes(await readAll(storage, key), bytes);
  },

  'lets exactly one of several simultaneous writes of one key succeed': async (storage) => {
    const key = freshKey();
    const writes = [1, 2, 3, 4].map((value) => storage.write(key, chunked(Buffer.alloc(1000, value), 100)));
    const settled = await Promise.allSettled(writes);
    const winner = settled.findIndex(({ status }) => status === 'fulfilled');
    assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const one of settled)
      if (one.status === 'rejected') await rejectsWith('already_exists', Promise.reject(one.reason));
    assertBytes(await readAll(storage, key), Buffer.alloc(1000, winner + 1));
  },

  'keeps nothing of a body that fails, and leaves the key free': async (storage) => {
    const key = freshKey();
    const failing = async function* () {
      yield someBytes(100_000);
      throw new Error('the body failed');
    };
    await assert.rejects(storage.write(key, failing()));
    await assertAbsent(storage, key);
    await storage.write(key, chunked(someBytes(10)));
    assertBytes(await readAll(storage, key), someBytes(10));
  },

  'rejects with aborted when the signal aborts during the write, and keeps nothing': async (storage) => {
    for (const reason of [undefined, new Error('a reason of our own'), 'text']) {
      const [key, controller] = [freshKey(), new AbortController()];
      const body = async function* () {
        yield someBytes(100_000);
        controller.abort(reason);
        yield someBytes(100_000);
      };
      await rejectsWith('aborted', storage.write(key, body(), { signal: controller.signal }));
      await assertAbsent(storage, key);
    }
  },

  'rejects with aborted when the signal has already aborted, and keeps nothing': async (storage) => {
    const key = freshKey();
    await rejectsWith('aborted', storage.write(key, chunked(someBytes(10)), { signal: AbortSignal.abort() }));
    await assertAbsent(storage, key);
  },

  'rejects with aborted while it waits for a body that stalls': async (storage) => {
    const [key, controller] = [freshKey(), new AbortController()];
    const body = async function* () {
      yield someBytes(10);
      setTimeout(() => controller.abort(), 20);
      await new Promise(() => undefined);
    };
    const late = new Promise((resolve) => setTimeout(resolve, 2_000, 'late').unref());
    const write = storage.write(key, body(), { signal: controller.signal }).catch((error: unknown) => error);
    const outcome = await Promise.race([write, late]);
    assert.notEqual(outcome, 'late', 'the write did not reject');
    await rejectsWith('aborted', Promise.reject(outcome));
    await assertAbsent(storage, key);
  },

  'shows no object until all bytes are written': async (storage) => {
    const key = freshKey();
    const body = async function* () {
      yield someBytes(300_000);
      await assertAbsent(storage, key);
      yield someBytes(10);
      await assertAbsent(storage, key);
    };
    await storage.write(key, body());
    assert.equal((await storage.stat(key))?.size, 300_010);
  },

  'keeps objects apart that are written at the same time': async (storage) => {
    const keys = Array.from({ length: 8 }, (_key, index) => freshKey(String(index)));
    const write = (key: string, index: number) => storage.write(key, chunked(Buffer.alloc(50_000, index), 1_000));
    await Promise.all(keys.map(write));
    for (const [index, key] of keys.entries()) assertBytes(await readAll(storage, key), Buffer.alloc(50_000, index));
  },

  'keeps objects apart whose keys differ in one character, whatever it is': async (storage) => {
    const folder = freshKey('');
    const keys = awkwardNames.map((name) => `${folder}${name}`);
    for (const key of keys) await storage.write(key, chunked(Buffer.from(key)));
    for (const [index, key] of keys.entries()) {
      assert.equal((await readAll(storage, key)).toString(), key, `the bytes under ${key} are those of another key`);
      await storage.delete(key);
      await assertAbsent(storage, key);
      const next = keys[index + 1];
      if (next !== undefined) assert.ok(await storage.stat(next), `deleting ${key} has deleted ${next}`);
    }
  },

  'keeps an object under a key of 512 bytes, or refuses it with invalid_key': async (storage) => {
    const segment = freshKey('x'.repeat(255));
    // The last character has two bytes.
    for (const key of [segment, `${segment}/${'y'.repeat(512 - segment.length - 3)}é`]) {
      const write = storage.write(key, chunked(someBytes(10)));
      const isKept = await write.then(
        () => true,
        () => false,
      );
      if (!isKept) await rejectsWith('invalid_key', write);
      else {
        assertBytes(await readAll(storage, key), someBytes(10));
        await storage.delete(key);
      }
    }
  },

  'keeps 64 objects that are written at once, and lists each of them once': async (storage) => {
    const folder = freshKey('');
    const keys = Array.from({ length: 64 }, (_key, index) => `${folder}${String(index).padStart(2, '0')}`);
    await Promise.all(keys.map((key) => storage.write(key, chunked(Buffer.from(key)))));
    const read = await Promise.all(keys.map(async (key) => (await readAll(storage, key)).toString()));
    assert.deepEqual(read, keys);
    if (storage.list) assert.deepEqual(await listed(storage, folder, folder), keys);
    await Promise.all(keys.map((key) => storage.delete(key)));
    for (const key of keys) assert.equal(await storage.stat(key), null, 'an object is left after all were deleted');
  },

  'deletes only the object of the key, and succeeds if there is none': async (storage) => {
    const key = freshKey('a');
    const neighbour = `${key}b`;
    await storage.write(key, chunked(someBytes(10)));
    await storage.write(neighbour, chunked(someBytes(10)));
    await storage.delete(key);
    await assertAbsent(storage, key);
    await storage.delete(key);
    await storage.delete(freshKey());
    assert.equal((await storage.stat(neighbour))?.size, 10);
  },
};
