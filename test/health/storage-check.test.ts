import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkKey, FileFieldError, type Storage } from 'filefield';
import { deliveryCheck, storageCheck } from 'filefield/health';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { FailingStorage, temporaryStorage, type StorageOperation } from 'filefield/testing';
import { probeKey } from '../../src/file/key.js';
import { until } from '../adapters/server.js';
import { brokenLink } from './broken-link.js';

/** A storage with some methods replaced. */
const wrong = (inner: Storage, fault: Partial<Storage>): Storage => ({
  write: (...given) => inner.write(...given),
  read: (...given) => inner.read(...given),
  stat: (key) => inner.stat(key),
  delete: (key) => inner.delete(key),
  ...fault,
});

describe('storageCheck', () => {
  it('passes all links of a storage that works, and deletes the probe', async () => {
    await using storage = await temporaryStorage();
    const { ok, links } = await storageCheck(storage).run();
    expect(ok).toBe(true);
    expect(links.map(({ link }) => link)).toEqual(['write', 'stat', 'read', 'range', 'path', 'delete']);
    expect(readdirSync(storage.root)).toEqual([]);
  });

  it('leaves nothing behind in a root that is missing or empty, also if two checks run at once', async () => {
    await using base = await temporaryStorage();
    for (const root of ['empty', 'missing/below']) {
      if (root === 'empty') mkdirSync(path.join(base.root, root));
      const storage = new DiskStorage({ root: path.join(base.root, root), sync: false });
      const checks = [
        storageCheck(storage),
        storageCheck(storage),
        deliveryCheck({ storage, url: 'http://127.0.0.1:1' }),
      ];
      const results = await Promise.all(checks.map((check) => check.run()));
      expect(results.map(({ ok }) => ok)).toEqual([true, true, false]);
      expect((await storageCheck(storage).run()).ok).toBe(true);
    }
    expect(readdirSync(base.root, { recursive: true })).toEqual(['empty']);
  });

  it('leaves folders that were there, and those that are used meanwhile', async () => {
    await using base = await temporaryStorage();
    mkdirSync(path.join(base.root, 'old/filefield-probe'), { recursive: true });
    expect((await storageCheck(new DiskStorage({ root: path.join(base.root, 'old') })).run()).ok).toBe(true);
    expect(existsSync(path.join(base.root, 'old/filefield-probe'))).toBe(true);
    const storage = new DiskStorage({ root: path.join(base.root, 'new'), sync: false });
    const { read } = storage;
    storage.read = (...given) => (
      writeFileSync(path.join(storage.root, 'upload'), 'bytes'),
      read.apply(storage, given)
    );
    expect((await storageCheck(storage).run()).ok).toBe(true);
    expect(readdirSync(storage.root)).toEqual(['upload']);
  });

  it('skips the link path for a storage without localPath', async () => {
    const { ok, links, notChecked } = await storageCheck(new MemoryStorage()).run();
    expect({ ok, notChecked }).toEqual({ ok: true, notChecked: ['path: the storage has no folder on this machine'] });
    expect(links.map(({ link }) => link)).toEqual(['write', 'stat', 'read', 'range', 'delete']);
  });

  it('writes each probe under a new key that checkKey accepts', async () => {
    const keys: string[] = [];
    const memory = new MemoryStorage();
    const storage = wrong(memory, { write: (key, ...rest) => (keys.push(key), memory.write(key, ...rest)) });
    await Promise.all([storageCheck(storage).run(), storageCheck(storage).run()]);
    expect(keys.map((key) => checkKey(key)).every((key) => /^filefield-probe\/[0-9a-f]{32}@probe$/.test(key))).toBe(
      true,
    );
    expect(new Set(keys).size).toBe(2);
    expect(probeKey('0'.repeat(32))).toBe(`filefield-probe/${'0'.repeat(32)}@probe`);
  });

  it.each<[StorageOperation, string]>([
    ['write', 'write'],
    ['stat', 'stat'],
    ['read', 'read'],
    ['delete', 'delete'],
  ])('fails when %s does, at the link %s with its cause', async (operation, link) => {
    const storage = new FailingStorage(new MemoryStorage());
    const cause = new FileFieldError('storage_failed', 'No route to /srv/secret.');
    storage.fail(operation, { error: cause });
    const broken = await brokenLink(storageCheck(storage));
    expect(broken).toMatchObject({ link, error: { code: 'unhealthy', cause } });
    expect(broken.error?.message).not.toMatch(/secret/);
  });

  it('fails at read when the storage returns other bytes, or fewer', async () => {
    const memory = new MemoryStorage();
    const reading = (change: (chunk: Uint8Array) => Uint8Array) =>
      wrong(memory, {
        async read(...given) {
          const reader = await memory.read(...given);
          return {
            ...reader,
            async *stream() {
              for await (const chunk of reader.stream()) yield change(chunk);
            },
          };
        },
      });
    const flipped = reading((chunk) => Uint8Array.from(chunk, (byte, index) => (index === 9 ? byte ^ 1 : byte)));
    expect(await brokenLink(storageCheck(flipped))).toMatchObject({ link: 'read' });
    const shorter = reading((chunk) => chunk.subarray(1));
    expect(await brokenLink(storageCheck(shorter))).toMatchObject({ link: 'read' });
    const cut = reading((chunk) => chunk.subarray(0, -1));
    expect(await brokenLink(storageCheck(cut))).toMatchObject({
      link: 'read',
      error: { cause: { message: /307199/ } },
    });
    expect(memory.keys).toEqual([]);
  });

  it('fails at range when the storage ignores the range', async () => {
    const memory = new MemoryStorage();
    const storage = wrong(memory, { read: (key) => memory.read(key) });
    expect(await brokenLink(storageCheck(storage))).toMatchObject({ link: 'range' });
  });

  it('fails at stat when the storage returns a wrong size', async () => {
    const storage = wrong(new MemoryStorage(), { stat: async () => ({ size: 1 }) });
    expect(await brokenLink(storageCheck(storage))).toMatchObject({ link: 'stat' });
  });

  it('fails at path when localPath names another file', async () => {
    await using storage = await temporaryStorage();
    const elsewhere = wrong(storage, { localPath: (key) => path.join(storage.root, 'elsewhere', key) });
    expect(await brokenLink(storageCheck(elsewhere))).toMatchObject({ link: 'path' });
    const other = wrong(storage, { localPath: () => path.resolve('package.json') });
    expect(await brokenLink(storageCheck(other))).toMatchObject({ link: 'path' });
  });

  it('fails at delete when the object is still there', async () => {
    const storage = wrong(new MemoryStorage(), { delete: async () => undefined });
    expect(await brokenLink(storageCheck(storage))).toMatchObject({ link: 'delete' });
  });

  it.each<StorageOperation>(['stat', 'read'])('deletes the probe when %s fails', async (operation) => {
    const memory = new MemoryStorage();
    const storage = new FailingStorage(memory);
    storage.fail(operation);
    expect((await storageCheck(storage).run()).ok).toBe(false);
    expect(memory.keys).toEqual([]);
  });

  it('closes every body that it reads', async () => {
    const memory = new MemoryStorage();
    let open = 0;
    const storage = wrong(memory, {
      async read(...given) {
        open += 1;
        return { ...(await memory.read(...given)), close: () => void (open -= 1) };
      },
    });
    expect((await storageCheck(storage).run()).ok).toBe(true);
    expect(open).toBe(0);
  });

  it('fails at the link that hangs when it is aborted, and deletes the probe once the write has ended', async () => {
    const memory = new MemoryStorage();
    let finish: () => void = () => undefined;
    const storage = wrong(memory, {
      async write(key, body) {
        await new Promise<void>((resolve) => (finish = resolve));
        return memory.write(key, body); // ignores the signal
      },
    });
    const controller = new AbortController();
    const running = storageCheck(storage).run({ signal: controller.signal });
    controller.abort(new Error('too late'));
    const { ok, links, cleared } = await running;
    expect({ ok, links }).toMatchObject({ ok: false, links: [{ link: 'write', ok: false }] });
    finish();
    await cleared;
    await until(() => memory.keys.length === 0, 'the probe is deleted');
    expect(links[0]?.error?.cause).toMatchObject({ message: 'too late' });
  });

  it('passes its signal to write', async () => {
    const memory = new MemoryStorage();
    let seen: AbortSignal | undefined;
    const storage = wrong(memory, {
      write: (_key, _body, options) =>
        new Promise((_resolve, reject) => {
          seen = options?.signal;
          seen?.addEventListener('abort', () => reject(new FileFieldError('aborted', 'aborted')));
        }),
    });
    const controller = new AbortController();
    const running = storageCheck(storage).run({ signal: controller.signal });
    controller.abort();
    await (
      await running
    ).cleared;
    expect(seen?.aborted).toBe(true);
  });

  it('fails without a write when the signal has already aborted', async () => {
    const storage = new FailingStorage(new MemoryStorage());
    const { ok, cleared } = await storageCheck(storage).run({ signal: AbortSignal.abort() });
    await cleared;
    expect({ ok, writes: storage.calls.write }).toEqual({ ok: false, writes: 0 });
  });
});
