import assert from 'node:assert/strict';
import { chunked, freshKey, listed, someBytes, type Claims } from './bytes.js';

/** Claims about `list`. A storage without it passes. */
export const listingClaims: Claims = {
  'lists exactly the objects whose keys come after the given one, in the order of UTF-16 code units': async (
    storage,
  ) => {
    if (!storage.list) return;
    const folder = freshKey('');
    // "-" comes before "/", and the surrogates of the emoji before the wide tilde: neither is so in every order.
    const keys = ['a-b', 'a/b', 'a/c/d', 'a/c/e', 'b', 'é', '😀', '～'].map((name) => `${folder}${name}`);
    for (const key of [...keys].reverse()) await storage.write(key, chunked(someBytes(1)));
    const between = ['a', 'a/c', 'a/cc', 'a0', 'zz'].map((name) => `${folder}${name}`);
    for (const after of [folder, ...keys, ...between]) {
      const expected = keys.filter((key) => key > after);
      assert.deepEqual(await listed(storage, after, folder), expected, `the objects after ${after} are others`);
    }
  },

  'goes on with a listing whose other objects are deleted meanwhile': async (storage) => {
    if (!storage.list) return;
    const folder = freshKey('');
    const keys = ['a', 'b', 'c/d', 'e'].map((name) => `${folder}${name}`);
    for (const key of keys) await storage.write(key, chunked(someBytes(1)));
    let first: string | undefined;
    for await (const { key } of storage.list({ after: folder })) {
      if (!key.startsWith(folder)) break;
      if (first === undefined) for (const other of keys.slice(1)) await storage.delete(other);
      first ??= key;
    }
    assert.equal(first, keys[0], 'the first object was not listed');
  },
};
