import assert from 'node:assert/strict';
import { chmodSync, rmSync } from 'node:fs';
import { askServer } from '../../adapters/server.js';
import type { DeliveryClaims } from '../delivery-contract.js';
import { bytesOf, type BenchReply, type DeliveryBench } from './bench.js';
import { assertNoLeak } from './headers.js';

const secret = bytesOf('outside', 20_000).subarray(0, 100);

/** Asks for a file to which something happens once the application has looked. */
async function lose(bench: DeliveryBench, happens: (file: string) => void): Promise<BenchReply> {
  bench.write('lost.bin', 20_000);
  bench.meanwhile = () => happens(bench.path('lost.bin'));
  const reply = await bench.ask('changing', 'lost.bin');
  rmSync(bench.path('lost.bin'), { recursive: true, force: true });
  assert.ok(!reply.body.includes(bytesOf('lost.bin', 100)), 'the file was sent');
  assert.match(reply.headers['cache-control'] ?? 'no-store', /no-store/, 'a cache may keep the refusal');
  assertNoLeak(bench, reply);
  return reply;
}

export const refusalClaims: DeliveryClaims = {
  'answers 404 for a file that is not there, without the head of a download': async (bench) => {
    const reply = await bench.ask('file', 'not-there.bin');
    const { etag, 'content-disposition': disposition, 'cache-control': caching } = reply.headers;
    assert.deepEqual([reply.status, etag, disposition, caching], [404, undefined, undefined, undefined]);
    const folder = await bench.ask('file', 'deep');
    assert.deepEqual([folder.status, folder.headers['content-disposition']], [404, undefined]);
  },
  'sends nothing of a file that vanishes at the last moment': async (bench) => {
    const reply = await lose(bench, (file) => rmSync(file));
    const { etag, 'content-disposition': disposition } = reply.headers;
    assert.deepEqual([reply.status, etag], [bench.member.lost.gone, undefined]);
    assert.equal(disposition !== undefined, bench.member.keepsHeadOfLost);
    assert.equal(reply.headers['x-content-type-options'] ?? 'nosniff', 'nosniff');
  },
  'sends nothing of what has become a folder': async (bench) => {
    const reply = await lose(bench, (file) => {
      rmSync(file);
      bench.write('lost.bin/index.html', 20_000);
    });
    assert.ok(!reply.body.includes(bytesOf('lost.bin/index.html', 100)), 'another file was sent');
    assert.equal(reply.status, bench.member.lost.folder);
  },
  'sends nothing of a file that it may not read': async (bench) => {
    const reply = await lose(bench, (file) => chmodSync(file, 0));
    assert.equal(reply.status, bench.member.lost.unreadable);
  },
  'sends nothing from outside of its places, even if the application asks for it': async (bench) => {
    const { header, places, outside } = bench.member;
    const base = places === 'prefix' ? bench.prefix : bench.root;
    const wanted = [
      '/../outside.bin',
      '/%2e%2e/outside.bin',
      '/..%2foutside.bin',
      '/deep/../../outside.bin',
      '-evil/x',
    ];
    const absolute = places === 'folder' ? [`${bench.folder}/outside.bin`, '/etc/passwd'] : ['/etc/passwd'];
    for (const value of [...wanted.map((end) => base + end), ...absolute]) {
      bench.forged = { [header]: value };
      const reply = await bench.ask('forged');
      assert.ok(outside.includes(reply.status), `${value} got ${reply.status}`);
      assert.ok(!reply.body.includes(secret) && !reply.body.includes('root:'), `${value} was sent`);
    }
  },
  'lets no client reach the files without the view': async (bench) => {
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
      // Caddy tells clients to ask anew for what it would write differently.
      assert.equal(reply.status, 404, `${wanted} got ${reply.status}`);
      assert.ok(reply.body.byteLength < 1000, `${wanted} was sent`);
    }
  },
};
