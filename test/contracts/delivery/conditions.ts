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
  'sends the Last-Modified and the ETag of the view': async (bench) => {
    const { etag, modified } = await validators(bench);
    const { headers } = await bench.ask('streamed', 'big.bin');
    assert.equal(modified, headers['last-modified']);
    assert.equal(etag, headers.etag);
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
  'never takes two files of one size and one second for the same': async (bench) => {
    const second = new Date(Date.now() - 3_600_000);
    const names = ['twin-a.bin', 'twin-b.bin'] as const;
    for (const name of names) bench.write(name, 20_000, second);
    const [a, b] = names.map((name) => bytesOf(name, 20_000));
    const ask = (name: string, headers: Readonly<Record<string, string>> = {}) =>
      bench.ask('tagged', name, { headers });
    const [first, other] = [(await ask(names[0])).headers.etag!, (await ask(names[1])).headers.etag!];
    assert.notEqual(first, other);
    assertBody(await ask(names[1], { 'if-none-match': first }), 200, b!);
    assertBody(await ask(names[1], { 'if-none-match': other }), 304, Buffer.alloc(0));
    const range = 'bytes=100-199';
    assertBody(await ask(names[1], { range, 'if-range': first }), 200, b!);
    const part = await ask(names[0], { range, 'if-range': first });
    assertBody(part, 206, a!.subarray(100, 200));
    assert.equal(part.headers.etag, first);
    assert.equal((await ask(names[1], { 'if-match': first })).status, 412);
    assertBody(await ask(names[1], { 'if-match': other }), 200, b!);
  },
  'compares times with that of the view, not with that on the disk': async (bench) => {
    const onDisk = new Date(Date.now() - 3_600_000);
    bench.write('time.bin', 20_000, onDisk);
    const ask = (since: string) => bench.ask('tagged', 'time.bin', { headers: { 'if-modified-since': since } });
    const { 'last-modified': modified } = (await bench.ask('tagged', 'time.bin')).headers;
    assert.equal(modified, new Date(onDisk.getTime() + 1_800_000).toUTCString());
    assertBody(await ask(modified), 304, Buffer.alloc(0));
    assertBody(await ask(onDisk.toUTCString()), 200, bytesOf('time.bin', 20_000));
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
