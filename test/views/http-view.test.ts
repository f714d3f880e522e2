import { jest } from '@jest/globals';
import dns from 'node:dns';
import type { RequestListener, ServerResponse, IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { httpView, type HttpViewOptions } from 'filefield';
import { toNode } from 'filefield/node';
import { expectDownload, runView, type ViewRequest } from 'filefield/testing';
import { head, serve, talk, until, type RunningServer } from '../adapters/server.js';

const content = Buffer.from(Uint8Array.from({ length: 1000 }, (_byte, index) => index % 251));
const lastModified = 'Mon, 06 May 2024 07:08:09 GMT';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

let seen: Seen[] = [];
let upstream: RunningServer;
let answer: RequestListener;
let closed = 0;

beforeAll(async () => {
  upstream = await serve((request, response) => {
    seen.push({ method: request.method, url: request.url, headers: request.headers });
    response.on('close', () => (closed += 1));
    answer(request, response);
  });
});
afterAll(() => upstream.close());
beforeEach(() => {
  seen = [];
  closed = 0;
  answer = plain;
});
afterEach(() => jest.restoreAllMocks());

/** A server with HEAD, single ranges and validators. */
const plain: RequestListener = (request, response) => {
  const headers = {
    'content-type': 'image/png',
    etag: '"v1"',
    'last-modified': lastModified,
    'accept-ranges': 'bytes',
  };
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '');
  if (!range) return sendAll(request, response, { ...headers, 'content-length': '1000' });
  const start = range[1] === '' ? 1000 - Number(range[2]) : Number(range[1]);
  const end = range[1] === '' || range[2] === '' ? 999 : Math.min(999, Number(range[2]));
  if (start > 999) return void response.writeHead(416, { 'content-range': 'bytes */1000' }).end();
  response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end}/1000` });
  response.end(content.subarray(start, end + 1));
};

function sendAll(request: IncomingMessage, response: ServerResponse, headers: Record<string, string>): void {
  response.writeHead(200, headers);
  response.end(request.method === 'HEAD' ? undefined : content);
}

const url = (place = '/files/a%20b.png') => `http://127.0.0.1:${upstream.port}${place}`;
const view = (options: Partial<HttpViewOptions<unknown>> = {}) =>
  httpView({ url: url(), allowPrivate: true, ...options });
const get = (request: ViewRequest<unknown> = {}, options: Partial<HttpViewOptions<unknown>> = {}) =>
  runView(view(options), request);
const requests = () => seen.map(({ method, headers }) => `${method} ${headers.range ?? ''}`.trim());

