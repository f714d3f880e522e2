import assert from 'node:assert/strict';
import type { DeliveryClaims } from '../delivery-contract.js';
import { assertBody, assertSender } from './bytes.js';
import { bytesOf, type BenchReply, type DeliveryBench } from './bench.js';

const big = bytesOf('big.bin', 300_000);

async function validators(bench: DeliveryBench): Promise<{ readonly etag: string; readonly modified: string }> {
  const { etag, 'last-modified': modified } = (await bench.ask('file', 'big.bin')).headers;
  assert.ok(etag && modified, 'there is no ETag, or no Last-Modified');
  return { etag, modified };
}

const asks = (bench: DeliveryBench, headers: Readonly<Record<string, string>>): Promise<BenchReply> =>
  bench.ask('file', 'big.bin', { headers });

export const conditionClaims: DeliveryClaims = {
  'shows the tag and the time of the view, or those of the server where it has its own': async (bench) => {
    const { etag, modified } = await validators(bench);
    const { headers } = await bench.ask('streamed', 'big.bin');
    assert.equal(modified, headers['last-modified']);
    assert.equal(etag === headers.etag, bench.member.validators === 'view');
  },
  'answers 304 by the tag that was sent': async (bench) => {
    const { etag } = await validators(bench);
    const reply = await asks(bench, { 'if-none-match': etag });
    assertBody(reply, 304, Buffer.alloc(0));
    assert.equal(reply.headers.etag, etag);
    assertBody(await asks(bench, { 'if-none-match': '"other"' }), 200, big);
  },
  'answers 304 by the date that was sent': async (bench) => {
    const { modified } = await validators(bench);
    assertBody(await asks(bench, { 'if-modified-since': modified }), 304, Buffer.alloc(0));
    const earlier = new Date(Date.parse(modified) - 60_000).toUTCString();
    assertBody(await asks(bench, { 'if-modified-since': earlier }), 200, big);
  },
  'gives a changed file another tag': async (bench) => {
    bench.write('changes.bin', 20_000);
    const { etag } = (await bench.ask('file', 'changes.bin')).headers;
    bench.write('changes.bin', 20_001, new Date());
    const reply = await bench.ask('file', 'changes.bin', { headers: { 'if-none-match': etag! } });
    assertBody(reply, 200, bytesOf('changes.bin', 20_001));
  },
  'resumes only what is still the same': async (bench) => {
    const { etag, modified } = await validators(bench);
    const range = 'bytes=299990-';
    // A weak tag is no promise about bytes (RFC 9110 section 13.1.5).
    const strong = etag.startsWith('W/') ? modified : etag;
    assertBody(await asks(bench, { range, 'if-range': strong }), 206, big.subarray(299_990));
    assertBody(await asks(bench, { range, 'if-range': '"other"' }), 200, big);
    assertBody(await asks(bench, { range, 'if-range': 'Sun, 06 Nov 1994 08:49:37 GMT' }), 200, big);
  },
  'refuses a condition that fails': async (bench) => {
    const failing: Record<string, string>[] = [
      { 'if-match': '"other"' },
      { 'if-unmodified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' },
    ];
    for (const headers of failing) {
      const reply = await asks(bench, headers);
      assert.equal(reply.status, 412);
      assert.ok(reply.body.byteLength < 1000, 'the file was sent all the same');
      assertSender(reply, 'server');
    }
  },
};
