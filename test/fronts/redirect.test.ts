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
  readonly requests: UrlOptions[] = [];
  async signedUrl(key: string, options: UrlOptions) {
    this.requests.push(options);
    return `https://bucket.example/${key}?signature=x`;
  }
}

async function stored<Kind extends MemoryStorage>(storage: Kind) {
  await storage.write('a.html', Readable.from(['0123456789']));
  return { storage, file: storageFile(storage, 'a.html') };
}

describe('redirect', () => {
  it('redirects to a URL with the name and type of the view, and does not send these headers itself', async () => {
    const { storage, file } = await stored(new PresigningStorage());
    const { status, open, headers } = await ask(redirect(), file, {
      headers: { range: 'bytes=0-1', 'if-none-match': '*' },
    });
    expect({ status, open }).toEqual({ status: 302, open: null });
    expect(headers).toEqual({
      location: 'https://bucket.example/a.html?signature=x',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(storage.requests).toEqual([
      {
        method: 'GET',
        expiresIn: 300_000,
        contentType: 'text/html; charset=utf-8',
        contentDisposition: 'attachment; filename=a.html',
      },
    ]);
  });

  it('streams a download that is resumed, since a bucket may ignore If-Range', async () => {
    const { file } = await stored(new PresigningStorage());
    const tagged = { ...file, load: undefined, size: 10, etag: '"v1"' };
    const resumed = (tag: string) =>
      ask(redirect(), tagged, { headers: { range: 'bytes=4-', 'if-range': tag } }).then(({ status }) => status);
    expect([await resumed('"v1"'), await resumed('"v0"')]).toEqual([206, 200]);
    const whole = await ask(redirect(), tagged, { headers: { 'if-range': '"v0"' } });
    expect(whole.status).toBe(302);
  });

  it('requests a URL that is signed for HEAD when the request is HEAD', async () => {
    const { storage, file } = await stored(new PresigningStorage());
    const answer = await ask(redirect({ status: 307, expiresIn: '10s' }), file, { method: 'HEAD' });
    expect(answer.status).toBe(307);
    expect(storage.requests).toMatchObject([{ method: 'HEAD', expiresIn: 10_000 }]);
  });

  it('requests a URL that expires no later than the signed URL of the request', async () => {
    const { storage, file } = await stored(new PresigningStorage());
    const signer = createSigner({ keys: [{ id: '1', secret: 'x'.repeat(32) }] });
    const view = downloadView(async () => ({ subject: 0, file: () => file }), {
      signature: { signer },
      delivery: redirect({ expiresIn: '1h' }),
    });
    const url = signer.sign('/a', { expiresIn: '30s' });
    const response = await view({ method: 'GET', url, headers: {}, params: {}, raw: null });
    expect(response.status).toBe(302);
    expect(storage.requests[0]!.expiresIn).toBeGreaterThan(28_000);
    expect(storage.requests[0]!.expiresIn).toBeLessThanOrEqual(31_000);
  });

  it('redirects to the permanent URL of a public object', async () => {
    const { file } = await stored(
      Object.assign(new MemoryStorage(), { url: (key: string) => `https://cdn.example/${key}` }),
    );
    expect((await ask(redirect(), file)).headers.location).toBe('https://cdn.example/a.html');
  });

  it('streams a file that is smaller than minSize', async () => {
    const { storage, file } = await stored(new PresigningStorage());
    const answer = await ask(redirect({ minSize: '11 B', explain: true }), { ...file, size: 10 });
    expect(answer.headers['x-filefield-delivery']).toBe('streamed; reason=small');
    expect(storage.requests).toEqual([]);
    answer.close();
  });

  it('streams a file without a URL, with the reason no_url', async () => {
    const { file } = await stored(new MemoryStorage());
    const answer = await ask(redirect({ explain: true }), file);
    expect(answer).toMatchObject({ status: 200, headers: { 'x-filefield-delivery': 'streamed; reason=no_url' } });
    answer.close();
  });

  it.each([
    '//evil.example/x',
    '/x',
    'javascript:alert(1)',
    'https://x.example/a b',
    'https://x/\r\nSet-Cookie: a=1',
    'https://é.example/',
  ])('rejects with storage_failed when the storage returns the URL %j', async (url) => {
    const file: FileSource = { name: 'x', url: async () => url, open: () => Promise.reject(new Error('opened')) };
    await expect(ask(redirect(), file)).rejects.toMatchObject({ code: 'storage_failed' });
  });

  it.each([{ expiresIn: 0 }, { minSize: -1 }, { status: 303 as 302 }])('throws invalid_option for %j', (options) => {
    expect(() => redirect(options)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  });

  it('closes the file and rejects when the storage cannot sign', async () => {
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

  it('calls onStart with delegated, and no other hook', async () => {
    const calls: unknown[] = [];
    const { file } = await stored(new PresigningStorage());
    const record = (...event: unknown[]) => calls.push(event[2]);
    const hooks = { onStart: record, onComplete: record, onAbort: record };
    const view = downloadView(async () => ({ subject: 0, file: () => file }), { delivery: redirect(), ...hooks });
    const request = { method: 'GET', headers: {}, params: {}, raw: null };
    const answer = await respond(request, await view(request));
    answer.hooks?.start?.({ status: answer.status, bytes: 0 });
    answer.hooks?.complete?.({ status: answer.status, bytes: 0 });
    expect(calls).toEqual([{ status: 302, bytes: 0, delegated: true }]);
  });
});