describe('httpView', () => {
  it('streams a file with its type, length and validators, and the name in the URL', async () => {
    await expectDownload(await get(), {
      bytes: content,
      name: 'a b.png',
      type: 'image/png',
      headers: { 'content-length': '1000', etag: '"v1"', 'last-modified': lastModified },
    });
    expect(requests()).toEqual(['GET']);
  });

  it('requests no more than the client: HEAD, one range, several ranges', async () => {
    expect((await get({ method: 'HEAD' })).headers['content-length']).toBe('1000');
    expect(requests()).toEqual(['HEAD']);
    for (const [range, contentRange] of [
      ['bytes=2-4', '2-4/1000'],
      ['bytes=-10', '990-999/1000'],
      ['bytes=995-', '995-999/1000'],
    ] as const) {
      seen = [];
      const [start, end] = contentRange.split(/[-/]/).map(Number);
      await expectDownload(await get({ headers: { range } }), {
        range: contentRange,
        bytes: content.subarray(start, end! + 1),
      });
      expect(requests()).toEqual([`GET ${range}`]);
    }
    seen = [];
    const several = await get({ headers: { range: 'bytes=0-9,500-509' } });
    expect({ status: several.status, requests: requests() }).toEqual({
      status: 206,
      requests: ['HEAD', 'GET bytes=0-9', 'GET bytes=500-509'],
    });
  });

  it('evaluates conditions and If-Range with the validators of the other server', async () => {
    expect((await get({ headers: { 'if-none-match': '"v1"' } })).status).toBe(304);
    expect((await get({ headers: { 'if-match': '"v0"' } })).status).toBe(412);
    const stale = await get({ headers: { range: 'bytes=2-4', 'if-range': '"v0"' } });
    expect({ status: stale.status, whole: stale.body.equals(content) }).toEqual({ status: 200, whole: true });
    const beyond = await get({ headers: { range: 'bytes=5000-' } });
    expect({ status: beyond.status, 'content-range': beyond.headers['content-range'] }).toEqual({
      status: 416,
      'content-range': 'bytes */1000',
    });
  });

  it('sends the range when the other server supports neither ranges nor HEAD', async () => {
    answer = (request, response) => {
      if (request.method === 'HEAD') response.writeHead(405).end();
      else sendAll(request, response, { 'content-length': '1000' });
    };
    await expectDownload(await get({ headers: { range: 'bytes=2-4' } }), {
      range: '2-4/1000',
      bytes: content.subarray(2, 5),
    });
    expect((await get({ method: 'HEAD' })).headers['content-length']).toBe('1000');
  });

  it('forwards no header of the client, and sends those of the option', async () => {
    const headers = { authorization: 'Bearer theirs', cookie: 'session=1', 'x-forwarded-for': '1.2.3.4' };
    await get({ headers }, { headers: () => ({ authorization: 'Bearer ours' }) });
    expect(Object.keys(seen[0]!.headers).sort()).toEqual(['accept-encoding', 'authorization', 'connection', 'host']);
    expect(seen[0]!.headers).toMatchObject({ authorization: 'Bearer ours', 'accept-encoding': 'identity' });
  });

  it.each([
    [404, 404],
    [410, 404],
    [400, 502],
    [401, 502],
    [403, 502],
    [405, 502],
    [204, 502],
    [304, 502],
    [500, 502],
    [503, 502],
  ])('answers %d of the other server with %d, without its text', async (theirs, ours) => {
    answer = (_request, response) => void response.writeHead(theirs, { etag: '"secret"' }).end();
    const result = await get();
    expect({ status: result.status, etag: result.headers.etag, bytes: result.body.byteLength }).toEqual({
      status: ours,
      etag: undefined,
      bytes: 0,
    });
  });

  it('answers 502 when the other server cannot be reached, and 504 when it is too slow', async () => {
    const gone = await serve(() => undefined);
    await gone.close();
    expect((await get({}, { url: `http://127.0.0.1:${gone.port}/` })).status).toBe(502);
    answer = () => undefined;
    expect((await get({}, { timeout: 50 })).status).toBe(504);
  });

  it('breaks the connection when the other server breaks it or pauses longer than the timeout', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write(content.subarray(0, 100), () => response.destroy());
    };
    await expect(get()).rejects.toMatchObject({ code: 'upstream_failed' });
    answer = (_request, response) => void response.writeHead(200, { 'content-length': '1000' }).write('x');
    await expect(get({}, { timeout: 50 })).rejects.toMatchObject({ code: 'upstream_timeout' });
  });

  it('streams a body for longer than the timeout while chunks keep arriving', async () => {
    answer = (_request, response) => {
      let sent = 0;
      response.writeHead(200, { 'content-length': '10' });
      const timer = setInterval(() => {
        response.write('x');
        if ((sent += 1) < 10) return;
        clearInterval(timer);
        response.end();
      }, 30);
    };
    await expectDownload(await get({}, { timeout: 150 }), { text: 'x'.repeat(10) });
  });

  it('streams a response without a length, and decodes an encoded one', async () => {
    answer = (_request, response) => {
      response.write('chunk');
      setTimeout(() => response.end('ed'), 10);
    };
    await expectDownload(await get(), {
      text: 'chunked',
      headers: { 'content-length': null, 'accept-ranges': 'none' },
    });
    answer = (_request, response) => {
      const body = gzipSync(content);
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': String(body.byteLength), etag: '"z"' });
      response.end(body);
    };
    const headers = { 'content-length': null, 'content-encoding': null, etag: 'W/"z"' };
    await expectDownload(await get(), { bytes: content, headers });
    await expectDownload(await get({ headers: { range: 'bytes=0-3' } }), { status: 200, bytes: content });
    answer = (_request, response) => void response.writeHead(200, { 'content-encoding': 'x-odd' }).end('x');
    expect((await get()).status).toBe(502);
  });

  it('fails when the file changes between two requests', async () => {
    answer = (request, response) => {
      const etag = `"v${seen.length}"`;
      if (request.method === 'HEAD') return void response.writeHead(200, { 'content-length': '1000', etag }).end();
      response.writeHead(206, { 'content-range': 'bytes 0-9/1000', etag }).end(content.subarray(0, 10));
    };
    expect((await get({ headers: { range: 'bytes=0-9,500-509' } })).status).toBe(502);
  });

  it('closes the connection to the other server when the client leaves', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '100000000' });
      const fill = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65536)));
      };
      response.on('drain', fill);
      fill();
    };
    const server = await serve((request, response) => void toNode(view())(request, response));
    const client = await talk(server.port, head('GET'), { paused: true });
    await until(() => client.socket.readableLength > 0, 'the download was under way');
    client.socket.destroy();
    await until(() => closed === 1, 'the other connection was closed');
    await server.close();
  });

  it('sends the first bytes before the last have arrived', async () => {
    let finish = () => undefined as void;
    answer = (_request, response) => {
      response.write('first');
      finish = () => void response.end('last');
    };
    const server = await serve((request, response) => void toNode(view())(request, response));
    const client = await talk(server.port, head('GET', '/', { connection: 'close' }));
    await until(() => client.received().includes('first'), 'the first bytes came');
    finish();
    await client.closed;
    expect(client.received().includes('last')).toBe(true);
    await server.close();
  });

  it('answers 404 without a URL and 500 for an invalid one, and throws for a fixed invalid URL', async () => {
    expect((await get({}, { url: () => null })).status).toBe(404);
    expect((await get({}, { url: () => '/relative' })).status).toBe(500);
    expect(() => httpView({ url: 'nonsense' })).toThrow('absolute URL');
    expect((await get({}, { url: 'file:///etc/passwd' })).status).toBe(502);
  });

  it('sends no request when authorize refuses', async () => {
    expect((await get({}, { authorize: () => false })).status).toBe(404);
    expect(seen).toEqual([]);
  });
});

