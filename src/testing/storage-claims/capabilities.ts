import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { assertBytes, chunked, freshKey, someBytes, type Claims } from './bytes.js';

/** Claims about the optional members of a storage. A storage without one passes. */
export const capabilityClaims: Claims = {
  'returns a localPath at which the bytes are, below root': async (storage) => {
    if (!storage.localPath) return;
    const [key, bytes] = [freshKey('é 100%'), someBytes(1000)];
    await storage.write(key, chunked(bytes));
    const file = storage.localPath(key);
    assert.ok(path.isAbsolute(file), 'the path is not absolute');
    assertBytes(await readFile(file), bytes);
    if (storage.root !== undefined) {
      assert.ok(path.isAbsolute(storage.root), 'the root is not absolute');
      assert.ok(file.startsWith(path.join(storage.root, path.sep)), 'the local path is not below the root');
    }
    await storage.delete(key);
    await assert.rejects(readFile(file), { code: 'ENOENT' });
  },
};
