import type { TokenCredential } from '@azure/core-auth';
import type { ContainerClient } from '@azure/storage-blob';
import { BlobServiceClient } from '@azure/storage-blob';
import { isFileFieldError, type FileBody, type FileFieldError } from 'filefield';
import { AzureBlobStorage } from 'filefield/storages/azure';
import { Azurite, haveAzurite } from '../support/azurite.js';
import { HttpProxy, type ProxyFault } from '../support/http-proxy.js';

const MiB = 2 ** 20;
const pattern = Buffer.from(
  Uint8Array.from({ length: 1_000_000 }, (_byte, index) => (index * 31 + (index >> 8)) % 251),
);

async function* bytes(size: number, fill = 7) {
  for (let left = size; left > 0; left -= 65_536) yield Buffer.alloc(Math.min(65_536, left), fill);
}

async function collected(body: FileBody): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.stream()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function failureOf(work: Promise<unknown>): Promise<FileFieldError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!isFileFieldError(error)) throw new Error(`not a FileFieldError: ${String(error)}`);
  return error;
}

/** Answers as Azure does when it refuses a request. */
const refuse =
  (status: number, code: string, times = Infinity): ProxyFault =>
  (_request, response) => {
    times -= 1;
    if (times < 0) return undefined;
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>about secret-key</Message></Error>`;
    response.writeHead(status, { 'content-type': 'application/xml', 'x-ms-error-code': code }).end(body);
    return 'done';
  };

(haveAzurite() ? describe : describe.skip)('AzureBlobStorage behind a faulty network', () => {
  const server = new Azurite();
  const proxy = new HttpProxy(() => server.port);
  let container: ContainerClient;
  let storage: AzureBlobStorage;
  beforeAll(async () => {
    await server.start();
    const port = await proxy.start();
    container = server.service({ port }).getContainerClient('documents');
    storage = new AzureBlobStorage({ container, blockSize: MiB });
    await container.create();
    await storage.write('pattern', bytesOf(pattern));
  });
  afterAll(async () => {
    await proxy.stop();
    server.stop();
  });
  beforeEach(() => {
    proxy.fault = () => undefined;
    proxy.requests.length = 0;
  });
  async function* bytesOf(buffer: Buffer) {
    yield buffer;
  }
  const noSockets = async () => {
    for (let wait = 0; wait < 100 && proxy.sockets.size > 0; wait += 1)
      await new Promise((done) => setTimeout(done, 20));
    return proxy.sockets.size;
  };
  /** Ends each of the next answers to GET after so many bytes. */
  const cut = (after: number, times: number): ProxyFault => {
    return async ({ method }, response, forward) => {
      if (method !== 'GET' || times === 0) return undefined;
      times -= 1;
      const answer = await forward();
      response.writeHead(answer.statusCode!, answer.headers);
      let left = after;
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        response.write(chunk.subarray(0, left));
        left -= chunk.byteLength;
        if (left <= 0) break;
      }
      setTimeout(() => response.destroy(), 30);
      return 'done';
    };
  };

  it.each([
    [403, 'AuthenticationFailed', 'storage_failed', 'account key'],
    [401, 'InvalidAuthenticationInfo', 'storage_failed', 'has expired'],
    [403, 'AuthorizationPermissionMismatch', 'storage_failed', 'Storage Blob Data Contributor'],
    [403, 'AuthorizationFailure', 'storage_failed', 'firewall'],
    [404, 'ContainerNotFound', 'storage_failed', 'no such container'],
    [404, 'SomethingElseNotFound', 'storage_failed', '(SomethingElseNotFound, 404)'],
    [404, 'BlobNotFound', 'not_found', 'no such object'],
    [416, 'InvalidRange', 'incomplete', 'ends before'],
    [507, 'InsufficientStorage', 'no_space', 'quota'],
    [400, 'Md5Mismatch', 'storage_failed', 'other bytes'],
    [409, 'BlobArchived', 'storage_failed', 'rehydrate'],
    [403, 'KeyVaultEncryptionKeyNotFound', 'storage_failed', 'encryptionScope'],
    [429, 'TooManyRequests', 'unavailable', 'try again later'],
    [503, 'ServerBusy', 'unavailable', 'try again later'],
    [500, 'InternalError', 'unavailable', 'try again later'],
    [502, 'x', 'unavailable', 'try again later'],
    [418, 'NewError', 'storage_failed', '(NewError, 418)'],
  ])('%d %s is %s and says what to do, without key or address', async (status, code, category, text) => {
    proxy.fault = refuse(status, code);
    const read = await failureOf(storage.read('secret-key', { start: 0, end: 9 }));
    expect(read).toMatchObject({ code: category, context: { key: 'secret-key' } });
    expect(read.message).toContain(text);
    const write = await failureOf(storage.write('secret-key', bytes(10)));
    const blocks = await failureOf(storage.write('secret-key', bytes(2 * MiB)));
    for (const { message } of [read, write, blocks]) expect(message).not.toMatch(/secret-key|127|http/);
    if (category !== 'not_found') expect([write.code, blocks.code]).toEqual([category, category]);
    if (category === 'not_found') expect(await storage.stat('secret-key')).toBeNull();
  });

  it('succeeds after two answers 503, and a failing delete or listing says what to do', async () => {
    const twice = refuse(503, 'ServerBusy', 2);
    // A request of an earlier write may still arrive.
    proxy.fault = (request, ...rest) => (request.url.pathname.endsWith('/busy') ? twice(request, ...rest) : undefined);
    expect(await storage.write('busy', bytes(10))).toMatchObject({ size: 10 });
    expect(proxy.requests.filter(({ url }) => url.pathname.endsWith('/busy'))).toHaveLength(3);
    proxy.fault = refuse(503, 'ServerBusy');
    for (const call of [() => storage.delete('busy'), () => storage.list().next(), () => storage.stat('busy')]) {
      expect(await failureOf(call())).toMatchObject({ code: 'unavailable' });
    }
  });

  it.each([10, 2 * MiB])('recognises its own object of %d bytes when an answer is lost', async (size) => {
    let lost = 0;
    proxy.fault = async ({ method, url }, response, forward) => {
      if (method !== 'PUT' || url.searchParams.get('comp') === 'block' || (lost += 1) > 1) return undefined;
      (await forward()).resume();
      response.destroy();
      return 'done';
    };
    const info = await storage.write(`again-${size}`, bytes(size));
    expect(lost).toBe(2);
    expect(info).toEqual(await storage.stat(`again-${size}`));
    expect(await failureOf(storage.write(`again-${size}`, bytes(size)))).toMatchObject({ code: 'already_exists' });
  });

  it.each([10, 2 * MiB])('keeps nothing of %d bytes that arrive damaged', async (size) => {
    proxy.fault = ({ method, url, body }) => {
      if (method === 'PUT' && url.searchParams.get('comp') !== 'blocklist') body[0] = 8;
      return undefined;
    };
    const damaged = await failureOf(storage.write(`damaged-${size}`, bytes(size)));
    // Azurite does not say why.
    expect(damaged).toMatchObject({
      code: 'storage_failed',
      cause: expect.objectContaining({ statusCode: 400 }) as Error,
    });
    expect(await storage.stat(`damaged-${size}`)).toBeNull();
  });

  it('removes an object of which the service says that it has another MD5', async () => {
    proxy.fault = async ({ method }, response, forward) => {
      if (method !== 'PUT') return undefined;
      const answer = await forward();
      const headers = { ...answer.headers, 'content-md5': Buffer.alloc(16).toString('base64') };
      answer.pipe(response.writeHead(answer.statusCode!, headers));
      return 'done';
    };
    const error = await failureOf(storage.write('other-md5', bytes(10)));
    expect(error).toMatchObject({ code: 'storage_failed', message: expect.stringContaining('other bytes') as string });
    expect(await storage.stat('other-md5')).toBeNull();
  });

  it.each([undefined, { start: 100, end: 899_999 }])(
    'goes on at the missing byte when the connection breaks, in the range %j',
    async (range) => {
      proxy.fault = cut(200_000, 4);
      const body = await storage.read('pattern', range);
      const expected = range ? pattern.subarray(range.start, range.end + 1) : pattern;
      expect((await collected(body)).equals(expected)).toBe(true);
      const gets = proxy.requests.filter(({ method }) => method === 'GET');
      expect(gets.length).toBe(5);
      expect(gets.slice(1).every(({ headers }) => headers['if-match'])).toBe(true);
    },
  );

  it('never ends early: it fails when the connection breaks again and again without a byte', async () => {
    const body = await storage.read('pattern');
    proxy.fault = cut(0, Infinity);
    body.close();
    const other = storage.read('pattern').then(collected);
    expect(await failureOf(other)).toMatchObject({ code: 'unavailable' });
    expect(await noSockets()).toBe(0);
  });

  it('does not go on with an object that was replaced', async () => {
    await storage.write('replaced', bytesOf(pattern));
    proxy.fault = cut(100_000, 1);
    const body = await storage.read('replaced');
    await storage.delete('replaced');
    await storage.write('replaced', bytesOf(Buffer.alloc(1_000_000)));
    expect((await failureOf(collected(body))).message).toContain('replaced');
  });

  it('frees the socket of a reader that stops, is closed, is closed unread, or waits for a stalled answer', async () => {
    await storage.write('sockets', bytes(8 * MiB));
    for (let time = 0; time < 30; time += 1) {
      const left = await storage.read('sockets');
      if (time % 3 === 0) for await (const chunk of left.stream()) if (chunk.byteLength > 0) break;
      if (time % 3 !== 0) left.close();
    }
    const half = await storage.read('sockets');
    const chunks = half.stream()[Symbol.asyncIterator]();
    await chunks.next();
    half.close();
    const rest = (async () => {
      while (!(await chunks.next()).done);
    })();
    expect(await failureOf(rest)).toMatchObject({ code: 'aborted' });
    expect(await failureOf(collected(half))).toMatchObject({ code: 'aborted' });
    // The second request is never answered.
    let gets = 0;
    const cutOnce = cut(100_000, 1);
    proxy.fault = (request, ...rest) => ((gets += 1) > 1 ? new Promise(() => undefined) : cutOnce(request, ...rest));
    const stalled = await storage.read('sockets');
    const reading = failureOf(collected(stalled));
    while (gets < 2) await new Promise((done) => setTimeout(done, 10));
    stalled.close();
    expect(await reading).toMatchObject({ code: 'aborted' });
    expect(await noSockets()).toBe(0);
  });

  it('ends a write at once when it is aborted while the service does not answer, and frees its sockets', async () => {
    for (const size of [10, 3 * MiB]) {
      const controller = new AbortController();
      let asked = 0;
      proxy.fault = () => {
        asked += 1;
        return new Promise(() => undefined);
      };
      const write = failureOf(storage.write('stalled', bytes(size), { signal: controller.signal }));
      while (asked === 0) await new Promise((done) => setTimeout(done, 5));
      controller.abort();
      expect(await write).toMatchObject({ code: 'aborted' });
      proxy.fault = () => undefined;
      expect(await noSockets()).toBe(0);
    }
  });

  it('asks for no more bytes of a body than two blocks that are sent and one that is filled', async () => {
    let asked = 0;
    proxy.fault = () => {
      asked += 1;
      return new Promise(() => undefined);
    };
    let taken = 0;
    async function* counted() {
      for await (const chunk of bytes(64 * MiB)) {
        yield chunk;
        taken += chunk.byteLength;
      }
    }
    const controller = new AbortController();
    const write = failureOf(storage.write('endless', counted(), { signal: controller.signal }));
    while (asked < 2) await new Promise((done) => setTimeout(done, 10));
    await new Promise((done) => setTimeout(done, 200));
    expect([asked, taken]).toEqual([2, 3 * MiB]);
    controller.abort();
    expect(await write).toMatchObject({ code: 'aborted' });
  });

  it('asks Entra ID once for the key of many URLs, and again after a failure', async () => {
    const credential: TokenCredential = {
      getToken: async () => ({ token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 }),
    };
    let asked: string[] = [];
    let refused = true;
    const value = Buffer.from('key of the user').toString('base64');
    const httpClient = {
      async sendRequest(request: { url: string; body?: unknown; headers: unknown }) {
        asked.push(request.url);
        if (refused) throw Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
        const expiry = /<Expiry>([^<]+)/.exec(String(request.body))?.[1] ?? '';
        const bodyAsText = `<?xml version="1.0"?><UserDelegationKey><SignedOid>o</SignedOid><SignedTid>t</SignedTid>
          <SignedStart>2026-01-01T00:00:00Z</SignedStart><SignedExpiry>${expiry}</SignedExpiry>
          <SignedService>b</SignedService><SignedVersion>2024-11-04</SignedVersion><Value>${value}</Value></UserDelegationKey>`;
        return {
          request,
          status: 200,
          headers: { toJson: () => ({ 'content-type': 'application/xml' }) },
          bodyAsText,
        };
      },
    };
    const service = new BlobServiceClient('https://account.blob.core.windows.net', credential, {
      httpClient: httpClient as never,
      retryOptions: { maxTries: 1 },
    });
    const entra = new AzureBlobStorage({ container: service.getContainerClient('documents') });
    const options = { method: 'GET', expiresIn: 60_000, contentType: 'text/plain' } as const;
    expect(await failureOf(entra.signedUrl('a b', options))).toMatchObject({ code: 'unavailable' });
    refused = false;
    asked = [];
    const urls = await Promise.all([1, 2, 3].map(() => entra.signedUrl('a b', options)));
    urls.push(await entra.signedUrl('a b', { ...options, expiresIn: 1e12 }));
    expect(asked).toHaveLength(1);
    expect(new URL(asked[0]!).pathname).toBe('/');
    for (const url of urls) {
      const { pathname, searchParams } = new URL(url);
      expect(pathname).toBe('/documents/a%20b');
      expect([searchParams.get('skoid'), searchParams.get('sp'), searchParams.get('rsct')]).toEqual([
        'o',
        'r',
        'text/plain',
      ]);
      expect(Date.parse(searchParams.get('se')!)).toBeLessThanOrEqual(Date.parse(searchParams.get('ske')!));
    }
  });

  it('refuses to list an account whose order is another', async () => {
    const names = ['a/b', 'a-b'];
    const listed = {
      url: container.url,
      getBlockBlobClient: () => undefined,
      async *listBlobsFlat() {
        for (const name of names) yield { name, properties: { lastModified: new Date() } };
      },
    };
    const other = new AzureBlobStorage({ container: listed as unknown as ContainerClient });
    const all = async () => {
      for await (const { key } of other.list()) expect(key).toBe('a/b');
    };
    expect(await failureOf(all())).toMatchObject({ code: 'unsupported' });
  });
});
