import assert from 'node:assert/strict';
import { instructionHeaders } from '../../../src/fronts/fronts.js';
import { askServer, type Asked } from '../../adapters/server.js';
import type { DeliveryClaims } from '../delivery-contract.js';
import type { BenchReply, DeliveryBench } from './bench.js';
import { dress } from './routes.js';

/** The ways of asking for a page, by the status that they lead to. */
async function answers(bench: DeliveryBench, route: string): Promise<readonly BenchReply[]> {
  const { etag = '' } = (await bench.ask(route, 'page.html')).headers;
  const asked: [number, Asked][] = [
    [200, {}],
    [200, { method: 'HEAD' }],
    [206, { headers: { range: 'bytes=0-0' } }],
    [206, { headers: { range: 'bytes=0-0,9000-9001' } }],
    [304, { headers: { 'if-none-match': etag } }],
    [416, { headers: { range: 'bytes=20000-' } }],
  ];
  const replies: BenchReply[] = [];
  for (const [status, how] of asked) {
    const reply = await bench.ask(route, 'page.html', how);
    assert.equal(reply.status, status);
    replies.push(reply);
  }
  return replies;
}

export function assertNoLeak(bench: DeliveryBench, reply: BenchReply): void {
  const names = Object.keys(reply.headers);
  assert.deepEqual(
    instructionHeaders.filter((name) => names.includes(name.toLowerCase())),
    [],
  );
  assert.ok(!reply.rawHeaders.join('\n').includes(bench.root), 'a header tells a path');
}

export const headerClaims: DeliveryClaims = {
  'keeps type, name, caching and safety of a page, whatever is answered': async (bench) => {
    for (const { status, headers } of await answers(bench, 'file')) {
      if (status === 416) continue;
      assert.equal(headers['x-content-type-options'], 'nosniff', `no nosniff on ${status}`);
      assert.equal(headers['content-security-policy'], "sandbox; default-src 'none'", `no CSP on ${status}`);
      if (status > 206) continue;
      assert.equal(headers['content-disposition'], 'attachment; filename=page.html');
      assert.equal(headers['cache-control'], 'private, no-cache');
      assert.match(headers['content-type']!, /^(text\/html; charset=utf-8|multipart\/byteranges; boundary=.*)$/);
    }
  },
  'keeps what middleware set before the view, on 200, 206 and 304': async (bench) => {
    for (const { status, headers } of await answers(bench, 'dressed')) {
      if (status === 416) continue;
      for (const [name, value] of Object.entries(dress)) {
        const wanted = bench.member.loses.includes(name) ? undefined : value;
        // Apache takes the blanks out of lists.
        assert.equal(
          String(headers[name]).replaceAll(', ', ','),
          String(wanted).replaceAll(', ', ','),
          `${name} on ${status}`,
        );
      }
    }
  },
  'sends each header once': async (bench) => {
    for (const { status, rawHeaders } of await answers(bench, 'dressed')) {
      const names = rawHeaders.filter((_name, index) => index % 2 === 0).map((name) => name.toLowerCase());
      const several = names.filter((name, index) => names.indexOf(name) < index && name !== 'set-cookie');
      assert.equal(several.join(), '', `on ${status}`);
    }
  },
  'keeps to itself what the application says of their connection': async (bench) => {
    // The client asks for its own to be closed, so that no server has a word to say of keeping it.
    for (const { status, headers } of await answers(bench, 'dressed')) {
      assert.equal(headers['keep-alive'], undefined, `on ${status}`);
      assert.equal(headers.connection, 'close', `on ${status}`);
    }
  },
  'tells no client where files are': async (bench) => {
    for (const reply of await answers(bench, 'file')) assertNoLeak(bench, reply);
    assertNoLeak(bench, await bench.ask('file', 'not-there'));
  },
  'takes away what was meant for another server': async (bench) => {
    for (const name of ['page.html', 'what?']) assertNoLeak(bench, await bench.ask('leaky', name));
    bench.write('streamed.bin', 20_000);
    assertNoLeak(bench, await bench.ask('leaky', 'streamed.bin'));
  },
  'passes on what is answered before the view': async (bench) => {
    const reply = await bench.ask('refused');
    assert.deepEqual([reply.status, reply.body.toString()], [401, 'who are you?']);
    assert.equal(String(reply.headers['set-cookie']), String(dress['set-cookie']));
    assert.equal(reply.headers['www-authenticate'], 'Basic');
  },
  'tells the application who asks for what': async (bench) => {
    const headers = { host: 'files.example:8080', 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' };
    const url = '/echo/a%2Fb%20c%41~%7E?x=%2F+%20';
    const reply = await askServer(bench.port, { path: url, headers });
    const told = JSON.parse(reply.body.toString()) as { url: string; headers: Record<string, string> };
    assert.equal(told.headers.host, 'files.example:8080');
    assert.equal(told.headers['x-forwarded-for']?.split(/, */).at(-1), '127.0.0.1');
    assert.equal(told.headers['x-forwarded-proto'], 'http');
    assert.equal(told.url, url);
  },
};
