import {
  createSigner,
  downloadView,
  FileFieldError,
  redirect,
  respond,
  storageFile,
  type FileSource,
  type UrlOptions,
} from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { Readable } from 'node:stream';
import { ask } from './support.js';

class PresigningStorage extends MemoryStorage {
  readonly asked: UrlOptions[] = [];
  async signedUrl(key: string, options: UrlOptions) {
    this.asked.push(options);
    return `https://bucket.example/${key}?signature=x`;
  }
}

async function stored<Kept extends MemoryStorage>(storage: Kept) {
  await storage.write('a.html', Readable.from(['0123456789']));
  return { storage, file: storageFile(storage, 'a.html') };
}

describe('redirect', () => {
  it('sends the client to a URL that says name and type, and says nothing of them itself', async () => {
    const { storage, file } = await stored(new PresigningStorage());
    const answer = await ask(redirect(), file, { headers: { range: 'bytes=0-1', 'if-none-match': '*' } });
    expect([answer.status, answer.open]).toEqual([302, null]);
    expect(answer.headers).toEqual({
      location: 'https://bucket.example/a.html?signature=x',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(storage.asked).toEqual([
      {
        method: 'GET',
        expiresIn: 300_000,
        contentType: 'text/html; charset=utf-8',
        contentDisposition: 'attachment; filename=a.html',
      },
    ]);
  });

  it('asks for a URL for HEAD where that was asked, since a signature is good for one method', async () => {
    const { storage, file } = await stored(new PresigningStorage());
    const answer = await ask(redirect({ status: 307, expiresIn: '10s' }), file, { method: 'HEAD' });
    expect(answer.status).toBe(307);
    expect(storage.asked).toMatchObject([{ method: 'HEAD', expiresIn: 10_000 }]);
  });

  it('never hands out a URL that is good for longer than the one by which the client came', async () => {
    const { storage, file } = await stored(new PresigningStorage());
    const signer = createSigner({ keys: [{ id: '1', secret: 'x'.repeat(32) }] });
    const view = downloadView(async () => ({ subject: 0, file: () => file }), {
      signature: { signer },
      delivery: redirect({ expiresIn: '1h' }),
    });
    const url = signer.sign('/a', { expiresIn: '30s' });
    const response = await view({ method: 'GET', url, headers: {}, params: {}, raw: null });
    expect(response.status).toBe(302);
    expect(storage.asked[0]!.expiresIn).toBeGreaterThan(28_000);
    expect(storage.asked[0]!.expiresIn).toBeLessThanOrEqual(31_000);
  });

  it('takes the lasting URL of a public object', async () => {
    const { file } = await stored(
      Object.assign(new MemoryStorage(), { url: (key: string) => `https://cdn.example/${key}` }),
    );
    expect((await ask(redirect(), file)).headers.location).toBe('https://cdn.example/a.html');
  });

  it('streams what is smaller than it is told to redirect to', async () => {
    const { storage, file } = await stored(new PresigningStorage());
    const answer = await ask(redirect({ minSize: 11, explain: true }), { ...file, size: 10 });
    expect(answer.headers['x-filefield-delivery']).toBe('streamed; reason=small');
    expect(storage.asked).toEqual([]);
    answer.close();
  });

  it('streams what has no URL, and says so', async () => {
    const { file } = await stored(new MemoryStorage());
    const answer = await ask(redirect({ explain: true }), file);
    expect([answer.status, answer.headers['x-filefield-delivery']]).toEqual([200, 'streamed; reason=no_url']);
    answer.close();
  });

  it.each([
    '//evil.example/x',
    '/x',
    'javascript:alert(1)',
    'https://x.example/a b',
    'https://x/\r\nSet-Cookie: a=1',
    'https://é.example/',
  ])('refuses to send a client to %j', async (url) => {
    const file: FileSource = { name: 'x', url: async () => url, open: () => Promise.reject(new Error('opened')) };
    await expect(ask(redirect(), file)).rejects.toMatchObject({ code: 'storage_failed' });
  });

  it('closes the file when its storage cannot sign, which is an error of the storage', async () => {
    let closed = 0;
    const file: FileSource = {
      name: 'x',
      url: () => Promise.reject(new FileFieldError('storage_failed', 'no keys')),
      open: () => Promise.reject(new Error('opened')),
      close: () => void (closed += 1),
    };
    await expect(ask(redirect(), file)).rejects.toMatchObject({ code: 'storage_failed' });
    expect(closed).toBe(1);
  });

  it('tells the hook of a download that begins, and of nothing that it cannot know', async () => {
    const told: unknown[] = [];
    const { file } = await stored(new PresigningStorage());
    const tell = (...event: unknown[]) => told.push(event[2]);
    const hooks = { onStart: tell, onComplete: tell, onAbort: tell };
    const view = downloadView(async () => ({ subject: 0, file: () => file }), { delivery: redirect(), ...hooks });
    const request = { method: 'GET', headers: {}, params: {}, raw: null };
    const answer = await respond(request, await view(request));
    answer.hooks?.start?.({ status: answer.status, bytes: 0 });
    answer.hooks?.complete?.({ status: answer.status, bytes: 0 });
    expect(told).toEqual([{ status: 302, bytes: 0, delegated: true }]);
  });
});
