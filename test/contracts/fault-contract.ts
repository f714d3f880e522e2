import { jest } from '@jest/globals';
import fs, { appendFileSync, truncateSync } from 'node:fs';
import { bodyIn, DownloadServer, MiB } from '../adapters/download-server.js';
import type { MountedAdapter } from '../adapters/every-adapter.js';
import { askServer, head, talk, until, type RawTalk } from '../adapters/server.js';

/** What every adapter must do when a file, the disk or a client fails during a download. */
export function faultContract(name: string, adapter: MountedAdapter): void {
  describe(`${name} keeps the fault contract`, () => {
    const server = new DownloadServer(adapter);
    const { file, errors, hookCalls } = server;
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);

    beforeAll(async () => {
      process.on('unhandledRejection', note);
      await server.start();
    });
    afterAll(async () => {
      await server.stop();
      process.off('unhandledRejection', note);
    });
    beforeEach(() => {
      server.reset();
      // Frameworks log failures; a client that disconnects must not be logged.
      jest.spyOn(console, 'error').mockImplementation(() => undefined);
    });
    afterEach(() => {
      jest.restoreAllMocks();
      expect(unhandled).toEqual([]);
    });

    /** The bytes received from now on until the server closes the connection. */
    const rest = async (client: RawTalk) => {
      const chunks: Buffer[] = [];
      client.socket.on('data', (chunk) => chunks.push(chunk));
      await client.closed;
      return Buffer.concat(chunks);
    };
    const underWay = (client: RawTalk) => until(() => client.socket.readableLength > 0, 'the download was under way');

    it('closes the connection when a file is cut, so that the next response is not read as its body', async () => {
      server.fill(64 * MiB);
      const client = await talk(server.port, head('GET') + head('GET', '/next'), { paused: true });
      await underWay(client);
      truncateSync(file, 16 * MiB);
      const start = Date.now();
      const received = await rest(client);
      expect(Date.now() - start).toBeLessThan(1_500);
      expect(received.byteLength).toBeLessThan(17 * MiB);
      expect(received.includes('NEXT')).toBe(false);
      expect(received.toString('latin1').match(/HTTP\/1\.1 200/g)).toHaveLength(1);
      expect(errors).toMatchObject([{ code: 'incomplete' }]);
      expect(server.hooksOf('/')).toEqual(['start', 'abort']);
      await until(() => server.descriptors() === 0, 'the file was closed');
      const next = server.hooksOf('/next');
      expect(next.filter((hook) => hook !== 'start')).toHaveLength(next.length / 2);
    });

    it('sends exactly the promised length of a file that grows, and keeps the connection usable', async () => {
      server.fill(16 * MiB);
      const both = head('GET') + head('GET', '/next', { connection: 'close' });
      const client = await talk(server.port, both, { paused: true });
      await underWay(client);
      appendFileSync(file, Buffer.alloc(MiB, 2));
      const body = bodyIn(await rest(client));
      expect(body.subarray(0, 16 * MiB).equals(Buffer.alloc(16 * MiB))).toBe(true);
      expect(body.subarray(16 * MiB, 16 * MiB + 8).toString()).toBe('HTTP/1.1');
      expect(body.subarray(-4).toString()).toBe('NEXT');
      expect(hookCalls.filter(([, hook]) => hook !== 'start').sort()).toEqual([
        ['/', 'complete', 16 * MiB],
        ['/next', 'complete', 4],
      ]);
      expect(errors).toEqual([]);
    });

    it('leaves no descriptor open when sixty clients disconnect, and reports no error', async () => {
      server.fill(32 * MiB);
      const before = fs.readdirSync('/proc/self/fd').length;
      const clients = await Promise.all(
        Array.from({ length: 60 }, () => talk(server.port, head('GET'), { paused: true })),
      );
      await until(() => server.descriptors() === 60, 'all downloads were under way');
      for (const client of clients) client.socket.destroy();
      await until(() => server.descriptors() === 0, 'all files were closed');
      await until(() => fs.readdirSync('/proc/self/fd').length <= before, 'all connections were closed');
      await until(() => hookCalls.length >= 120, 'the hooks were called');
      expect(server.hooksOf('/').sort()).toEqual([...Array(60).fill('abort'), ...Array(60).fill('start')]);
      expect(errors).toEqual([]);
      expect(console.error).not.toHaveBeenCalled();
    });

    it('leaves no descriptor open after idleTimeout when a client with a hundred pipelined requests disconnects', async () => {
      server.fill(32 * MiB);
      // Only fetch needs it: Hono does not report requests whose turn never came.
      server.idleTimeout = 1_000;
      const client = await talk(server.port, head('GET').repeat(100), { paused: true });
      await underWay(client);
      client.socket.destroy();
      await until(() => server.descriptors() === 0, 'all files were closed');
      await until(
        () => hookCalls.filter(([, hook]) => hook !== 'start').length * 2 === hookCalls.length,
        'each start has an end',
      );
      expect(server.hooksOf('/')).not.toContain('complete');
      expect(errors).toEqual([]);
    });

    it('disconnects a client that stops reading after idleTimeout, and closes its file', async () => {
      server.fill(64 * MiB);
      server.idleTimeout = 300;
      const client = await talk(server.port, head('GET'), { paused: true });
      await underWay(client);
      const start = Date.now();
      await until(() => server.descriptors() === 0, 'the file was closed', 5_000);
      expect(Date.now() - start).toBeGreaterThan(200);
      await rest(client);
      expect(server.hooksOf('/')).toEqual(['start', 'abort']);
      expect(errors).toEqual([]);
    });

    it('reads nothing, leaves nothing open and calls no hook for HEAD of 5 GiB', async () => {
      server.fill(5 * 1024 * MiB);
      const read = jest.spyOn(fs, 'read');
      const reply = await askServer(server.port, { method: 'HEAD' });
      expect({ status: reply.status, 'content-length': reply.headers['content-length'] }).toEqual({
        status: 200,
        'content-length': String(5 * 1024 * MiB),
      });
      expect(read).not.toHaveBeenCalled();
      expect({ descriptors: server.descriptors(), hookCalls, errors }).toEqual({
        descriptors: 0,
        hookCalls: [],
        errors: [],
      });
    });

    it('breaks the connection when a read fails after 1 MiB, and serves the next client', async () => {
      const bytes = Buffer.alloc(128 * 1024);
      const failure = Object.assign(new Error('EIO'), { code: 'EIO' });
      let closed = 0;
      const read = async (buffer: Uint8Array, position: number) => {
        if (position >= MiB) throw failure;
        // New memory may hold what was sent before.
        buffer.set(bytes);
        return bytes.byteLength;
      };
      const stream = async function* () {
        for (let position = 0; position < MiB; position += bytes.byteLength) yield bytes;
        throw failure;
      };
      const body = { size: 16 * MiB, read, stream, close: () => (closed += 1) };
      server.sources['/'] = () => ({ name: 'x', size: 16 * MiB, open: async () => body });
      const client = await talk(server.port, head('GET') + head('GET', '/next'));
      await client.closed;
      expect(client.received().includes('NEXT')).toBe(false);
      expect(bodyIn(client.received()).byteLength).toBeLessThanOrEqual(MiB);
      expect(errors).toEqual([failure]);
      expect(server.hooksOf('/')).toEqual(['start', 'abort']);
      expect(closed).toBeGreaterThan(0);
      expect((await askServer(server.port, { path: '/next' })).body.toString()).toBe('NEXT');
    });
  });
}
