import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { askServer, head, talk, until } from '../../adapters/server.js';
import { freePort } from '../../fronts/start-front.js';
import type { DeliveryClaims } from '../delivery-contract.js';
import { bytesOf, type DeliveryBench } from './bench.js';

/** Starts a process that answers every request with these headers and no body. */
async function answering(bench: DeliveryBench, port: number, headers: http.IncomingHttpHeaders): Promise<ChildProcess> {
  const file = path.join(bench.folder, 'application.cjs');
  writeFileSync(
    file,
    `const [port, headers] = process.argv.slice(2).map(JSON.parse);
     require('node:http').createServer((request, response) => response.writeHead(200, headers).end())
       .listen(port, '127.0.0.1', () => process.send('listening'));`,
  );
  const child = fork(file, [String(port), JSON.stringify(headers)], { execArgv: [] });
  await new Promise((resolve) => child.once('message', resolve));
  return child;
}

export const throughClaims: DeliveryClaims = {
  'passes on a streamed response chunk by chunk': async (bench) => {
    let open = () => {};
    bench.gate = new Promise((resolve) => (open = resolve));
    const client = await talk(bench.port, head('GET', '/virtual/', { connection: 'close' }));
    await until(() => client.received().includes('first,'), 'the first chunk arrived', 3000);
    assert.ok(!client.received().includes('last'));
    open();
    await until(() => client.received().includes('last'), 'the last chunk arrived');
    client.socket.destroy();
  },
  'passes on a WebSocket in both directions': async (bench) => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket' };
    const client = await talk(bench.port, head('GET', '/socket', headers));
    await until(() => client.received().includes('hello'), 'the application spoke', 3000);
    assert.match(client.received().toString(), /^HTTP\/1\.1 101 /);
    client.socket.write('ping');
    await until(() => client.received().includes('ping'), 'the application echoed', 3000);
    client.socket.destroy();
  },
  'passes on no other protocol than WebSocket, except for Caddy': async (bench) => {
    const headers = { connection: 'Upgrade, close', upgrade: 'h2c' };
    if (bench.member.passesProtocols) {
      const client = await talk(bench.port, head('GET', '/socket', headers));
      await until(() => client.received().includes('hello'), 'the application spoke', 3000);
      return void client.socket.destroy();
    }
    const reply = await askServer(bench.port, { path: '/echo/', headers });
    const received = JSON.parse(reply.body.toString()) as { headers: Record<string, string> };
    assert.equal(reply.status, 200);
    assert.equal(received.headers.upgrade, undefined);
  },
  'passes on a request of HTTP/1.0 without Host': async (bench) => {
    const client = await talk(bench.port, 'GET /echo/ HTTP/1.0\r\n\r\n');
    await client.closed;
    assert.match(client.received().toString(), /^HTTP\/1\.[01] 200 /);
  },
  'passes on an upload of 12 MB unbuffered': async (bench) => {
    const request = http.request({
      port: bench.port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/upload/',
      agent: false,
    });
    request.setHeader('content-length', 12_000_000);
    const body = new Promise<string>((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      });
    });
    request.write(Buffer.alloc(100_000));
    await until(() => bench.arrived >= 50_000, 'the first bytes had arrived', 3000);
    request.end(Buffer.alloc(11_900_000));
    assert.equal(await body, '12000000');
  },
  'finishes a download when the application is killed, and returns 502 or 503 to the next request': async (bench) => {
    const size = 48_000_000;
    bench.write('huge.bin', size);
    // The headers of the real application, for a process that can be killed.
    const { headers } = await askServer(bench.application.port, { path: bench.url('file', 'huge.bin') });
    const upstream = await freePort();
    const child = await answering(bench, upstream, headers);
    const port = await bench.front(upstream);
    const client = await talk(port, head('GET', '/', { connection: 'close' }), { paused: true });
    await until(() => client.socket.bytesRead > 0, 'the download had begun');
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    const chunks: Buffer[] = [];
    assert.ok(client.socket.bytesRead < size / 2, 'the download was over too soon');
    client.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await client.closed;
    const received = Buffer.concat(chunks);
    const body = received.subarray(received.indexOf('\r\n\r\n') + 4);
    assert.equal(body.byteLength, size);
    assert.ok(body.equals(bytesOf('huge.bin', size)), 'the bytes differ from the file');
    assert.equal((await askServer(port)).status, bench.member.away);
    const again = await answering(bench, upstream, { 'content-type': 'text/plain' });
    // lighttpd and Caddy wait for a moment before they try again.
    const end = Date.now() + 10_000;
    while ((await askServer(port)).status !== 200)
      assert.ok(Date.now() < end, 'the server did not reach the application again');
    again.kill();
  },
};