describe('redirects of the other server', () => {
  const redirect =
    (location: string): RequestListener =>
    (request, response) => {
      if (request.url === '/start') response.writeHead(302, { location }).end();
      else plain(request, response);
    };

  it('are followed, with the headers of the options to the same origin only', async () => {
    answer = redirect('/files/b.png');
    const options = { url: url('/start'), headers: { authorization: 'ours' } };
    await expectDownload(await get({ headers: { range: 'bytes=0-3' } }, options), { range: '0-3/1000' });
    expect(seen.map(({ headers }) => [headers.authorization, headers.range])).toEqual([
      ['ours', 'bytes=0-3'],
      ['ours', 'bytes=0-3'],
    ]);
    seen = [];
    answer = redirect(`http://localhost:${upstream.port}/files/b.png`);
    await expectDownload(await get({}, options), { bytes: content });
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['ours', undefined]);
  });

  it('are followed up to maxRedirects, and never from HTTPS to HTTP', async () => {
    answer = redirect('/start');
    expect((await get({}, { url: url('/start') })).status).toBe(502);
    expect(seen).toHaveLength(6);
    seen = [];
    answer = redirect('/files/b.png');
    expect((await get({}, { url: url('/start'), maxRedirects: 0 })).status).toBe(502);
  });

  it('are not followed to a private address that is not allowed', async () => {
    answer = redirect(`http://localhost:${upstream.port}/files/b.png`);
    expect((await get({}, { url: url('/start'), allowPrivate: ['127.0.0.1'] })).status).toBe(502);
    expect(
      (await get({}, { url: url('/start'), allowPrivate: ['127.0.0.1', `localhost:${upstream.port}`] })).status,
    ).toBe(200);
    expect(seen).toHaveLength(3);
  });
});

describe('private addresses', () => {
  it.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0', '169.254.169.254'])(
    'are refused: %s',
    async (host) => {
      const result = await get({}, { url: `http://${host}:${upstream.port}/`, allowPrivate: false });
      expect(result).toMatchObject({ status: 502, error: { code: 'upstream_failed' } });
      expect(seen).toEqual([]);
    },
  );

  it('are refused by the address that a host name resolves to', async () => {
    let turn = 0;
    jest.spyOn(dns, 'lookup').mockImplementation(((
      _host: string,
      _options: object,
      done: (...args: unknown[]) => void,
    ) => {
      // Public at the first look-up and private at the second, which must not happen.
      const address = (turn += 1) === 1 ? '192.168.0.1' : '93.184.216.34';
      done(null, [
        { address: '93.184.216.34', family: 4 },
        { address, family: 4 },
      ]);
    }) as never);
    const result = await get({}, { url: 'http://rebinding.example/', allowPrivate: false, timeout: 1000 });
    expect(result).toMatchObject({ status: 502, error: { message: expect.stringContaining('private') as string } });
    expect(turn).toBe(1);
  });
});

it.each([
  ['timeout', { timeout: 0 }],
  ['timeout', { timeout: '1 fortnight' as never }],
  ['timeout', { timeout: '30d' }],
  ['maxRedirects', { maxRedirects: -1 }],
  ['maxRedirects', { maxRedirects: 1.5 }],
] as const)('throws when it is made with an invalid %s: %j', (name, options) => {
  expect(() => view(options)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  expect(() => view(options)).toThrow(`The option "${name}" must be`);
});
