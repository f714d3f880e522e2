import { jest } from '@jest/globals';
import dns from 'node:dns';
import type { RequestListener, ServerResponse, IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { httpView, type HttpViewOptions } from 'filefield';
import { toNode } from 'filefield/node';
import { expectDownload, runView, type ViewRequest } from 'filefield/testing';
import { isPublicAddress } from '../../src/sources/public-address.js';
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

/** A good server: HEAD, one range, validators. */
const plain: RequestListener = (request, response) => {
  const headers = { 'content-type': 'image/png', etag: '"v1"', 'last-modified': lastModified };
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
const get = (asked: ViewRequest<unknown> = {}, options: Partial<HttpViewOptions<unknown>> = {}) =>
  runView(view(options), asked);
const asked = () => seen.map(({ method, headers }) => `${method} ${headers.range ?? ''}`.trim());

describe('httpView', () => {
  it('passes a file on, with type, length and validators, named as in the URL', async () => {
    await expectDownload(await get(), {
      bytes: content,
      name: 'a b.png',
      type: 'image/png',
      headers: { 'content-length': '1000', etag: '"v1"', 'last-modified': lastModified },
    });
    expect(asked()).toEqual(['GET']);
  });

  it('asks for no more than the client: HEAD, one range, several', async () => {
    expect((await get({ method: 'HEAD' })).headers['content-length']).toBe('1000');
    expect(asked()).toEqual(['HEAD']);
    for (const [range, told] of [
      ['bytes=2-4', '2-4/1000'],
      ['bytes=-10', '990-999/1000'],
      ['bytes=995-', '995-999/1000'],
    ] as const) {
      seen = [];
      const [start, end] = told.split(/[-/]/).map(Number);
      await expectDownload(await get({ headers: { range } }), {
        range: told,
        bytes: content.subarray(start, end! + 1),
      });
      expect(asked()).toEqual([`GET ${range}`]);
    }
    seen = [];
    const several = await get({ headers: { range: 'bytes=0-9,500-509' } });
    expect([several.status, asked()]).toEqual([206, ['HEAD', 'GET bytes=0-9', 'GET bytes=500-509']]);
  });

  it('judges conditions by what the other server says, and the length of a file it has not got', async () => {
    expect((await get({ headers: { 'if-none-match': '"v1"' } })).status).toBe(304);
    expect((await get({ headers: { 'if-match': '"v0"' } })).status).toBe(412);
    const stale = await get({ headers: { range: 'bytes=2-4', 'if-range': '"v0"' } });
    expect([stale.status, stale.body.equals(content)]).toEqual([200, true]);
    const beyond = await get({ headers: { range: 'bytes=5000-' } });
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */1000']);
  });

  it('cuts what it was asked for out of the answer of a server that knows no ranges, and does without HEAD', async () => {
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

  it('passes nothing of the client on, and only the headers of its options', async () => {
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
  ])('turns %d of the other server into %d, without its words', async (theirs, ours) => {
    answer = (_request, response) => void response.writeHead(theirs, { etag: '"secret"' }).end();
    const result = await get();
    expect([result.status, result.headers.etag, result.body.byteLength]).toEqual([ours, undefined, 0]);
  });

  it('answers 502 where nobody listens, and 504 to who is too slow', async () => {
    const gone = await serve(() => undefined);
    await gone.close();
    expect((await get({}, { url: `http://127.0.0.1:${gone.port}/` })).status).toBe(502);
    answer = () => undefined;
    expect((await get({}, { timeout: 50 })).status).toBe(504);
  });

  it('breaks off where the other server does, or stops for longer than its time', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write(content.subarray(0, 100), () => response.destroy());
    };
    await expect(get()).rejects.toMatchObject({ code: 'upstream_failed' });
    answer = (_request, response) => void response.writeHead(200, { 'content-length': '1000' }).write('x');
    await expect(get({}, { timeout: 50 })).rejects.toMatchObject({ code: 'upstream_timeout' });
  });

  it('takes longer than its time for a body that keeps coming', async () => {
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

  it('streams what has no length, and decodes what it did not want encoded', async () => {
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

  it('refuses to mix two versions of a file', async () => {
    answer = (request, response) => {
      const etag = `"v${seen.length}"`;
      if (request.method === 'HEAD') return void response.writeHead(200, { 'content-length': '1000', etag }).end();
      response.writeHead(206, { 'content-range': 'bytes 0-9/1000', etag }).end(content.subarray(0, 10));
    };
    expect((await get({ headers: { range: 'bytes=0-9,500-509' } })).status).toBe(502);
  });

  it('closes the other connection when the client leaves', async () => {
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

  it('sends the first bytes before the last have come', async () => {
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

  it('answers 404 where there is no URL, 500 to one that is none, at once if it is fixed', async () => {
    expect((await get({}, { url: () => null })).status).toBe(404);
    expect((await get({}, { url: () => '/relative' })).status).toBe(500);
    expect(() => httpView({ url: 'nonsense' })).toThrow('absolute URL');
    expect((await get({}, { url: 'file:///etc/passwd' })).status).toBe(502);
  });

  it('asks nobody for whom authorize does not let in', async () => {
    expect((await get({}, { authorize: () => false })).status).toBe(404);
    expect(seen).toEqual([]);
  });
});

describe('redirects', () => {
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

  it('end somewhere', async () => {
    answer = redirect('/start');
    expect((await get({}, { url: url('/start') })).status).toBe(502);
    expect(seen).toHaveLength(6);
    seen = [];
    answer = redirect('/files/b.png');
    expect((await get({}, { url: url('/start'), maxRedirects: 0 })).status).toBe(502);
  });

  it('never lead to a private address that is not allowed', async () => {
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

  it('are refused by the address that is connected to, whatever name it has', async () => {
    let turn = 0;
    jest.spyOn(dns, 'lookup').mockImplementation(((
      _host: string,
      _options: object,
      done: (...args: unknown[]) => void,
    ) => {
      // Public at first, private when asked again: nobody asks again.
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

  it.each(['8.8.8.8', '93.184.216.34', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1'])(
    'are not %s',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fd00::1',
    '::ffff:8.8.8.8',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    'ff02::1',
    '2001:db8::1',
    'nonsense',
    '',
  ])('are also %s', (address) => expect(isPublicAddress(address)).toBe(false));
});
