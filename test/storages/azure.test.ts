import { createHash } from 'node:crypto';
import { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import { FileFieldError, type FileBody, type UrlOptions } from 'filefield';
import { storageContract } from 'filefield/testing';
import { AzureBlobStorage, type AzureBlobStorageOptions } from 'filefield/storages/azure';
import { azurite, Azurite, haveAzurite } from '../support/azurite.js';
import { HttpProxy } from '../support/http-proxy.js';

const MiB = 2 ** 20;

(haveAzurite() ? describe : describe.skip)('AzureBlobStorage on Azurite', () => {
  const server = new Azurite();
  const proxy = new HttpProxy(() => server.port);
  let proxyPort: number;
  let container: ContainerClient;
  /** The requests that were sent since the test began. */
  let sent: string[];
  beforeAll(async () => {
    await server.start();
    proxyPort = await proxy.start();
    container = server.service().getContainerClient('documents');
    await container.create();
  });
  afterAll(async () => {
    await proxy.stop();
    server.stop();
  });
  beforeEach(() => (sent = []));

  const make = (options: Partial<AzureBlobStorageOptions> = {}) =>
    new AzureBlobStorage({ container, prefix: 'a/b', ...options });
  /** A storage with small blocks; each request is noted, and `before` is called before the server gets it. */
  const watched = (before: (request: string, count: number) => void = () => undefined) => {
    proxy.fault = ({ method, url }) => {
      const comp = url.searchParams.get('comp');
      const name = comp ? `${method} ${comp}` : method;
      sent.push(name);
      before(name, sent.filter((other) => other === name).length);
      return undefined;
    };
    const client = server.service({ port: proxyPort }).getContainerClient('documents');
    return new AzureBlobStorage({ container: client, prefix: 'blocks', blockSize: MiB });
  };

  describe('keeps the contract', () => {
    for (const claim of storageContract(() => make())) it(claim.title, claim.run);
  });

  describe('keeps the contract with objects in blocks', () => {
    for (const claim of storageContract(() => make({ blockSize: MiB }), { large: '4 MiB' })) it(claim.title, claim.run);
  });

  /** Bytes whose chunks differ, and do not divide a block. */
  async function* body(size: number, failAt = Infinity) {
    const chunk = Buffer.alloc(99_991);
    for (let position = 0; position < size; position += chunk.byteLength) {
      if (position >= failAt) throw new RangeError('the source failed');
      yield chunk.fill(position % 251).subarray(0, Math.min(chunk.byteLength, size - position));
    }
  }
  async function digest(chunks: AsyncIterable<Uint8Array>): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of chunks) hash.update(chunk);
    return hash.digest('hex');
  }
  async function textOf(one: FileBody): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of one.stream()) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString();
  }

  it('keeps more than three blocks of a body of unknown length, and what stat says is what write said', async () => {
    const storage = watched();
    const size = 3 * MiB + 123_456;
    const info = await storage.write('large', body(size), { type: 'video/mp4' });
    expect(sent).toEqual(['PUT block', 'PUT block', 'PUT block', 'PUT block', 'PUT blocklist']);
    expect(info).toEqual(await storage.stat('large'));
    expect(info.size).toBe(size);
    expect(await digest((await storage.read('large')).stream())).toBe(await digest(body(size)));
  });

  it.each([
    [0, ['PUT']],
    [MiB, ['PUT']],
    [MiB + 1, ['PUT block', 'PUT block', 'PUT blocklist']],
  ])('sends %d bytes by %j', async (size, requests) => {
    await watched().write(`boundary-${size}`, body(size));
    expect(sent).toEqual(requests);
  });

  it('keeps type, disposition and cache control as headers, and the access tier', async () => {
    const storage = make({ cacheControl: 'private, immutable', accessTier: 'Cool', blockSize: MiB });
    const given = { type: 'text/plain', disposition: `attachment; filename="x.txt"` };
    for (const [key, size] of [
      ['headers', 10],
      ['headers-in-blocks', MiB + 1],
    ] as const) {
      await storage.write(key, body(size), given);
      expect(await container.getBlobClient(`a/b/${key}`).getProperties()).toMatchObject({
        contentType: given.type,
        contentDisposition: given.disposition,
        cacheControl: 'private, immutable',
        accessTier: 'Cool',
      });
    }
  });

  const phases: [string, number][] = [
    ['PUT', 1],
    ['PUT block', 1],
    ['PUT block', 2],
    ['PUT blocklist', 1],
  ];
  it.each(phases)('leaves no object when it is aborted at %s %d', async (request, count) => {
    for (const delay of [undefined, 1]) {
      const controller = new AbortController();
      sent = [];
      proxy.requests.length = 0;
      const storage = watched((name, times) => {
        if (name !== request || times !== count) return;
        if (delay === undefined) controller.abort();
        else setTimeout(() => controller.abort(), delay);
      });
      const size = request === 'PUT' ? 1000 : MiB + 1;
      const write = storage.write('aborted', body(size), { signal: controller.signal });
      await expect(write).rejects.toMatchObject({ code: 'aborted' });
      // Not the object of somebody else, who may have been faster.
      expect(proxy.requests.some(({ method, headers }) => method === 'DELETE' && !headers['if-match'])).toBe(false);
      expect(await storage.stat('aborted')).toBeNull();
      expect(await storage.write('aborted', body(3))).toMatchObject({ size: 3 });
      await storage.delete('aborted');
    }
  });

  it('leaves no object when it is aborted at any chunk of its body', async () => {
    const storage = watched();
    for (let at = 0; at < 24; at += 1) {
      const controller = new AbortController();
      async function* aborting() {
        let index = 0;
        for await (const chunk of body(2 * MiB + 1)) {
          if (index === at) controller.abort();
          index += 1;
          yield chunk;
        }
        if (at >= index) controller.abort();
      }
      const write = storage.write('chunks', aborting(), { signal: controller.signal });
      await expect(write).rejects.toMatchObject({ code: 'aborted' });
      expect(await storage.stat('chunks')).toBeNull();
    }
  });

  it('rejects with the error of a source that fails in the last block, and leaves no object', async () => {
    const failing = watched().write('failing', body(3 * MiB, 2.5 * MiB));
    await expect(failing).rejects.toMatchObject({ code: 'storage_failed', cause: new RangeError('the source failed') });
    async function* refused() {
      yield* body(MiB + 1);
      throw new FileFieldError('too_large', 'The file is too large.');
    }
    await expect(watched().write('failing', refused())).rejects.toMatchObject({ code: 'too_large' });
    expect(await watched().stat('failing')).toBeNull();
  });

  it('rejects with the first error when a block fails, although the body stalls', async () => {
    const storage = watched();
    proxy.fault = (_request, response) => {
      response.writeHead(403, { 'x-ms-error-code': 'AuthorizationPermissionMismatch' }).end();
      return 'done';
    };
    async function* stalling() {
      yield* body(MiB + 1);
      await new Promise(() => undefined);
    }
    const failed = { code: 'storage_failed', message: expect.stringContaining('Contributor') as string };
    await expect(storage.write('refused', stalling())).rejects.toMatchObject(failed);
  });

  it('lets one of two writes in blocks of one key succeed; the other finds the key taken', async () => {
    const storage = watched();
    async function* racing() {
      yield* body(2 * MiB);
      await storage.write('raced', body(2 * MiB + 5));
      yield* body(10);
    }
    await expect(storage.write('raced', racing())).rejects.toMatchObject({ code: 'already_exists' });
    expect((await storage.stat('raced'))?.size).toBe(2 * MiB + 5);
    const sizes = Array.from({ length: 5 }, (_size, index) => MiB + 1 + index);
    const settled = await Promise.allSettled(sizes.map((size) => storage.write('contended', body(size))));
    const won = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.size] : []));
    expect(won).toEqual([(await storage.stat('contended'))?.size]);
    for (const one of settled)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'already_exists' });
  });

  it('refuses bytes that are not those of their checksum', async () => {
    const blob = container.getBlockBlobClient('a/b/damaged');
    const wrong = { transactionalContentMD5: Buffer.alloc(16) };
    await expect(blob.stageBlock('AAAA', Buffer.from('x'), 1, wrong)).rejects.toMatchObject({ statusCode: 400 });
    const headers = { blobHTTPHeaders: { blobContentMD5: Buffer.alloc(16) } };
    await expect(blob.upload(Buffer.from('x'), 1, headers)).rejects.toMatchObject({ statusCode: 400 });
  });

  it("lists other programs' objects below the prefix only, in order, over more than one page", async () => {
    const folder = make({ prefix: 'list' });
    const names = ['a', 'a-b', 'a/b', 'b', 'é', '\uFF5E', '😀'].sort();
    for (const name of names) await folder.write(name, body(1));
    await make({ prefix: 'list-not' }).write('c', body(1));
    for (const after of ['', ...names, 'a.', '\uFF5E!']) {
      const listed = [];
      for await (const { key, modified } of folder.list({ after })) {
        listed.push(key);
        expect(Math.abs(modified!.getTime() - Date.now())).toBeLessThan(600_000);
      }
      expect({ after, listed }).toEqual({ after, listed: names.filter((key) => key > after) });
    }
  });

  it('reads one body twice, of one version: a replaced object fails instead', async () => {
    const storage = make();
    const text = async function* (value: string) {
      yield Buffer.from(value);
    };
    await storage.write('version', text('ABCDE'));
    const one = await storage.read('version', { start: 1, end: 3 });
    expect([await textOf(one), await textOf(one)]).toEqual(['BCD', 'BCD']);
    await storage.delete('version');
    await storage.write('version', text('VWXYZ'));
    await expect(textOf(one)).rejects.toMatchObject({ message: expect.stringContaining('replaced') as string });
    one.close();
    await expect(storage.read('version', { start: 3, end: 9 })).rejects.toMatchObject({ code: 'incomplete' });
    await expect(storage.read('version', { start: 5, end: 9 })).rejects.toMatchObject({ code: 'incomplete' });
  });

  it.each(['../outside', '/etc/passwd', 'a//b', '', '.', 'a\0b'])('refuses the key %j in every method', async (key) => {
    const invalid = { code: 'invalid_key' };
    const storage = make();
    await expect(storage.write(key, body(1))).rejects.toMatchObject(invalid);
    await expect(storage.read(key)).rejects.toMatchObject(invalid);
    await expect(storage.stat(key)).rejects.toMatchObject(invalid);
    await expect(storage.delete(key)).rejects.toMatchObject(invalid);
    await expect(storage.signedUrl(key, { method: 'GET', expiresIn: 1 })).rejects.toMatchObject(invalid);
  });

  it('has public URLs only with the option publicUrl, of the encoded key below the prefix', () => {
    expect(make().url).toBeUndefined();
    const { url } = make({ prefix: 'a b', publicUrl: 'https://files.example/x/' });
    expect(url!('c d/é#?%')).toBe('https://files.example/x/a%20b/c%20d/%C3%A9%23%3F%25');
    expect(() => url!('../x')).toThrow(expect.objectContaining({ code: 'invalid_key' }) as Error);
  });

  it.each([
    ['no container', { container: undefined as never }],
    ['a prefix with an empty part', { prefix: 'a//b' }],
    ['a prefix that leaves the container', { prefix: '../b' }],
    ['a long prefix', { prefix: Array(4).fill('x'.repeat(130)).join('/') }],
    ['a small block', { blockSize: '1 KiB' as const }],
    ['no block at once', { concurrency: 0 }],
    ['a public URL without a protocol', { publicUrl: 'files.example' }],
  ])('refuses %s', (_what, options) => {
    expect(() => make(options)).toThrow(expect.objectContaining({ code: 'invalid_option' }) as Error);
  });

  describe('signedUrl', () => {
    const base: UrlOptions = { method: 'GET', expiresIn: 60_000 };

    it.each(['plain.txt', 'a b', '100%', 'a%2Fb', 'what?', 'a#b', 'a+b&c=d;e', `"it's" (1)!*`, 'é 日本 🎉/deep/er'])(
      'returns a URL of %j with the type and disposition that were asked for',
      async (name) => {
        const storage = make();
        await storage.write(`signed/${name}`, body(1000), { type: 'text/html' });
        const contentDisposition = `attachment; filename="a_.txt"; filename*=UTF-8''a%C3%A9.txt`;
        const given = { contentType: 'text/plain; charset=utf-8', contentDisposition };
        for (const method of ['GET', 'HEAD'] as const) {
          const got = await fetch(await storage.signedUrl(`signed/${name}`, { ...base, ...given, method }), { method });
          expect([got.status, got.headers.get('content-length')]).toEqual([200, '1000']);
          expect(got.headers.get('content-type')).toBe(given.contentType);
          expect(got.headers.get('content-disposition')).toBe(contentDisposition);
          await got.arrayBuffer();
        }
      },
    );

    it('allows neither a write nor another object, and ends with the second that was asked for', async () => {
      const storage = make();
      await storage.write('signed/once', body(10));
      const url = await storage.signedUrl('signed/once', { ...base, expiresIn: 1_999 });
      const write = await fetch(url, { method: 'PUT', body: 'x', headers: { 'x-ms-blob-type': 'BlockBlob' } });
      expect(write.status).toBe(403);
      expect((await fetch(url.replace('once', 'other'))).status).toBe(403);
      expect(Date.parse(new URL(url).searchParams.get('se')!)).toBeLessThanOrEqual(Date.now() + 1_999);
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect((await fetch(url)).status).toBe(403);
    });

    it('never signs for more than six days', async () => {
      const url = await make().signedUrl('signed/long', { ...base, expiresIn: 1e10 });
      const end = Date.parse(new URL(url).searchParams.get('se')!);
      expect(end).toBeLessThanOrEqual(Date.now() + 6 * 24 * 3_600_000);
    });

    it('says what to do when the client has neither an account key nor Entra ID', async () => {
      const anonymous = new ContainerClient(`http://127.0.0.1:${server.port}/${azurite.account}/documents?sv=x&sig=y`);
      await expect(make({ container: anonymous }).signedUrl('a', base)).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining('account key') as string,
      });
    });
  });

  describe('a wrong configuration', () => {
    const failed = (text: string) => ({ code: 'storage_failed', message: expect.stringContaining(text) as string });

    it('of the container is told from a missing object, in every method', async () => {
      const other = make({ container: server.service().getContainerClient('no-such-container') });
      const expected = failed('no such container');
      await expect(other.write('a/secret', body(1))).rejects.toMatchObject(expected);
      await expect(other.write('a/secret', body(5 * MiB))).rejects.toMatchObject(expected);
      await expect(other.read('a/secret')).rejects.toMatchObject(expected);
      await expect(other.stat('a/secret')).rejects.toMatchObject(expected);
      await expect(other.delete('a/secret')).rejects.toMatchObject(expected);
      await expect(other.list().next()).rejects.toMatchObject(expected);
    });

    it('of the key says what to check', async () => {
      const other = make({ container: server.service({ key: 'AAAA' }).getContainerClient('documents') });
      await expect(other.stat('a/secret')).rejects.toMatchObject(failed('account key'));
      await expect(other.write('a/secret', body(1))).rejects.toMatchObject(failed('account key'));
    });

    it('of the endpoint is unavailable, and says that no answer came', async () => {
      const service = BlobServiceClient.fromConnectionString(
        `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=AAAA;BlobEndpoint=http://127.0.0.1:1/a`,
        { retryOptions: { maxTries: 1 } },
      );
      const other = make({ container: service.getContainerClient('documents') });
      const calls = [
        () => other.stat('a/secret'),
        () => other.write('a/secret', body(1)),
        () => other.read('a/secret'),
      ];
      for (const call of calls) {
        await expect(call()).rejects.toMatchObject({
          code: 'unavailable',
          message: expect.stringMatching(/^((?!secret|127).)*endpoint((?!secret|127).)*$/) as string,
        });
      }
    });
  });
});
