import assert from 'node:assert/strict';
import { head, talk } from '../../adapters/server.js';
import { parseMultipart } from '../../support/parse-multipart.js';
import type { DeliveryClaims } from '../delivery-contract.js';
import { awkwardNames } from './awkward-names.js';
import { bytesOf, type BenchReply, type DeliveryBench } from './bench.js';

const big = bytesOf('big.bin', 300_000);

/** Fails unless the bytes of the file were sent by the server in front, or by the application. */
export function assertSender(reply: BenchReply, sender: 'server' | 'application'): void {
  const { sent = 0 } = reply;
  assert.equal(sent > 10_000 ? 'application' : 'server', sender, `the application sent ${sent} bytes`);
}

export function assertBody(reply: BenchReply, status: number, bytes: Uint8Array): void {
  assert.equal(reply.status, status);
  assert.ok(
    reply.body.equals(bytes),
    `the body of ${reply.body.byteLength} bytes differs from the file, which has ${bytes.byteLength}`,
  );
}

async function parts(bench: DeliveryBench, range: string): Promise<readonly string[]> {
  const reply = await bench.ask('file', 'big.bin', { headers: { range } });
  assert.equal(reply.status, 206);
  assertSender(reply, 'server');
  const { 'content-type': type = '', 'content-length': length } = reply.headers;
  assert.equal(length, String(reply.body.byteLength));
  // Not every server begins the body with an empty line.
  const body = Buffer.concat([Buffer.from('\r\n'), reply.body.subarray(reply.body.indexOf('--'))]);
  return parseMultipart(type, body).map(({ headers, bytes }) => {
    const [, start = '', end = ''] = /^bytes (\d+)-(\d+)\/300000$/.exec(headers['content-range'] ?? '') ?? [];
    assert.ok(bytes.equals(big.subarray(Number(start), Number(end) + 1)), `part ${start}-${end} has other bytes`);
    return `${start}-${end}`;
  });
}

/** Each name arrives unchanged, with its bytes, from the server in front if it can be given the name. */
const nameClaims: DeliveryClaims = Object.fromEntries(
  awkwardNames.map((name) => [
    `sends the file named ${JSON.stringify(name)} with an unchanged Content-Disposition`,
    async (bench: DeliveryBench) => {
      const reply = await bench.ask('file', name);
      assertBody(reply, 200, bytesOf(name, 20_000));
      assertSender(reply, bench.member.streams.includes(name) ? 'application' : 'server');
      const streamed = await bench.ask('streamed', name);
      assert.equal(reply.headers['content-disposition'], streamed.headers['content-disposition']);
      assert.equal(reply.headers['content-type'], streamed.headers['content-type']);
    },
  ]),
);

const rangeClaims: DeliveryClaims = Object.fromEntries(
  [
    ['bytes=100000-100009', 100_000, 100_009],
    ['bytes=299990-', 299_990, 299_999],
    ['bytes=-7', 299_993, 299_999],
    ['bytes=0-0', 0, 0],
    ['bytes=299999-999999', 299_999, 299_999],
  ].map(([range, start, end]) => [
    `sends the range ${range}`,
    async (bench: DeliveryBench) => {
      const reply = await bench.ask('file', 'big.bin', { headers: { range: String(range) } });
      assertBody(reply, 206, big.subarray(Number(start), Number(end) + 1));
      assert.equal(reply.headers['content-range'], `bytes ${start}-${end}/300000`);
      assertSender(reply, 'server');
    },
  ]),
);

export const byteClaims: DeliveryClaims = {
  'sends the file, of which the application sends no bytes': async (bench) => {
    const reply = await bench.ask('file', 'big.bin');
    assertBody(reply, 200, big);
    assert.equal(reply.headers['content-length'], '300000');
    assert.equal(reply.headers['accept-ranges'], bench.member.saysRanges ? 'bytes' : undefined);
    assert.ok(reply.sent! < 1000, `the application sent ${reply.sent} bytes`);
  },
  'sends files of a storage view and of a path view': async (bench) => {
    for (const route of ['stored', 'path']) {
      const reply = await bench.ask(route, 'deep/er/est.bin');
      assertBody(reply, 200, bytesOf('deep/er/est.bin', 20_000));
      assertSender(reply, 'server');
    }
  },
  ...nameClaims,
  ...rangeClaims,
  'sends several ranges as multipart, each with its bytes': async (bench) => {
    assert.deepEqual(await parts(bench, 'bytes=0-9,100000-100009,-5'), ['0-9', '100000-100009', '299995-299999']);
  },
  'sends ranges with a small gap, separately or joined': async (bench) => {
    const range = 'bytes=0-9,20-29';
    if (!bench.member.joinsRanges) return assert.equal((await parts(bench, range)).join(), '0-9,20-29');
    const reply = await bench.ask('file', 'big.bin', { headers: { range } });
    assertBody(reply, 206, big.subarray(0, 30));
    assert.equal(reply.headers['content-range'], 'bytes 0-29/300000');
  },
  'returns 416 when the range starts after the end': async (bench) => {
    const reply = await bench.ask('file', 'big.bin', { headers: { range: 'bytes=300000-' } });
    assert.equal(reply.status, 416);
    assert.equal(reply.headers['content-range'], bench.member.tellsSize ? 'bytes */300000' : undefined);
    assertSender(reply, 'server');
  },
  'answers HEAD with the length and no body, and the next request on the connection': async (bench) => {
    const reply = await bench.ask('file', 'big.bin', { method: 'HEAD' });
    assertBody(reply, 200, Buffer.alloc(0));
    assert.equal(reply.headers['content-length'], '300000');
    const next = head('GET', bench.url('refused', ''), { connection: 'close' });
    const client = await talk(bench.port, head('HEAD', bench.url('file', 'big.bin')) + next);
    await client.closed;
    const end = client.received().indexOf('\r\n\r\n') + 4;
    assert.equal(
      client
        .received()
        .subarray(end, end + 12)
        .toString(),
      'HTTP/1.1 401',
    );
    const ranged = await bench.ask('file', 'big.bin', { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    assertBody(ranged, bench.member.headOfRange, Buffer.alloc(0));
  },
  'lets the application stream a file outside of the place': async (bench) => {
    const reply = await bench.ask('outside');
    assertBody(reply, 200, bytesOf('outside', 20_000));
    assertSender(reply, 'application');
  },
  'sends an empty file': async (bench) => {
    bench.write('empty.bin', 0);
    assertBody(await bench.ask('file', 'empty.bin'), 200, Buffer.alloc(0));
  },
};
