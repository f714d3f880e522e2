import { jest } from '@jest/globals';
import type { IncomingMessage, RequestListener } from 'node:http';
import { FileFieldError, downloadView, virtualFile, type DownloadHandler, type DownloadViewOptions } from 'filefield';
import { askServer, head, serve, talk, until, type RunningServer } from '../adapters/server.js';

import { parseMultipart } from '../support/parse-multipart.js';

/** A framework with a view mounted, behind a middleware that has set the headers `x-before` and `cache-control`. */
export interface AdapterMember {
  /** Makes the server's listener. `onError` is told what the framework's own error handling was given. */
  mount(handler: DownloadHandler<IncomingMessage>, onError: (error: unknown) => void): RequestListener;
}

const content = '0123456789A';
const etag = '"v1"';
const modified = new Date('2024-05-06T07:08:09.987Z');
const secret = '/srv/vault/2026/11/ab/secret';

/** What every adapter must do, over real sockets. */
export function adapterContract(name: string, member: AdapterMember): void {
  describe(`${name} keeps the adapter contract`, () => {
    let running: RunningServer | undefined;
    let errors: unknown[] = [];
    let silent: jest.SpiedFunction<typeof console.error>;

    beforeEach(() => {
      errors = [];
      silent = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    });
    afterEach(async () => {
      await running?.close();
      running = undefined;
      silent.mockRestore();
    });

    async function mount(handler: DownloadHandler<IncomingMessage>) {
      running = await serve(member.mount(handler, (error) => errors.push(error)));
      return running.port;
    }
    const view = (options: DownloadViewOptions<IncomingMessage, string> = {}) =>
      downloadView<IncomingMessage, string>(
        async () => ({
          subject: 'it',
          file: () => virtualFile({ name: 'plans.txt', content, etag, modified }),
        }),
        options,
      );

    it('sends the whole file with its head', async () => {
      const reply = await askServer(await mount(view()));
      expect([reply.status, reply.body.toString()]).toEqual([200, content]);
      expect(reply.headers).toMatchObject({
        'content-length': '11',
        'content-type': 'text/plain; charset=utf-8',
        'content-disposition': 'attachment; filename=plans.txt',
        'cache-control': 'private, no-cache',
        'x-content-type-options': 'nosniff',
        'accept-ranges': 'bytes',
        'last-modified': 'Mon, 06 May 2024 07:08:09 GMT',
        etag,
      });
    });

    it('sends a range', async () => {
      const reply = await askServer(await mount(view()), { headers: { range: 'bytes=2-4' } });
      expect([reply.status, reply.body.toString()]).toEqual([206, '234']);
      expect(reply.headers).toMatchObject({ 'content-length': '3', 'content-range': 'bytes 2-4/11', etag });
    });

    it('answers HEAD with the head of GET and no body', async () => {
      const port = await mount(view());
      const [get, got] = [await askServer(port), await askServer(port, { method: 'HEAD' })];
      expect({ ...got.headers, date: '' }).toEqual({ ...get.headers, date: '' });
      expect([got.status, got.body.byteLength]).toEqual([200, 0]);
    });

    it('answers 304 to a client that has it, 412 and 416 to one that asks too much', async () => {
      const port = await mount(view());
      const fresh = await askServer(port, { headers: { 'if-none-match': etag } });
      expect([fresh.status, fresh.body.byteLength, fresh.headers.etag]).toEqual([304, 0, etag]);
      expect(fresh.headers['content-type']).toBeUndefined();
      expect((await askServer(port, { headers: { 'if-match': '"other"' } })).status).toBe(412);
      const beyond = await askServer(port, { headers: { range: 'bytes=11-' } });
      expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */11']);
    });

    it('keeps headers that middleware set, and its own where both did', async () => {
      const port = await mount(view());
      const asked: Record<string, string>[] = [{}, { range: 'bytes=0-0' }, { 'if-none-match': etag }];
      for (const headers of asked) {
        const reply = await askServer(port, { headers });
        expect(reply.headers['x-before']).toBe('kept');
        expect(reply.headers['cache-control']).toBe('private, no-cache');
        expect(reply.rawHeaders.filter((header) => header.toLowerCase() === 'cache-control')).toHaveLength(1);
      }
    });

    it('answers 404 where there is nothing, and tells nothing', async () => {
      const reply = await askServer(await mount(downloadView(async () => null)));
      expect(reply.status).toBe(404);
      expect(reply.headers.etag ?? reply.headers['content-disposition']).toBeUndefined();
      expect(errors).toMatchObject([{ status: 404, message: 'Not Found' }]);
    });

    it('sends several ranges, each once, with a length that is exact', async () => {
      const port = await mount(
        downloadView(async () => ({
          subject: 0,
          file: () => virtualFile({ name: 'big.bin', content: Buffer.alloc(300_000, 'abc'), etag }),
        })),
      );
      const reply = await askServer(port, { headers: { range: 'bytes=0-2,100000-299999' } });
      expect([reply.status, reply.headers['content-range'], reply.headers.etag]).toEqual([206, undefined, etag]);
      expect(reply.headers['content-length']).toBe(String(reply.body.byteLength));
      const parts = parseMultipart(reply.headers['content-type']!, reply.body);
      expect(parts.map(({ bytes }) => bytes.byteLength)).toEqual([3, 200_000]);
    });

    it('tells OPTIONS what is allowed, before anything is asked', async () => {
      const asked = jest.fn<() => never>();
      const reply = await askServer(await mount(async () => asked()), { method: 'OPTIONS' });
      expect([reply.status, reply.headers.allow, reply.body.byteLength]).toEqual([204, 'GET, HEAD, OPTIONS', 0]);
      expect(asked).not.toHaveBeenCalled();
    });

    it('tells the hooks of a view of start and end, once', async () => {
      const told: unknown[] = [];
      const tell = (name: string) => (_request: unknown, _subject: unknown, progress: unknown) =>
        told.push([name, progress]);
      const hooks = { onStart: tell('start'), onComplete: tell('complete'), onAbort: tell('abort') };
      await askServer(await mount(view(hooks)));
      await until(() => told.length >= 2, 'both were told');
      expect(told).toEqual([
        ['start', { status: 200, bytes: 0 }],
        ['complete', { status: 200, bytes: 11 }],
      ]);
    });

    it('answers 405 with Allow to other methods, before anything is asked, and stays in step', async () => {
      const asked = jest.fn<() => never>();
      const port = await mount(async () => asked());
      const reply = await askServer(port, { method: 'POST', body: 'x' });
      expect([reply.status, reply.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
      expect(asked).not.toHaveBeenCalled();
      // A body that nobody reads must not be taken for the next request.
      const body = 'GET /smuggled HTTP/1.1\r\n\r\n'.repeat(20_000);
      const client = await talk(
        port,
        head('POST', '/', { 'content-length': String(body.length) }) +
          body +
          head('DELETE', '/', { connection: 'close' }),
      );
      await client.closed;
      expect(
        client
          .received()
          .toString()
          .match(/HTTP\/1\.1 \d+/g),
      ).toEqual(['HTTP/1.1 405', 'HTTP/1.1 405']);
    });

    it('hides what authorize refuses, or forbids it, and reveals nothing of it', async () => {
      const file = jest.fn(() => virtualFile({ name: 'plans.txt', content, etag }));
      const handler = (onDenied: 404 | 403) =>
        downloadView(async () => ({ subject: 'it', file }), { authorize: async () => false, onDenied });
      const nothing = await askServer(await mount(downloadView(async () => null)));
      await running!.close();
      const hidden = await askServer(await mount(handler(404)), { headers: { 'if-none-match': '*' } });
      expect(hidden.status).toBe(404);
      expect({ ...hidden.headers, date: '' }).toEqual({ ...nothing.headers, date: '' });
      expect(hidden.body).toEqual(nothing.body);
      await running!.close();
      const forbidden = await askServer(await mount(handler(403)), { headers: { range: 'bytes=0-1' } });
      expect(forbidden.status).toBe(403);
      expect(forbidden.headers.etag ?? forbidden.headers['content-disposition']).toBeUndefined();
      expect(file).not.toHaveBeenCalled();
    });

    it.each(['not_found', 'missing', 'storage_failed', 'busy'] as const)(
      'turns %s of a storage into its status before anything is sent, and shows neither path, key nor stack',
      async (code) => {
        const cause = new FileFieldError(code, `Cannot read ${secret}`, { key: secret, cause: new Error(secret) });
        const file = { name: 'x.txt', size: 1_000_000, etag, open: () => Promise.reject(cause) };
        const reply = await askServer(await mount(downloadView(async () => ({ subject: 0, file: () => file }))));
        expect(reply.status).toBe({ not_found: 404, missing: 404, storage_failed: 500, busy: 503 }[code]);
        expect(reply.body.toString()).not.toMatch(/secret|vault|at .*\.[jt]s|Cannot/);
        const { etag: tag, 'content-disposition': disposition } = reply.headers;
        expect([tag, disposition, reply.headers['accept-ranges']]).toEqual([undefined, undefined, undefined]);
        expect(errors).toMatchObject([{ status: reply.status, cause: { code } }]);
      },
    );

    it('turns the failure of a first chunk into a clean 500, and serves on', async () => {
      const file = () =>
        virtualFile({
          name: 'x.txt',
          size: 1_000_000,
          content: async function* () {
            await Promise.reject(new Error(secret));
            yield '';
          },
        });
      const port = await mount(downloadView(async () => ({ subject: 0, file })));
      const reply = await askServer(port);
      expect([reply.status, reply.body.includes('secret')]).toEqual([500, false]);
      expect((await askServer(port, { method: 'HEAD' })).status).toBe(200);
    });

    it('turns what a program throws into 500 without its words', async () => {
      const port = await mount(() => Promise.reject(new Error(secret)));
      const reply = await askServer(port);
      expect([reply.status, reply.body.includes('secret')]).toEqual([500, false]);
      expect(errors).toMatchObject([{ status: 500, message: 'Internal Server Error' }]);
    });

    it('answers 500 without the head of the file when an option makes a header that cannot be sent', async () => {
      const reply = await askServer(await mount(view({ cacheControl: 'private\r\nx-injected: yes' })));
      expect(reply.status).toBe(500);
      expect(reply.headers).not.toHaveProperty('x-injected');
      expect(reply.headers['content-disposition'] ?? reply.headers.etag).toBeUndefined();
    });

    it('breaks the connection when a file breaks off, and never tells the framework to answer again', async () => {
      const content = async function* () {
        yield 'x'.repeat(100_000);
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw new Error(secret);
      };
      const file = () => virtualFile({ name: 'x.bin', size: 1_000_000, content });
      const port = await mount(downloadView(async () => ({ subject: 0, file })));
      await expect(askServer(port)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
      await until(() => silent.mock.calls.length > 0, 'the failure was reported');
      expect(errors).toEqual([]);
    });
  });
}
