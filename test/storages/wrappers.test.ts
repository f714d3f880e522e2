import { promises as fsp } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileFieldError, type Storage } from 'filefield';
import { CachedStorage } from 'filefield/storages/cached';
import { MemoryStorage } from 'filefield/storages/memory';
import { MirroredStorage } from 'filefield/storages/mirrored';
import { PrefixedStorage } from 'filefield/storages/prefixed';

async function* body(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(storage: Storage, key: string): Promise<string> {
  const opened = await storage.read(key);
  const chunks: Buffer[] = [];
  for await (const chunk of opened.stream()) chunks.push(Buffer.from(chunk));
  opened.close();
  return Buffer.concat(chunks).toString();
}

describe('CachedStorage', () => {
  const base = fsp.mkdtemp(path.join(tmpdir(), 'cached-markers-'));
  afterAll(async () => fsp.rm(await base, { recursive: true, force: true }));

  it.each([false, true])(
    'never returns an old marker of the ledger, which another database may have written anew; below a prefix: %s',
    async (below) => {
      const root = path.join(await base, String(below));
      const origin = new MemoryStorage();
      const cached = new CachedStorage({ storage: origin, root, maxSize: '10 MB' });
      const storage = below ? new PrefixedStorage({ storage: cached, prefix: 'app' }) : cached;
      const other = below ? new PrefixedStorage({ storage: origin, prefix: 'app' }) : origin;
      const key = 'filefield-fence/k3v9x0q2m7ab/0-documents';
      await storage.write(key, body('ours'));
      expect(await textOf(storage, key)).toBe('ours');
      // Another process has a cache of its own.
      await other.delete(key);
      await other.write(key, body('theirs'));
      expect(await textOf(storage, key)).toBe('theirs');
    },
  );
});

describe('MirroredStorage', () => {
  it('ends the body of a storage that hears no signal when another one fails', async () => {
    const memory = new MemoryStorage();
    const members = {
      read: memory.read.bind(memory),
      stat: memory.stat.bind(memory),
      delete: memory.delete.bind(memory),
    };
    const deaf: Storage = { ...members, write: (key, bytes) => memory.write(key, bytes) };
    const full: Storage = {
      ...members,
      write: async (_key, bytes) => {
        for await (const chunk of bytes) {
          if (chunk.byteLength > 0) throw new FileFieldError('no_space', 'The disk is full.');
        }
        return { size: 0 };
      },
    };
    for (const storage of [new MirroredStorage([full, deaf]), new MirroredStorage([deaf, full])]) {
      await expect(storage.write('a', body('one', 'two', 'three'))).rejects.toMatchObject({ code: 'no_space' });
      expect(memory.keys).toEqual([]);
    }
  });
});
