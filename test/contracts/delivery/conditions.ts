import assert from 'node:assert/strict';
import type { DeliveryClaims } from '../delivery-contract.js';
import { assertBody, assertSender } from './bytes.js';
import { bytesOf, type BenchReply, type DeliveryBench } from './bench.js';

const big = bytesOf('big.bin', 300_000);

async function validators(bench: DeliveryBench): Promise<{ readonly etag: string; readonly modified: string }> {
  const { etag, 'last-modified': modified } = (await bench.ask('file', 'big.bin')).headers;
  assert.ok(etag && modified, 'ETag or Last-Modified is missing');
  return { etag, modified };
}

const request = (bench: DeliveryBench, headers: Readonly<Record<string, string>>): Promise<BenchReply> =>
  bench.ask('file', 'big.bin', { headers });

export const conditionClaims: DeliveryClaims = {
  'sends the Last-Modified of the file, and the ETag of the view or of the server': async (bench) => {
    const { etag, modified } = await validators(bench);
    const { headers } = await bench.ask('streamed', 'big.bin');
    assert.equal(modified, headers['last-modified']);
    assert.equal(etag === headers.etag, bench.server.validators === 'view');
  },
  'returns 304 when If-None-Match has the ETag': async (bench) => {
    const { etag } = await validators(bench);
    const reply = await request(bench, { 'if-none-match': etag });
    assertBody(reply, 304, Buffer.alloc(0));
    assert.equal(reply.headers.etag, etag);
    assertBody(await request(bench, { 'if-none-match': '"other"' }), 200, big);
  },
  'returns 304 when If-Modified-Since has the Last-Modified': async (bench) => {
    const { modified } = await validators(bench);
    assertBody(await request(bench, { 'if-modified-since': modified }), 304, Buffer.alloc(0));
    const earlier = new Date(Date.parse(modified) - 60_000).toUTCString();
    assertBody(await request(bench, { 'if-modified-since': earlier }), 200, big);
  },
  'sends another ETag after the file has changed': async (bench) => {
    bench.write('changes.bin', 20_000);
    const { etag } = (await bench.ask('file', 'changes.bin')).headers;
    bench.write('changes.bin', 20_001, new Date());
    const reply = await bench.ask('file', 'changes.bin', { headers: { 'if-none-match': etag! } });
    assertBody(reply, 200, bytesOf('changes.bin', 20_001));
  },
  'returns 206 only when If-Range matches': async (bench) => {
    const { etag, modified } = await validators(bench);
    const range = 'bytes=299990-';
    // If-Range needs a strong validator (RFC 9110 section 13.1.5).
    const strong = etag.startsWith('W/') ? modified : etag;
    assertBody(await request(bench, { range, 'if-range': strong }), 206, big.subarray(299_990));
    assertBody(await request(bench, { range, 'if-range': '"other"' }), 200, big);
    assertBody(await request(bench, { range, 'if-range': 'Sun, 06 Nov 1994 08:49:37 GMT' }), 200, big);
  },
  'returns 412 when If-Match or If-Unmodified-Since fails': async (bench) => {
    const failing: Record<string, string>[] = [
      { 'if-match': '"other"' },
      { 'if-unmodified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' },
    ];
    for (const headers of failing) {
      const reply = await request(bench, headers);
      assert.equal(reply.status, 412);
      assert.ok(reply.body.byteLength < 1000, 'the file was sent with the 412');
      assertSender(reply, 'server');
    }
  },
};
