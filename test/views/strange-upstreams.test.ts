import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { httpView, type HttpViewOptions } from 'filefield';
import { runView, type ViewRequest } from 'filefield/testing';
import { serve, type RunningServer } from '../adapters/server.js';

const content = Buffer.from(Uint8Array.from({ length: 1000 }, (_byte, index) => index % 251));

let upstream: RunningServer;
let answer: RequestListener;
beforeAll(async () => {
  upstream = await serve((request, response) => answer(request, response));
});
afterAll(() => upstream.close());

function sendAll(request: IncomingMessage, response: ServerResponse, headers: Record<string, string>): void {
  response.writeHead(200, { 'content-length': '1000', ...headers });
  response.end(request.method === 'HEAD' ? undefined : content);
}

const get = (request: ViewRequest<unknown> = {}, options: Partial<HttpViewOptions<unknown>> = {}) =>
  runView(httpView({ url: `http://127.0.0.1:${upstream.port}/`, allowPrivate: true, ...options }), request);

describe('httpView', () => {
  it.each<[string, number, string]>([
    ['another range', 206, 'bytes 5-9/1000'],
    ['less than the range', 206, 'bytes 0-3/1000'],
    ['the range without its beginning', 206, 'bytes 1-9/1000'],
  ])('answers 502 when the other server sends %s', async (_what, status, contentRange) => {
    answer = (request, response) => {
      if (!request.headers.range) return sendAll(request, response, { etag: '"v1"' });
      response.writeHead(status, { 'content-range': contentRange, etag: '"v1"' });
      response.end(content.subarray(0, 10));
    };
    expect(await get({ headers: { range: 'bytes=0-4' } })).toMatchObject({ status: 502 });
    expect(await get({ headers: { range: 'bytes=0-4,10-14' } })).toMatchObject({ status: 502 });
  });

  it('sends the range when the other server sends more than it', async () => {
    answer = (_request, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-99/1000', etag: '"v1"' });
      response.end(content.subarray(0, 100));
    };
    const { status, body } = await get({ headers: { range: 'bytes=10-19' } });
    expect([status, body]).toEqual([206, content.subarray(10, 20)]);
  });

  it.each(['upgrade', 'Upgrade, keep-alive', ''])(
    'answers 502 in time when the other server switches protocols, with Connection: %j',
    async (connection) => {
      answer = ({ socket }) => {
        const names = connection && `Connection: ${connection}\r\nUpgrade: websocket\r\n`;
        socket.end(`HTTP/1.1 101 Switching Protocols\r\n${names}\r\n`);
      };
      expect(await get({}, { timeout: 5000 })).toMatchObject({ status: 502 });
    },
  );

  it.each(['__proto__', 'constructor', 'toString', 'zstd', 'gzip, br'])(
    'answers 502 for the Content-Encoding %s',
    async (encoding) => {
      answer = (request, response) => sendAll(request, response, { 'content-encoding': encoding });
      expect(await get()).toMatchObject({ status: 502, error: { code: 'upstream_failed' } });
    },
  );

  it('sends the whole file for several ranges of a server that does not say that it answers ranges', async () => {
    let requests = 0;
    answer = (request, response) => {
      requests += 1;
      sendAll(request, response, {});
    };
    const { status, body } = await get({ headers: { range: 'bytes=0-0,500-500,999-999' } });
    expect([status, body.equals(content)]).toEqual([200, true]);
    expect(requests).toBeLessThanOrEqual(2);
  });
});
