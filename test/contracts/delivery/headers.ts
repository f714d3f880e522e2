import assert from 'node:assert/strict';
import { instructionHeaders } from '../../../src/fronts/fronts.js';
import { askServer, type Asked } from '../../adapters/server.js';
import type { DeliveryClaims } from '../delivery-contract.js';
import type { BenchReply, DeliveryBench } from './bench.js';
import { middlewareHeaders } from './routes.js';

/** The responses to all kinds of requests for a page, one or more of each status. */
async function responses(bench: DeliveryBench, route: string): Promise<readonly BenchReply[]> {
  const { etag = '' } = (await bench.ask(route, 'page.html')).headers;
  const requests: [number, Asked][] = [
    [200, {}],
    [200, { method: 'HEAD' }],
    [206, { headers: { range: 'bytes=0-0' } }],
    [206, { headers: { range: 'bytes=0-0,9000-9001' } }],
    [304, { headers: { 'if-none-match': etag } }],
    [416, { headers: { range: 'bytes=20000-' } }],
  ];
  const replies: BenchReply[] = [];
  for (const [status, how] of requests) {
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
  assert.ok(!reply.rawHeaders.join('\n').includes(bench.root), 'a header contains a path');
}

export const headerClaims: DeliveryClaims = {
  'sends type, name, caching and security headers of the view with every status': async (bench) => {
    for (const { status, headers } of await responses(bench, 'file')) {
      if (status === 416) continue;
      assert.equal(headers['x-content-type-options'], 'nosniff', `no nosniff on ${status}`);
      assert.equal(headers['content-security-policy'], "sandbox; default-src 'none'", `no CSP on ${status}`);
      if (status > 206) continue;
      assert.equal(headers['content-disposition'], 'attachment; filename=page.html');
      assert.equal(headers['cache-control'], 'private, no-cache');
      assert.match(headers['content-type']!, /^(text\/html; charset=utf-8|multipart\/byteranges; boundary=.*)$/);
    }
  },
  'sends headers of middleware with 200, 206 and 304': async (bench) => {
    for (const { status, headers } of await responses(bench, 'middleware')) {
      if (status === 416) continue;
      for (const [name, value] of Object.entries(middlewareHeaders)) {
        // The application answers 304 itself, and describes no body (RFC 9110 section 15.4.5).
        const lost = status === 304 ? ['content-language'] : bench.member.loses;
        const wanted = lost.includes(name) ? undefined : value;
        // Apache removes blanks from lists.
        assert.equal(
          String(headers[name]).replaceAll(', ', ','),
          String(wanted).replaceAll(', ', ','),
          `${name} on ${status}`,
        );
      }
    }
  },
  'sends each header once': async (bench) => {
    for (const { status, rawHeaders } of await responses(bench, 'middleware')) {
      const names = rawHeaders.filter((_name, index) => index % 2 === 0).map((name) => name.toLowerCase());
      const several = names.filter((name, index) => names.indexOf(name) < index && name !== 'set-cookie');
      assert.equal(several.join(), '', `on ${status}`);
    }
  },
  'drops Connection and Keep-Alive of the application': async (bench) => {
    // The client asks to close its connection, so the server itself sends no Keep-Alive.
    for (const { status, headers } of await responses(bench, 'middleware')) {
      assert.equal(headers['keep-alive'], undefined, `on ${status}`);
      assert.equal(headers.connection, 'close', `on ${status}`);
    }
  },
  'sends a file whose name is too long for a header, with a part of the name': async (bench) => {
    const { status, headers } = await bench.ask('long', 'page.html');
    assert.equal(status, 200);
    assert.match(
      headers['content-disposition']!,
      /^attachment; filename=_+\.html; filename\*=UTF-8''(%E6%9C%AC){300,}\.html$/,
    );
  },
  'sends no header that contains a path': async (bench) => {
    for (const reply of await responses(bench, 'file')) assertNoLeak(bench, reply);
    assertNoLeak(bench, await bench.ask('file', 'not-there'));
  },
  'removes headers that another server would act on': async (bench) => {
    for (const name of ['page.html', 'what?']) assertNoLeak(bench, await bench.ask('leaky', name));
    bench.write('streamed.bin', 20_000);
    assertNoLeak(bench, await bench.ask('leaky', 'streamed.bin'));
  },
  'passes on the response of middleware that does not call the view': async (bench) => {
    const reply = await bench.ask('refused');
    assert.equal(reply.status, 401);
    assert.equal(reply.body.toString(), 'who are you?');
    assert.equal(String(reply.headers['set-cookie']), String(middlewareHeaders['set-cookie']));
    assert.equal(reply.headers['www-authenticate'], 'Basic');
  },
  'passes on the URL unchanged, and Host, X-Forwarded-For and X-Forwarded-Proto': async (bench) => {
    const headers = {
      host: 'files.example:8080',
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'elsewhere.example',
    };
    const url = '/echo/a%2Fb%20c%41~%7E?x=%2F+%20';
    const reply = await askServer(bench.port, { path: url, headers });
    const received = JSON.parse(reply.body.toString()) as { url: string; headers: Record<string, string> };
    assert.equal(received.headers.host, 'files.example:8080');
    assert.equal(received.headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(received.headers['x-forwarded-proto'], 'http');
    assert.equal(received.headers['x-forwarded-host'], 'files.example:8080');
    assert.equal(received.url, url);
  },
};
