import { Readable } from 'node:stream';
import { storageView, type ByteRange, type Storage } from 'filefield';
import { expectDownload, runView, temporaryStorage, type TemporaryStorage } from 'filefield/testing';
import { MemoryStorage } from 'filefield/storages/memory';

const content = '0123456789A';
let disk: TemporaryStorage;

beforeAll(async () => {
  disk = await temporaryStorage();
  await disk.write('exports/2026/a.tar.gz', Readable.from([Buffer.from(content)]));
  await disk.write('private/b.txt', Readable.from([Buffer.from('SECRET')]));
});
afterAll(() => disk.remove());

/** Like a cloud storage: without random access, with a strong tag. */
function remote() {
  const calls: string[] = [];
  const memory = new MemoryStorage();
  let tag = 'v1';
  const vouched = async (key: string, range?: ByteRange) => {
    calls.push(`read ${range ? `${range.start}-${range.end}` : 'all'}`);
    const { info, stream, close } = await memory.read(key, range);
    return { info: { ...info, etag: tag }, stream, close };
  };
  const storage: Storage = {
    write: (key, body) => memory.write(key, body),
    delete: (key) => memory.delete(key),
    read: vouched,
    async stat(key) {
      calls.push('stat');
      const info = await memory.stat(key);
      return info && { ...info, etag: tag };
    },
  };
  return { storage, calls, change: () => (tag = 'v2') };
}

describe('storageView', () => {
  it('serves an object with the type of its name and no Content-Encoding', async () => {
    const view = storageView(disk, { name: (_request, params) => params.name, prefix: 'exports/' });
    const result = await runView(view, { params: { name: '2026/a.tar.gz' } });
    await expectDownload(result, {
      text: content,
      name: 'a.tar.gz',
      type: 'application/gzip',
      headers: { 'content-encoding': null, etag: /^W\// },
    });
    await expectDownload(await runView(view, { params: { name: ['2026', 'a.tar.gz'] } }), { text: content });
    expect((await runView(view, { params: { name: ['2026/a.tar.gz'] } })).status).toBe(404);
  });

  it.each([
    '',
    '../private/b.txt',
    '2026',
    '2026/',
    '/2026/a.tar.gz',
    'nope',
    '.filefield',
    'a\u0000',
    'a\\b',
    '..',
    '2026/a.tar.gz/x',
    'x'.repeat(600),
  ])('answers 404 to %j', async (name) => {
    const result = await runView(storageView(disk, { name, prefix: 'exports/' }));
    expect({ status: result.status, leaked: result.body.includes('SECRET') }).toEqual({ status: 404, leaked: false });
  });

  it('answers 404 without a name', async () => {
    expect((await runView(storageView(disk, { name: () => undefined }))).status).toBe(404);
  });

  it('chooses the storage by the request, after authorize', async () => {
    const { storage, calls } = remote();
    await storage.write('a.txt', Readable.from([Buffer.from(content)]));
    const view = storageView<boolean>((inside) => (inside ? storage : disk), {
      name: 'a.txt',
      authorize: (inside, key) => inside && key === 'a.txt',
    });
    expect((await runView(view, { raw: false })).status).toBe(404);
    expect(calls).toEqual([]);
    await expectDownload(await runView(view, { raw: true }), { text: content });
  });

  it('calls a remote storage once for the object, its metadata or a range', async () => {
    const { storage, calls } = remote();
    await storage.write('a.txt', Readable.from([Buffer.from(content)]));
    const view = storageView(storage, { name: 'a.txt' });
    const callsFor = async (headers: Record<string, string>, method = 'GET') => {
      calls.length = 0;
      const { status } = await runView(view, { headers, method });
      return [status, ...calls];
    };
    expect(await callsFor({})).toEqual([200, 'read all']);
    expect(await callsFor({}, 'HEAD')).toEqual([200, 'stat']);
    expect(await callsFor({ range: 'bytes=0-3' })).toEqual([206, 'stat', 'read 0-3']);
    expect(await callsFor({ range: 'bytes=99-' })).toEqual([416, 'stat']);
    expect(await callsFor({ 'if-none-match': '"v1"' }, 'HEAD')).toEqual([304, 'stat']);
    expect((await runView(view)).headers.etag).toBe('"v1"');
  });

  it('fails when the object changes between stat and read', async () => {
    const { storage, change } = remote();
    await storage.write('a.txt', Readable.from([Buffer.from(content)]));
    const { stat } = storage;
    const changing = { ...storage, stat: async (key: string) => stat(key).finally(change) };
    const result = await runView(storageView(changing, { name: 'a.txt' }), { headers: { range: 'bytes=0-3' } });
    expect({ status: result.status, bytes: result.body.byteLength }).toEqual({ status: 500, bytes: 0 });
  });
});
