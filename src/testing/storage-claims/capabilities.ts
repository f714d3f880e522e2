import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Storage, TakenFile } from '../../file/storage.js';
import { assertAbsent, assertBytes, chunked, freshKey, readAll, rejectsWith, someBytes, type Claims } from './bytes.js';

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

  'returns a signedUrl at which the bytes are, with the type and disposition that were asked for': async (storage) => {
    if (!storage.signedUrl) return;
    const [key, bytes] = [freshKey('é 100%'), someBytes(1000)];
    await storage.write(key, chunked(bytes), { type: 'text/html' });
    const [contentType, contentDisposition] = ['text/plain; charset=utf-8', `attachment; filename*=UTF-8''%C3%A9`];
    for (const method of ['GET', 'HEAD'] as const) {
      const url = await storage.signedUrl(key, { expiresIn: 60_000, method, contentType, contentDisposition });
      const response = await fetch(url, { method });
      assert.equal(response.status, 200, `${method} was answered with ${response.status}`);
      assert.equal(response.headers.get('content-type'), contentType);
      assert.equal(response.headers.get('content-disposition'), contentDisposition);
      assert.equal(response.headers.get('content-length'), '1000');
      if (method === 'GET') assertBytes(Buffer.from(await response.arrayBuffer()), bytes);
    }
    const url = await storage.signedUrl(key, { expiresIn: 60_000, method: 'GET' });
    const part = await fetch(url, { headers: { range: 'bytes=10-109' } });
    assert.equal(part.status, 206, `a range was answered with ${part.status}`);
    assertBytes(Buffer.from(await part.arrayBuffer()), bytes.subarray(10, 110));
  },

  'returns a signedUrl that does not work for another object, nor after it has expired': async (storage) => {
    if (!storage.signedUrl) return;
    const key = freshKey('name-one');
    for (const each of [key, key.replace('one', 'two')]) await storage.write(each, chunked(someBytes(10)));
    const [short, lasting] = await Promise.all(
      [1_000, 60_000].map((expiresIn) => storage.signedUrl!(key, { expiresIn, method: 'GET' })),
    );
    assert.equal(await statusOf(lasting!), 200);
    for (const changed of [lasting!.replace('name-one', 'name-two'), lasting!.replace(/[?#].*/, '')]) {
      if (changed !== lasting) assert.ok((await statusOf(changed)) >= 400, 'a URL works that was not signed');
    }
    const until = Date.now() + 15_000;
    while ((await statusOf(short!)) < 400) {
      assert.ok(Date.now() < until, 'the URL works long after it has expired');
      await delay(200);
    }
    assert.equal(await statusOf(lasting!), 200, 'the URL expires too early');
  },

  'takes a local file by moving it, or returns undefined and leaves it unread at its path': async (storage) => {
    await withFile(storage, async (file, bytes) => {
      const key = freshKey();
      const info = await storage.take!(key, file);
      assert.equal(file.measured, info ? 1 : 0, `the file was measured ${file.measured} times`);
      if (!info) return assertBytes(await readFile(file.path), bytes);
      assert.equal(info.size, bytes.byteLength);
      assertBytes(await readAll(storage, key), bytes);
      await assert.rejects(access(file.path), { code: 'ENOENT' }, 'the file is still at its path');
    });
  },

  'shows no object of a taken file before it is measured, and keeps nothing if it is refused': async (storage) => {
    await withFile(storage, async (file) => {
      const key = freshKey();
      const measure = async () => {
        await assertAbsent(storage, key);
        throw new Error('the file is refused');
      };
      const taken = await storage.take!(key, { ...file, measure }).catch(() => undefined);
      assert.equal(taken, undefined, 'the file was kept');
      await assertAbsent(storage, key);
    });
  },

  'rejects with aborted when the signal aborts while it takes a file, and keeps nothing': async (storage) => {
    for (const failure of [undefined, new Error('the source was aborted')]) {
      await withFile(storage, async (file) => {
        const [key, controller] = [freshKey(), new AbortController()];
        const measure = async () => {
          controller.abort();
          if (failure) throw failure;
        };
        const take = storage.take!(key, { ...file, measure }, { signal: controller.signal });
        if ((await take.catch(() => null)) !== undefined) await rejectsWith('aborted', take);
        await assertAbsent(storage, key);
      });
    }
  },

  'rejects a taken key with already_exists when it takes a file, and keeps the old bytes': async (storage) => {
    await withFile(storage, async (file) => {
      const [key, old] = [freshKey(), someBytes(10)];
      await storage.write(key, chunked(old));
      const take = storage.take!(key, file);
      if ((await take.catch(() => null)) !== undefined) await rejectsWith('already_exists', take);
      assertBytes(await readAll(storage, key), old);
    });
  },
};

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

interface LocalFile extends TakenFile {
  readonly measured: number;
}

/** Gives a storage that can take files a file in the folder beside its root. */
async function withFile(storage: Storage, work: (file: LocalFile, bytes: Buffer) => Promise<void>): Promise<void> {
  if (!storage.take) return;
  const beside = storage.root === undefined ? tmpdir() : path.dirname(storage.root);
  await mkdir(beside, { recursive: true });
  const folder = await mkdtemp(path.join(beside, 'take-'));
  const [place, bytes] = [path.join(folder, 'file'), someBytes(100_000)];
  try {
    await writeFile(place, bytes);
    const { ino } = await stat(place);
    let measured = 0;
    const file: LocalFile = {
      path: place,
      isAt: async (other) => (await stat(other)).ino === ino,
      measure: async () => void (measured += 1),
      get measured() {
        return measured;
      },
    };
    await work(file, bytes);
  } finally {
    await rm(folder, { recursive: true });
  }
}
