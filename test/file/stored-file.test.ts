import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { instanceToInstance, instanceToPlain, plainToInstance } from 'class-transformer';
import { isStoredFile, StorageRegistry, StoredFile, type FileDescriptor } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';

const bytes = Buffer.from('hello');
const sha256 = createHash('sha256').update(bytes).digest('hex');

async function stored(members: Partial<FileDescriptor> = {}) {
  const memory = new MemoryStorage();
  const reads: string[] = [];
  await memory.write('a/b', Readable.from([bytes]));
  const storage = Object.assign(Object.create(memory) as MemoryStorage, {
    read: (key: string) => {
      reads.push(key);
      return memory.read(key);
    },
    localPath: (key: string) => `/var/${key}`,
    url: (key: string) => `https://cdn/${key}`,
  });
  const missing: unknown[] = [];
  const base = { v: 1, id: 'id-1', storage: 's', key: 'a/b', name: 'n.txt', size: 5, type: 'text/plain' } as const;
  const file = StoredFile.of(
    { ...base, modified: '2026-11-22T07:08:09.000Z', ...members },
    { storages: new StorageRegistry({ s: storage }), onMissing: (_descriptor, cause) => void missing.push(cause) },
  );
  return { file, reads, missing };
}

describe('StoredFile', () => {
  it('has a strong tag made of the hash, and of the id where there is no hash', async () => {
    expect((await stored({ sha256 })).file.etag).toBe(`"${sha256.slice(0, 32)}"`);
    const { file } = await stored({ id: 'b0a7f7a4-6d0e' });
    expect([file.sha256, file.etag]).toEqual([undefined, '"b0a7f7a4-6d0e"']);
    expect((await stored({ id: 'b0a7f7a46d0e' })).file.etag).not.toBe(file.etag);
  });

  it('has the facts of its descriptor, and undefined for those that are not known', async () => {
    const { file } = await stored({ crc32: '3610a686', width: 3, height: 4 });
    expect([file.crc32, file.width, file.height]).toEqual(['3610a686', 3, 4]);
    const { file: bare } = await stored();
    expect([bare.crc32, bare.width, bare.height, bare.load]).toEqual([undefined, undefined, undefined, undefined]);
    expect(JSON.parse(JSON.stringify(file))).toEqual({ name: 'n.txt', size: 5, type: 'text/plain' });
  });

  it('rejects with missing, and reports it, when the object has another size', async () => {
    const { file, missing } = await stored({ size: 6 });
    await expect(file.open()).rejects.toMatchObject({ code: 'missing' });
    expect(missing.map(String)).toEqual(['Error: expected 6 bytes, the storage has 5']);
  });

  it.each([[{ alg: 'aes' }], [null], [''], [false]])(
    'refuses to open a file with the encryption %j',
    async (encryption) => {
      const { file, reads } = await stored({ encryption });
      const work = [
        () => file.open(),
        () => file.open({ start: 0, end: 0 }),
        () => file.text(),
        () => file.stream().toArray(),
        () => file.webStream().getReader().read(),
        () => file.load!(),
        () => file.locate(),
        () => file.url({ expiresIn: 1000, method: 'GET' }),
      ];
      for (const one of work) await expect(one()).rejects.toMatchObject({ code: 'unsupported' });
      expect(file.localPath).toBeUndefined();
      expect(reads).toEqual([]);
      expect(file.toDescriptor().encryption).toEqual(encryption);
    },
  );

  it('has a path and a URL of its bytes where it is not encrypted', async () => {
    const { file } = await stored();
    expect(file.localPath).toBe('/var/a/b');
    expect(await file.url({ expiresIn: 1000, method: 'GET' })).toBe('https://cdn/a/b');
  });

  it('equals every reading of the same row, and no other file with the same bytes', async () => {
    const { file } = await stored({ sha256 });
    expect(file.equals((await stored({ sha256 })).file)).toBe(true);
    for (const other of [(await stored({ sha256, id: 'id-2' })).file, file.toDescriptor(), null, undefined]) {
      expect(file.equals(other)).toBe(false);
    }
  });

  it('has the same properties as its JSON for whatever copies properties', async () => {
    const { file } = await stored({ sha256 });
    const json = { name: 'n.txt', size: 5, type: 'text/plain' };
    expect([file.toJSON(), { ...file }, structuredClone(file), instanceToPlain(file)]).toEqual([
      json,
      json,
      json,
      json,
    ]);
    // The order of a comparison of json columns in TypeORM.
    const seen: string[] = [];
    for (const key in file) seen.push(key);
    expect(seen).toEqual(['name', 'size', 'type', 'id']);
  });

  it.each<[string, (file: StoredFile) => StoredFile]>([
    ['instanceToInstance', instanceToInstance],
    ['a deep clone', (file) => Object.assign(Object.create(StoredFile.prototype) as object, file) as StoredFile],
    ['plainToInstance', (file) => plainToInstance(StoredFile as never, file.toJSON())],
  ])('becomes a copy that has the JSON but no bytes, and says so, by %s', async (_how, copyOf) => {
    const copy = copyOf((await stored({ sha256 })).file);
    expect(JSON.parse(JSON.stringify(copy))).toEqual({ name: 'n.txt', size: 5, type: 'text/plain' });
    expect(isStoredFile(copy)).toBe(false);
    const refused = { code: 'invalid_value', message: expect.stringContaining('Use the file of the entity') as string };
    await expect(copy.bytes()).rejects.toMatchObject(refused);
    await expect(copy.stream().toArray()).rejects.toMatchObject(refused);
    for (const read of ['id', 'sha256', 'etag', 'modified', 'localPath', 'origin'] as const) {
      expect(() => copy[read]).toThrow(expect.objectContaining(refused) as Error);
    }
  });
});
