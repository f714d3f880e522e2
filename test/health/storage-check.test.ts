import { readdirSync } from 'node:fs';
import path from 'node:path';
import { checkKey, FileFieldError, type Storage } from 'filefield';
import { storageCheck } from 'filefield/health';
import { MemoryStorage } from 'filefield/storages/memory';
import { FailingStorage, temporaryStorage, type StorageOperation } from 'filefield/testing';
import { probeKey } from '../../src/file/key.js';
import { until } from '../adapters/server.js';
import { brokenLink } from './broken-link.js';

/** A storage that does one thing wrong. */
const wrong = (inner: Storage, fault: Partial<Storage>): Storage => ({
  write: (...given) => inner.write(...given),
  read: (...given) => inner.read(...given),
  stat: (key) => inner.stat(key),
  delete: (key) => inner.delete(key),
  ...fault,
});

describe('storageCheck', () => {
  it('walks along every link of a storage in order, and leaves nothing', async () => {
    await using storage = await temporaryStorage();
    const { ok, links } = await storageCheck(storage).run();
    expect([ok, links.map(({ link }) => link)]).toEqual([true, ['write', 'stat', 'read', 'range', 'path', 'delete']]);
    expect(readdirSync(path.join(storage.root, 'filefield-probe'))).toEqual([]);
  });

  it('looks for no path where the storage has none', async () => {
    const { ok, links } = await storageCheck(new MemoryStorage()).run();
    expect([ok, links.map(({ link }) => link)]).toEqual([true, ['write', 'stat', 'read', 'range', 'delete']]);
  });

  it('uses keys that every storage can keep, each only once', async () => {
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
  ])('says which link is broken where %s fails, and keeps the cause', async (operation, link) => {
    const storage = new FailingStorage(new MemoryStorage());
    const cause = new FileFieldError('storage_failed', 'No route to /srv/secret.');
    storage.fail(operation, { error: cause });
    const broken = await brokenLink(storageCheck(storage));
    expect(broken).toMatchObject({ link, error: { code: 'unhealthy', cause } });
    expect(broken.error?.message).not.toMatch(/secret/);
  });

  it('finds a storage that gives other bytes, or fewer', async () => {
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
    const flipped = reading((chunk) => Buffer.from(chunk).fill(0, 9, 10));
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

  it('finds a storage that knows no ranges', async () => {
    const memory = new MemoryStorage();
    const storage = wrong(memory, { read: (key) => memory.read(key) });
    expect(await brokenLink(storageCheck(storage))).toMatchObject({ link: 'range' });
  });

  it('finds a storage that tells a wrong size', async () => {
    const storage = wrong(new MemoryStorage(), { stat: async () => ({ size: 1 }) });
    expect(await brokenLink(storageCheck(storage))).toMatchObject({ link: 'stat' });
  });

  it('finds a local path that leads elsewhere', async () => {
    await using storage = await temporaryStorage();
    const elsewhere = wrong(storage, { localPath: (key) => path.join(storage.root, 'elsewhere', key) });
    expect(await brokenLink(storageCheck(elsewhere))).toMatchObject({ link: 'path' });
    const other = wrong(storage, { localPath: () => path.resolve('package.json') });
    expect(await brokenLink(storageCheck(other))).toMatchObject({ link: 'path' });
  });

  it('finds a delete that does nothing', async () => {
    const storage = wrong(new MemoryStorage(), { delete: async () => undefined });
    expect(await brokenLink(storageCheck(storage))).toMatchObject({ link: 'delete' });
  });

  it.each<StorageOperation>(['stat', 'read'])('leaves nothing behind when %s fails', async (operation) => {
    const memory = new MemoryStorage();
    const storage = new FailingStorage(memory);
    storage.fail(operation);
    expect((await storageCheck(storage).run()).ok).toBe(false);
    expect(memory.keys).toEqual([]);
  });

  it('closes what it reads', async () => {
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

  it('names the link that hangs when it is cut short, and clears up once that has come to an end', async () => {
    const memory = new MemoryStorage();
    let finish: () => void = () => undefined;
    const storage = wrong(memory, {
      async write(key, body) {
        await new Promise<void>((resolve) => (finish = resolve));
        return memory.write(key, body); // deaf to the signal
      },
    });
    const cut = new AbortController();
    const running = storageCheck(storage).run({ signal: cut.signal });
    cut.abort(new Error('10 s are over'));
    const { ok, links, cleared } = await running;
    expect([ok, links]).toMatchObject([false, [{ link: 'write', ok: false }]]);
    finish();
    await cleared;
    await until(() => memory.keys.length === 0, 'the probe is gone');
    expect(links[0]?.error?.cause).toMatchObject({ message: '10 s are over' });
  });

  it('gives a write up when it is cut short', async () => {
    const memory = new MemoryStorage();
    let seen: AbortSignal | undefined;
    const storage = wrong(memory, {
      write: (_key, _body, options) =>
        new Promise((_resolve, reject) => {
          seen = options?.signal;
          seen?.addEventListener('abort', () => reject(new FileFieldError('aborted', 'given up')));
        }),
    });
    const cut = new AbortController();
    const running = storageCheck(storage).run({ signal: cut.signal });
    cut.abort();
    await (
      await running
    ).cleared;
    expect(seen?.aborted).toBe(true);
  });

  it('fails at once, without a write, where there is no time at all', async () => {
    const storage = new FailingStorage(new MemoryStorage());
    const { ok, cleared } = await storageCheck(storage).run({ signal: AbortSignal.abort() });
    await cleared;
    expect([ok, storage.calls.write]).toEqual([false, 0]);
  });
});
