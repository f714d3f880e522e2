import { Readable } from 'node:stream';
import { virtualView, type VirtualFileOptions } from 'filefield';
import { toNode } from 'filefield/node';
import { expectDownload, runView } from 'filefield/testing';
import { askServer, head, serve, talk, until } from '../adapters/server.js';

const text = 'é,日\n1,2\n';
const halves = [text.slice(0, 4), Buffer.from(text.slice(4))];
const contents: Readonly<Record<string, () => VirtualFileOptions['content']>> = {
  text: () => text,
  bytes: () => Buffer.from(text),
  'a view of bytes': () => new Uint8Array(Buffer.from(`x${text}x`)).subarray(1, -1),
  'a Node stream': () => Readable.from(halves),
  'a Web stream': () => new Blob([text]).stream() as ReadableStream<Uint8Array>,
  'an async generator': () =>
    (async function* () {
      yield* halves;
    })(),
  'a generator': () =>
    (function* () {
      yield* halves;
    })(),
  'a list': () => halves,
  'a function': () => () => halves,
};

describe('virtualView', () => {
  it.each(Object.keys(contents))('serves %s completely over a socket', async (kind) => {
    const view = virtualView(async () => ({ name: 'report.csv', content: contents[kind]!() }));
    const server = await serve((request, response) => void toNode(view)(request, response));
    const reply = await askServer(server.port);
    expect({ status: reply.status, body: reply.body.toString() }).toEqual({ status: 200, body: text });
    const known = ['text', 'bytes', 'a view of bytes'].includes(kind);
    expect(reply.headers['content-length']).toBe(known ? String(Buffer.byteLength(text)) : undefined);
    expect(reply.headers['accept-ranges']).toBe(known ? 'bytes' : 'none');
    const part = await askServer(server.port, { headers: { range: 'bytes=2-4' } });
    const expected = known ? { status: 206, bytes: 3 } : { status: 200, bytes: Buffer.byteLength(text) };
    expect({ status: part.status, bytes: part.body.byteLength }).toEqual(expected);
    await server.close();
  });

  it('makes the content once for several ranges, and sends all of it', async () => {
    let made = 0;
    const bytes = Buffer.alloc(4000, 'x');
    const generated = () => {
      made += 1;
      return [bytes];
    };
    const headers = { range: 'bytes=0-0,2000-2000,3999-3999' };
    for (const content of [generated, Readable.from([bytes])]) {
      const { status, body } = await runView(
        virtualView(() => ({ name: 'x', content, size: 4000 })),
        { headers },
      );
      expect([status, body.equals(bytes)]).toEqual([200, true]);
    }
    expect(made).toBe(1);
    expect(
      (
        await runView(
          virtualView(() => ({ name: 'x', content: bytes })),
          { headers },
        )
      ).status,
    ).toBe(206);
  });

  it('sends the first bytes before the last are generated', async () => {
    let finish = () => undefined as void;
    const rest = new Promise<void>((resolve) => (finish = resolve));
    const content = async function* () {
      yield 'first';
      await rest;
      yield 'last';
    };
    const view = virtualView(() => ({ name: 'x', content }));
    const server = await serve((request, response) => void toNode(view)(request, response));
    const client = await talk(server.port, head('GET', '/', { connection: 'close' }));
    await until(() => client.received().includes('first'), 'the first bytes came');
    expect(client.received().includes('last')).toBe(false);
    finish();
    await client.closed;
    expect(client.received().includes('last')).toBe(true);
    await server.close();
  });

  it('generates nothing for HEAD and 304, and ends a given stream', async () => {
    const made: string[] = [];
    const generate = function* () {
      made.push('made');
      yield 'x';
    };
    const stream = Readable.from(['x']);
    const web = new ReadableStream({ cancel: () => void made.push('cancelled') });
    for (const content of [generate, generate(), stream, web]) {
      const view = virtualView(() => ({ name: 'x', content, etag: '"v1"' }));
      expect((await runView(view, { method: 'HEAD' })).status).toBe(200);
      expect((await runView(view, { headers: { 'if-none-match': '"v1"' } })).status).toBe(304);
    }
    expect({ made, destroyed: stream.destroyed }).toEqual({ made: ['cancelled'], destroyed: true });
  });

  it('generates nothing before authorize admits the client', async () => {
    const make = () => {
      throw new Error('made');
    };
    expect((await runView(virtualView(make, { authorize: () => false, onDenied: 403 }))).status).toBe(403);
  });

  it('answers 404 for null, and 500 for content that is neither text nor bytes', async () => {
    expect((await runView(virtualView(() => null))).status).toBe(404);
    await expect(runView(virtualView(() => ({ name: 'x', content: [1] as never })))).rejects.toMatchObject({
      code: 'invalid_value',
    });
  });

  it.each([
    ['"malicious\\file.exe', 'file.exe'],
    ['日本.txt', '日本.txt'],
    ['a,b;c.txt', 'a,b;c.txt'],
  ])('sends the name %j in an unambiguous form', async (name, shown) => {
    const result = await runView(virtualView(() => ({ name, content: '' })));
    await expectDownload(result, { name: shown, disposition: 'attachment' });
    expect(result.headers['content-disposition']).toMatch(/^attachment; filename=(?!"?\.)[ -~]+$/);
  });

  it.each(['page.html', 'picture.svg', 'data.xml', 'app.js'])(
    'sends %s as an attachment despite disposition inline',
    async (name) => {
      const result = await runView(virtualView(() => ({ name, content: 'x' }), { disposition: 'inline' }));
      await expectDownload(result, { disposition: 'attachment', headers: { 'content-security-policy': /sandbox/ } });
    },
  );

  it('expands the caching profiles, and sends any other value unchanged', async () => {
    const control = async (cacheControl: string) =>
      (await runView(virtualView(() => ({ name: 'x', content: '' }), { cacheControl }))).headers['cache-control'];
    expect(await control('private')).toBe('private, no-cache');
    expect(await control('immutable')).toBe('private, max-age=31536000, immutable');
    expect(await control('public, max-age=60')).toBe('public, max-age=60');
  });

  it('uses the options etag and modified', async () => {
    const view = virtualView(() => ({ name: 'x', content: 'abc' }), {
      etag: () => '"row-7"',
      modified: new Date('2024-05-06T07:08:09Z'),
    });
    await expectDownload(await runView(view), {
      headers: { etag: '"row-7"', 'last-modified': 'Mon, 06 May 2024 07:08:09 GMT' },
    });
    expect((await runView(view, { headers: { 'if-none-match': '"row-7"' } })).status).toBe(304);
    // If-Modified-Since is ignored if there is an If-None-Match.
    const headers = { 'if-none-match': '"x"', 'if-modified-since': 'Mon, 06 May 2024 07:08:09 GMT' };
    expect((await runView(view, { headers })).status).toBe(200);
  });
});
