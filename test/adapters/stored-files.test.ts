import { jest } from '@jest/globals';
import { Readable } from 'node:stream';
import { downloadView, redirect, StorageRegistry, StoredFile, xAccelRedirect, type FileDescriptor } from 'filefield';
import { runView } from 'filefield/testing';
import { MemoryStorage } from 'filefield/storages/memory';
import { everyAdapter } from './every-adapter.js';
import { askServer, serve, type RunningServer } from './server.js';

const storage = new MemoryStorage();
const storages = new StorageRegistry({ documents: storage });
let current: StoredFile;

/** A stored file without a hash, as a direct upload leaves it. */
function fileOf(id: string, members: Partial<FileDescriptor> = {}): StoredFile {
  const base = { v: 1, id, storage: 'documents', key: id, name: 'a.txt', size: 5, type: 'text/plain' } as const;
  return StoredFile.of({ ...base, modified: '2026-11-22T07:08:09.000Z', ...members }, { storages });
}
const view = downloadView(async () => ({ subject: null, file: () => current }));

beforeAll(async () => {
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  for (const key of ['one', 'two'])
    await storage.write(key, Readable.from([Buffer.from(key === 'one' ? 'ONE__' : 'TWO__')]));
});

describe.each(Object.keys(everyAdapter))('a stored file without a hash, through %s', (name) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await serve(everyAdapter[name]!.mount(view));
  });
  afterAll(() => server.close());

  const ask = (headers: Record<string, string> = {}, method = 'GET') => askServer(server.port, { method, headers });

  it('has a strong tag of its own and no digest, and answers conditions', async () => {
    current = fileOf('one');
    const whole = await ask();
    expect(whole).toMatchObject({ status: 200, headers: { etag: '"one"', 'content-length': '5' } });
    expect(whole.headers['repr-digest']).toBeUndefined();
    expect(whole.body.toString()).toBe('ONE__');
    const etag = '"one"';
    expect((await ask({ 'if-none-match': etag })).status).toBe(304);
    expect((await ask({ 'if-match': etag })).status).toBe(200);
    const part = await ask({ range: 'bytes=0-1', 'if-range': etag });
    expect([part.status, part.body.toString()]).toEqual([206, 'ON']);
    // A row that got another file of the same size and time.
    current = fileOf('two');
    const replaced = await ask({ 'if-none-match': etag });
    expect([replaced.status, replaced.body.toString()]).toEqual([200, 'TWO__']);
    expect((await ask({ 'if-match': etag })).status).toBe(412);
    expect((await ask({ range: 'bytes=0-1', 'if-range': etag })).status).toBe(200);
  });

  it('answers 500 to every request for an encrypted file', async () => {
    current = fileOf('one', { encryption: { alg: 'aes-256-gcm' } });
    const replies = [await ask(), await ask({}, 'HEAD'), await ask({ 'if-none-match': '"one"' })];
    expect(replies.map(({ status }) => status)).toEqual([500, 500, 500]);
    expect(Buffer.concat(replies.map(({ body }) => body)).toString()).not.toContain('ONE__');
  });
});

describe('an encrypted file with a delivery', () => {
  it.each([
    ['xAccelRedirect', xAccelRedirect({ '/srv': '/_srv' })],
    ['redirect', redirect()],
  ])('is not given away by %s', async (_name, delivery) => {
    const disk = { localPath: (key: string) => `/srv/${key}`, url: (key: string) => `https://cdn/${key}` };
    const places = new StorageRegistry({ documents: Object.assign(Object.create(storage) as MemoryStorage, disk) });
    const { file } = { file: StoredFile.of(fileOf('one', { encryption: 1 }).toDescriptor(), { storages: places }) };
    const delivered = downloadView(async () => ({ subject: null, file: () => file }), { delivery });
    await expect(runView(delivered)).resolves.toMatchObject({ status: 500 });
  });
});
