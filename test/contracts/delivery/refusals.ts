import assert from 'node:assert/strict';
import { chmodSync, rmSync } from 'node:fs';
import { askServer } from '../../adapters/server.js';
import type { DeliveryClaims } from '../delivery-contract.js';
import { bytesOf, type BenchReply, type DeliveryBench } from './bench.js';
import { assertNoLeak } from './headers.js';

const secret = bytesOf('outside', 20_000).subarray(0, 100);

/** Requests a file that is changed after the application has responded. */
async function lose(bench: DeliveryBench, change: (file: string) => void): Promise<BenchReply> {
  bench.write('lost.bin', 20_000);
  bench.meanwhile = () => change(bench.path('lost.bin'));
  const reply = await bench.ask('changing', 'lost.bin');
  rmSync(bench.path('lost.bin'), { recursive: true, force: true });
  assert.ok(!reply.body.includes(bytesOf('lost.bin', 100)), 'the file was sent');
  assert.match(reply.headers['cache-control'] ?? 'no-store', /no-store/, 'a cache may keep the response');
  assertNoLeak(bench, reply);
  return reply;
}

export const refusalClaims: DeliveryClaims = {
  'returns 404 without headers of a download when the file is missing': async (bench) => {
    const reply = await bench.ask('file', 'not-there.bin');
    const { etag, 'content-disposition': disposition, 'cache-control': caching } = reply.headers;
    assert.equal(reply.status, 404);
    assert.deepEqual({ etag, disposition, caching }, { etag: undefined, disposition: undefined, caching: undefined });
    const folder = await bench.ask('file', 'deep');
    assert.equal(folder.status, 404);
    assert.equal(folder.headers['content-disposition'], undefined);
  },
  'sends no bytes when the file vanishes after the application has responded': async (bench) => {
    const reply = await lose(bench, (file) => rmSync(file));
    const { etag, 'content-disposition': disposition } = reply.headers;
    assert.equal(reply.status, bench.member.lost.gone);
    assert.equal(etag, undefined);
    assert.equal(disposition !== undefined, bench.member.keepsHeadOfLost);
    assert.equal(reply.headers['x-content-type-options'] ?? 'nosniff', 'nosniff');
  },
  'sends no bytes when the file has become a folder': async (bench) => {
    const reply = await lose(bench, (file) => {
      rmSync(file);
      bench.write('lost.bin/index.html', 20_000);
    });
    assert.ok(!reply.body.includes(bytesOf('lost.bin/index.html', 100)), 'another file was sent');
    assert.equal(reply.status, bench.member.lost.folder);
  },
  'sends no bytes when it may not read the file': async (bench) => {
    const reply = await lose(bench, (file) => chmodSync(file, 0));
    assert.equal(reply.status, bench.member.lost.unreadable);
  },
  'sends no file outside of the place when the application names one': async (bench) => {
    const { outside } = bench.member;
    const { header, paths } = bench.server;
    const base = paths === 'uri' ? bench.prefix : bench.root;
    const wanted = [
      '/../outside.bin',
      '/%2e%2e/outside.bin',
      '/..%2foutside.bin',
      '/deep/../../outside.bin',
      '-evil/x',
    ];
    const absolute = paths === 'disk' ? [`${bench.folder}/outside.bin`, '/etc/passwd'] : ['/etc/passwd'];
    for (const value of [...wanted.map((end) => base + end), ...absolute]) {
      bench.forged = { [header]: value };
      const reply = await bench.ask('forged');
      assert.ok(outside.includes(reply.status), `${value} got ${reply.status}`);
      assert.ok(!reply.body.includes(secret) && !reply.body.includes('root:'), `${value} was sent`);
    }
  },
  'returns 404 to a client that requests the place itself': async (bench) => {
    const headers = {
      'x-accel-redirect': `${bench.prefix}/big.bin`,
      'x-sendfile': bench.path('big.bin'),
      'x-lighttpd-send-file': bench.path('big.bin'),
    };
    for (const wanted of [
      `${bench.prefix}/big.bin`,
      `/_filefield/%64ocuments/big.bin`,
      `/${bench.prefix}/big.bin`,
      `/x/..${bench.prefix}/big.bin`,
      `/x/%2e%2e${bench.prefix}/big.bin`,
      `${bench.prefix}/../documents/big.bin`,
      bench.path('big.bin'),
      '/nothing',
    ]) {
      const reply = await askServer(bench.port, { path: wanted, headers });
      assert.equal(reply.status, 404, `${wanted} got ${reply.status}`);
      assert.ok(reply.body.byteLength < 1000, `${wanted} was sent`);
    }
  },
};
