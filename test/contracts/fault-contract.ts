import { jest } from '@jest/globals';
import fs, { appendFileSync, truncateSync } from 'node:fs';
import { bodyIn, DownloadServer, MiB } from '../adapters/download-server.js';
import type { MountedAdapter } from '../adapters/every-adapter.js';
import { askServer, head, talk, until, type RawTalk } from '../adapters/server.js';

/** What every adapter must do when a file, a disk or a client fails while bytes are sent: descriptors, connections, hooks. */
export function faultContract(name: string, adapter: MountedAdapter): void {
  describe(`${name} keeps the fault contract`, () => {
    const server = new DownloadServer(adapter);
    const { file, errors, told } = server;
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
      // Frameworks print what breaks; of a client that leaves nobody need hear.
      jest.spyOn(console, 'error').mockImplementation(() => undefined);
    });
    afterEach(() => {
      jest.restoreAllMocks();
      expect(unhandled).toEqual([]);
    });

    /** All that comes from now on, once the server has closed the connection. */
    const rest = async (client: RawTalk) => {
      const chunks: Buffer[] = [];
      client.socket.on('data', (chunk) => chunks.push(chunk));
      await client.closed;
      return Buffer.concat(chunks);
    };
    const underWay = (client: RawTalk) => until(() => client.socket.readableLength > 0, 'the download was under way');

    it('a file that is cut closes the connection at once, and the next answer is never inside its body', async () => {
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

    it('a file that grows is sent to the promised length exactly, and the connection stays in step', async () => {
      server.fill(16 * MiB);
      const both = head('GET') + head('GET', '/next', { connection: 'close' });
      const client = await talk(server.port, both, { paused: true });
      await underWay(client);
      appendFileSync(file, Buffer.alloc(MiB, 2));
      const body = bodyIn(await rest(client));
      expect(body.subarray(0, 16 * MiB).equals(Buffer.alloc(16 * MiB))).toBe(true);
      expect(body.subarray(16 * MiB, 16 * MiB + 8).toString()).toBe('HTTP/1.1');
      expect(body.subarray(-4).toString()).toBe('NEXT');
      expect(told.filter(([, hook]) => hook !== 'start').sort()).toEqual([
        ['/', 'complete', 16 * MiB],
        ['/next', 'complete', 4],
      ]);
      expect(errors).toEqual([]);
    });

    it('sixty clients that vanish leave no descriptor behind, and are no error', async () => {
      server.fill(32 * MiB);
      const before = fs.readdirSync('/proc/self/fd').length;
      const clients = await Promise.all(
        Array.from({ length: 60 }, () => talk(server.port, head('GET'), { paused: true })),
      );
      await until(() => server.descriptors() === 60, 'all downloads were under way');
      for (const client of clients) client.socket.destroy();
      await until(() => server.descriptors() === 0, 'all files were closed');
      await until(() => fs.readdirSync('/proc/self/fd').length <= before, 'all connections were closed');
      await until(() => told.length >= 120, 'the hooks were told');
      expect(server.hooksOf('/').sort()).toEqual([...Array(60).fill('abort'), ...Array(60).fill('start')]);
      expect(errors).toEqual([]);
      expect(console.error).not.toHaveBeenCalled();
    });

    it('a client that sends a hundred requests at once and vanishes leaves nothing behind after idleTimeout', async () => {
      server.fill(32 * MiB);
      // Only fetch needs it: Hono has no word for requests whose turn never came.
      server.idleTimeout = 1_000;
      const client = await talk(server.port, head('GET').repeat(100), { paused: true });
      await underWay(client);
      client.socket.destroy();
      await until(() => server.descriptors() === 0, 'all files were closed');
      await until(
        () => told.filter(([, hook]) => hook !== 'start').length * 2 === told.length,
        'each start has an end',
      );
      expect(server.hooksOf('/')).not.toContain('complete');
      expect(errors).toEqual([]);
    });

    it('a client that stops reading is let go after idleTimeout, and its file closed', async () => {
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

    it('HEAD of 5 GiB reads nothing, leaves nothing open and tells no hook', async () => {
      server.fill(5 * 1024 * MiB);
      const read = jest.spyOn(fs, 'read');
      const reply = await askServer(server.port, { method: 'HEAD' });
      expect([reply.status, reply.headers['content-length']]).toEqual([200, String(5 * 1024 * MiB)]);
      expect(read).not.toHaveBeenCalled();
      expect([server.descriptors(), told, errors]).toEqual([0, [], []]);
    });

    it('a read that fails after 1 MiB breaks the connection, and the next client is served', async () => {
      const bytes = Buffer.alloc(128 * 1024);
      const failure = Object.assign(new Error('EIO'), { code: 'EIO' });
      let closed = 0;
      const read = async (_buffer: Uint8Array, position: number) => {
        if (position >= MiB) throw failure;
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
