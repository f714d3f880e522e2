import { jest } from '@jest/globals';
import type { IncomingMessage, RequestListener } from 'node:http';
import { FileFieldError, downloadView, virtualFile, type DownloadHandler, type DownloadViewOptions } from 'filefield';
import { askServer, head, serve, talk, until, type RunningServer } from '../adapters/server.js';

import { parseMultipart } from '../support/parse-multipart.js';

/** A framework that serves a view, behind middleware that sets the headers `x-before` and `cache-control`. */
export interface AdapterMember {
  /** Makes the listener of a server. `onError` gets the errors that reach the framework's error handling. */
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
      expect({ status: reply.status, body: reply.body.toString() }).toEqual({ status: 200, body: content });
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
      expect({ status: reply.status, body: reply.body.toString() }).toEqual({ status: 206, body: '234' });
      expect(reply.headers).toMatchObject({ 'content-length': '3', 'content-range': 'bytes 2-4/11', etag });
    });

    it('answers HEAD with the head of GET and no body', async () => {
      const port = await mount(view());
      const [get, got] = [await askServer(port), await askServer(port, { method: 'HEAD' })];
      expect({ ...got.headers, date: '' }).toEqual({ ...get.headers, date: '' });
      expect({ status: got.status, bytes: got.body.byteLength }).toEqual({ status: 200, bytes: 0 });
    });

    it('answers 304, 412 and 416', async () => {
      const port = await mount(view());
      const fresh = await askServer(port, { headers: { 'if-none-match': etag } });
      expect({ status: fresh.status, bytes: fresh.body.byteLength, etag: fresh.headers.etag }).toEqual({
        status: 304,
        bytes: 0,
        etag,
      });
      expect(fresh.headers['content-type']).toBeUndefined();
      expect((await askServer(port, { headers: { 'if-match': '"other"' } })).status).toBe(412);
      const beyond = await askServer(port, { headers: { range: 'bytes=11-' } });
      expect({ status: beyond.status, 'content-range': beyond.headers['content-range'] }).toEqual({
        status: 416,
        'content-range': 'bytes */11',
      });
    });

    it('keeps headers of middleware, except those that the view sets', async () => {
      const port = await mount(view());
      const requestHeaders: Record<string, string>[] = [{}, { range: 'bytes=0-0' }, { 'if-none-match': etag }];
      for (const headers of requestHeaders) {
        const reply = await askServer(port, { headers });
        expect(reply.headers['x-before']).toBe('kept');
        expect(reply.headers['cache-control']).toBe('private, no-cache');
        expect(reply.rawHeaders.filter((header) => header.toLowerCase() === 'cache-control')).toHaveLength(1);
      }
    });

    it('answers 404 without details when there is no file', async () => {
      const reply = await askServer(await mount(downloadView(async () => null)));
      expect(reply.status).toBe(404);
      expect(reply.headers.etag ?? reply.headers['content-disposition']).toBeUndefined();
      expect(errors).toMatchObject([{ status: 404, message: 'Not Found' }]);
    });

    it('sends several ranges with an exact Content-Length', async () => {
      const port = await mount(
        downloadView(async () => ({
          subject: 0,
          file: () => virtualFile({ name: 'big.bin', content: Buffer.alloc(300_000, 'abc'), etag }),
        })),
      );
      const reply = await askServer(port, { headers: { range: 'bytes=0-2,100000-299999' } });
      expect({
        status: reply.status,
        'content-range': reply.headers['content-range'],
        etag: reply.headers.etag,
      }).toEqual({ status: 206, 'content-range': undefined, etag });
      expect(reply.headers['content-length']).toBe(String(reply.body.byteLength));
      const parts = parseMultipart(reply.headers['content-type']!, reply.body);
      expect(parts.map(({ bytes }) => bytes.byteLength)).toEqual([3, 200_000]);
    });

    it('answers OPTIONS with Allow before the view runs', async () => {
      const run = jest.fn<() => never>();
      const reply = await askServer(await mount(async () => run()), { method: 'OPTIONS' });
      expect({ status: reply.status, allow: reply.headers.allow, bytes: reply.body.byteLength }).toEqual({
        status: 204,
        allow: 'GET, HEAD, OPTIONS',
        bytes: 0,
      });
      expect(run).not.toHaveBeenCalled();
    });

    it('calls the hooks of a view once at the start and once at the end', async () => {
      const calls: unknown[] = [];
      const note = (name: string) => (_request: unknown, _subject: unknown, progress: unknown) =>
        calls.push([name, progress]);
      const hooks = { onStart: note('start'), onComplete: note('complete'), onAbort: note('abort') };
      await askServer(await mount(view(hooks)));
      await until(() => calls.length >= 2, 'both hooks were called');
      expect(calls).toEqual([
        ['start', { status: 200, bytes: 0 }],
        ['complete', { status: 200, bytes: 11 }],
      ]);
    });

    it('answers 405 with Allow to other methods before the view runs, and keeps the connection usable', async () => {
      const run = jest.fn<() => never>();
      const port = await mount(async () => run());
      const reply = await askServer(port, { method: 'POST', body: 'x' });
      expect({ status: reply.status, allow: reply.headers.allow }).toEqual({
        status: 405,
        allow: 'GET, HEAD, OPTIONS',
      });
      expect(run).not.toHaveBeenCalled();
      // A request body that is not read must not be parsed as the next request.
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

    it('answers 404 or 403 when authorize refuses, without details of the file', async () => {
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

    it.each(['not_found', 'missing', 'storage_failed', 'busy', 'unavailable'] as const)(
      'answers %s of a storage with its status, without path, key or stack',
      async (code) => {
        const cause = new FileFieldError(code, `Cannot read ${secret}`, { key: secret, cause: new Error(secret) });
        const file = { name: 'x.txt', size: 1_000_000, etag, open: () => Promise.reject(cause) };
        const reply = await askServer(await mount(downloadView(async () => ({ subject: 0, file: () => file }))));
        const statuses = { not_found: 404, missing: 404, storage_failed: 500, busy: 503, unavailable: 503 };
        expect(reply.status).toBe(statuses[code]);
        expect(reply.headers['retry-after']).toBe(reply.status === 503 ? '10' : undefined);
        expect(reply.body.toString()).not.toMatch(/secret|vault|at .*\.[jt]s|Cannot/);
        const { etag: tag, 'content-disposition': disposition } = reply.headers;
        expect({ etag: tag, disposition, 'accept-ranges': reply.headers['accept-ranges'] }).toEqual({
          etag: undefined,
          disposition: undefined,
          'accept-ranges': undefined,
        });
        expect(errors).toMatchObject([{ status: reply.status, cause: { code } }]);
      },
    );

    it('answers 500 when the first chunk fails, and keeps serving', async () => {
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
      expect({ status: reply.status, leaked: reply.body.includes('secret') }).toEqual({ status: 500, leaked: false });
      expect((await askServer(port, { method: 'HEAD' })).status).toBe(200);
    });

    it('answers 500 when the view throws, without the message', async () => {
      const port = await mount(() => Promise.reject(new Error(secret)));
      const reply = await askServer(port);
      expect({ status: reply.status, leaked: reply.body.includes('secret') }).toEqual({ status: 500, leaked: false });
      expect(errors).toMatchObject([{ status: 500, message: 'Internal Server Error' }]);
    });

    it('answers 500 without headers of the file when an option makes an invalid header', async () => {
      const reply = await askServer(await mount(view({ cacheControl: 'private\r\nx-injected: yes' })));
      expect(reply.status).toBe(500);
      expect(reply.headers).not.toHaveProperty('x-injected');
      expect(reply.headers['content-disposition'] ?? reply.headers.etag).toBeUndefined();
    });

    it('breaks the connection when reading fails later, and does not let the framework answer again', async () => {
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
