import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http, { type IncomingHttpHeaders } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { frontConfiguration, type FrontName } from 'filefield';
import { serve, type RunningServer } from '../adapters/server.js';
import { frontNames } from '../../src/fronts/fronts.js';
import { aroundSites } from './around-sites.js';
import { freePort, haveFront, startFront, type RunningFront } from './start-front.js';

const site = 'max-age=31536000; includeSubDomains';

/** A machine may be without IPv6, such as a container. */
const loopback = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .map(({ address }) => address)
  .filter((address) => address === '127.0.0.1' || address === '::1');

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly text: string;
}

/** Sends a request for a host to an address or a socket. */
function ask(to: object, host: string, wanted = '/', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = { ...to, path: wanted, headers: { ...headers, host }, agent: false };
    const request = http.request(asked, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const { statusCode: status = 0, headers: received, rawHeaders } = response;
        resolve({ status, headers: received, rawHeaders, text });
      });
    });
    request.on('error', reject).end();
  });
}

/** What an application says of a request. */
interface Told {
  readonly by: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

for (const server of frontNames) {
  (haveFront(server) ? describe : describe.skip)(`two sites of ${server}`, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sites-'));
    const applications: RunningServer[] = [];
    const socket = path.join(folder, 'app.sock');
    const frontSocket = path.join(folder, 'front.sock');
    let front: RunningFront | undefined;
    let port = 0;
    let overSocket: http.Server;

    const listener =
      (by: string): http.RequestListener =>
      ({ url = '', headers }, response) => {
        response.setHeader('strict-transport-security', 'max-age=1');
        if (!url.endsWith('/file')) return void response.end(JSON.stringify({ by, url, headers }));
        response.writeHead(200, fileHeaders(server, path.join(folder, by === 'b' ? 'b' : 'a'))).end();
      };
    const told = async (...request: Parameters<typeof ask>) => JSON.parse((await ask(...request)).text) as Told;
    const v4 = () => ({ host: '127.0.0.1', port });

    beforeAll(async () => {
      chmodSync(folder, 0o755);
      for (const name of ['a', 'b']) {
        mkdirSync(path.join(folder, name));
        writeFileSync(path.join(folder, name, 'f'), `file of ${name}`);
      }
      applications.push(await serve(listener('a1')), await serve(listener('b')));
      overSocket = http.createServer(listener('a2'));
      await new Promise<void>((resolve) => overSocket.listen(socket, resolve));
      chmodSync(socket, 0o777);
      port = await freePort();
      const [first, second] = applications.map((application) => `http://127.0.0.1:${application.port}`);
      const print = (name: string, more: object) =>
        frontConfiguration(server, {
          places: [{ folder: path.join(folder, name), prefix: '/_p' }],
          upstream: second!,
          listen: String(port),
          ...more,
        });
      const sites = [
        print('a', {
          upstream: [first, `unix:${socket}`],
          serverName: ['a.example', 'www.a.example', '*.wild.example'],
          headers: { 'Strict-Transport-Security': site, 'X-Site': 'a' },
        }),
        print('b', { serverName: 'b.example', trustProxy: true }),
        print('b', { serverName: 'below.example', path: '/app' }),
        ...(server === 'nginx' ? [print('b', { listen: `unix:${frontSocket}` })] : []),
      ];
      const run = path.join(folder, 'run');
      front = await startFront(server, run, aroundSites(server, sites, run), port);
      if (server === 'nginx') chmodSync(frontSocket, 0o777);
    });
    afterAll(async () => {
      await front?.stop();
      for (const application of applications) await application.close();
      overSocket?.close();
      rmSync(folder, { recursive: true });
    });

    it('answers each name with its application, on IPv4 and IPv6', async () => {
      // For Caddy, a wildcard is one label.
      const names = [
        'a.example',
        'www.a.example',
        'x.wild.example',
        ...(server === 'caddy' ? [] : ['x.y.wild.example']),
      ];
      for (const host of loopback) {
        const to = { host, port };
        for (const name of [...names, `A.example:${port}`]) {
          expect((await told(to, name)).by).toMatch(/^a/);
          expect((await ask(to, name, '/file')).text).toBe('file of a');
        }
        expect((await told(to, 'b.example')).by).toBe('b');
        expect((await ask(to, 'b.example', '/file')).text).toBe('file of b');
      }
    });

    it('passes on requests below the path of the application only, unchanged', async () => {
      expect(await told(v4(), 'below.example', '/app/a%2Fb?x=%20')).toMatchObject({ by: 'b', url: '/app/a%2Fb?x=%20' });
      expect((await ask(v4(), 'below.example', '/app/file')).text).toBe('file of b');
      for (const outside of ['/', '/file', '/application', '/_p/f', '/x/app/file']) {
        const { status, text } = await ask(v4(), 'below.example', outside);
        // Without listings of folders, lighttpd refuses "/".
        const refused = status === 404 || status === 403;
        expect({ outside, refused, told: /"by"|file of/.test(text) }).toEqual({ outside, refused: true, told: false });
      }
    });

    it('passes on the URL unchanged to several processes', async () => {
      const url = '/echo/a%2Fb%20c%41~%7E?x=%2F+%20';
      expect((await told(v4(), 'a.example', url)).url).toBe(url);
    });

    it('uses both processes of an application, and the other one when one is gone', async () => {
      // Caddy chooses at random.
      const asked = await Promise.all(Array.from({ length: 40 }, () => told(v4(), 'a.example')));
      expect([...new Set(asked.map(({ by }) => by))].sort()).toEqual(['a1', 'a2']);
      await applications[0]!.close();
      for (let times = 0; times < 4; times += 1) expect((await told(v4(), 'a.example')).by).toBe('a2');
    });

    it('sends the headers of the site once with every response, in place of those of the application', async () => {
      for (const wanted of ['/file', '/', '/_p/f']) {
        const { rawHeaders, headers } = await ask(v4(), 'a.example', wanted);
        expect({ wanted, headers }).toMatchObject({ headers: { 'strict-transport-security': site, 'x-site': 'a' } });
        expect(rawHeaders.filter((name) => /^(strict-transport-security|x-site)$/i.test(name))).toHaveLength(2);
      }
      expect((await ask(v4(), 'b.example', '/file')).headers['strict-transport-security']).toBe('max-age=1');
    });

    it('keeps what a trusted proxy says about the client, and says it itself if there is none', async () => {
      const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' };
      const kept = (await told(v4(), 'b.example', '/', forwarded)).headers;
      expect(kept['x-forwarded-proto']).toBe('https');
      expect(kept['x-forwarded-for']).toMatch(/^203\.0\.113\.7, ?127\.0\.0\.1$/);
      const own = (await told(v4(), 'b.example')).headers;
      expect(own).toMatchObject({ 'x-forwarded-proto': 'http', 'x-forwarded-for': '127.0.0.1' });
      const replaced = (await told(v4(), 'a.example', '/', forwarded)).headers;
      expect(replaced).toMatchObject({ 'x-forwarded-proto': 'http', 'x-forwarded-for': '127.0.0.1' });
    });

    if (server === 'caddy' || server === 'nginx') {
      it('refuses another default site for the same port, such as that of Debian', async () => {
        const other = await freePort();
        const ours = frontConfiguration(server, {
          places: [{ folder: path.join(folder, 'a'), prefix: '/_p' }],
          upstream: `unix:${socket}`,
          listen: String(other),
        });
        const debian =
          server === 'nginx' ? `server { listen ${other} default_server; }` : `:${other} {\n\tfile_server\n}\n`;
        const run = path.join(folder, 'default');
        const started = startFront(server, run, aroundSites(server, [debian, ours], run), other);
        await expect(started).rejects.toThrow(/duplicate default server|ambiguous site definition/);
      });
    }

    if (server !== 'nginx') return;
    it('listens on a socket', async () => {
      expect((await ask({ socketPath: frontSocket }, 'any.example', '/file')).text).toBe('file of b');
    });
  });
}

function fileHeaders(server: FrontName, folder: string): http.OutgoingHttpHeaders {
  return server === 'nginx' || server === 'caddy'
    ? { 'x-accel-redirect': '/_p/f' }
    : { 'x-sendfile': path.join(folder, 'f') };
}
