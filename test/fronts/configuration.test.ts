import { mkdirSync, mkdtempSync, chmodSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { frontConfiguration, type FrontName, type FrontSetup } from 'filefield';
import { askServer, serve, type RunningServer } from '../adapters/server.js';
import { frontNames as servers } from '../../src/fronts/fronts.js';
import { aroundSites } from './around-sites.js';
import { freePort, haveFront, startFront } from './start-front.js';

const setup: FrontSetup = {
  places: [{ folder: '/srv/var/documents', prefix: '/_filefield/documents' }],
  upstream: 'http://127.0.0.1:3000',
  listen: '127.0.0.1:8080',
};
const remote = { url: 'https://bucket.s3.example', prefix: '/_filefield/photos' };
const place = (folder: string, prefix = '/_p') => ({ places: [{ folder, prefix }] });

describe('frontConfiguration', () => {
  it.each<[string, Partial<FrontSetup>, RegExp]>([
    ['no place', { places: [] }, /at least one folder/],
    ['a relative folder', place('var/documents'), /must be absolute/],
    ['the root folder', place('/'), /all files of the machine/],
    ['a folder with dots', place('/srv/../etc'), /must not contain "\." or "\.\."/],
    ['a folder with a newline', place('/srv/a\nb'), /a configuration cannot contain/],
    ['a folder with a control character', place('/srv/a\u0007'), /a configuration cannot contain/],
    ['a folder with a lone surrogate', place('/srv/\ud800'), /a configuration cannot contain/],
    ['a prefix without a slash', place('/srv', '_p'), /must be like/],
    ['the root as a prefix', place('/srv', '/'), /must be like/],
    ['a prefix with dots', place('/srv', '/_p/../x'), /must be like/],
    ['a prefix with a brace', place('/srv', '/_p {'), /must be like/],
    ['one prefix for two places', { ...place('/srv'), remotes: [{ ...remote, prefix: '/_p/' }] }, /overlap/],
    ['a prefix below another', { ...place('/srv'), remotes: [{ ...remote, prefix: '/_p/x' }] }, /overlap/],
    ['an upstream without a protocol', { upstream: '127.0.0.1:3000' }, /http:\/\/ or https:\/\//],
    ['an upstream with another protocol', { upstream: 'ftp://127.0.0.1' }, /http:\/\/ or https:\/\//],
    ['an upstream with a path', { upstream: 'http://127.0.0.1/app' }, /nothing more/],
    ['an upstream with a password', { upstream: 'http://a:b@127.0.0.1' }, /nothing more/],
    ['a remote with a query', { remotes: [{ ...remote, url: 'https://s3.example/?x' }] }, /nothing more/],
    [
      'a remote with a variable in its path',
      { remotes: [{ ...remote, url: 'https://s3.example/$uri' }] },
      /nothing more/,
    ],
    ['an address without a port', { listen: '127.0.0.1' }, /"listen" must be like/],
    ['a port above 65535', { listen: '70000' }, /"listen" must be like/],
    ['text after the port', { listen: '8080; #' }, /"listen" must be like/],
    ['a host name with a space', { serverName: 'a b' }, /must be a host name/],
    ['a wildcard inside of a host name', { serverName: 'a.*.example' }, /must be a host name/],
    ['a wildcard for every name', { serverName: '*' }, /must be a host name/],
    ['no upstream', { upstream: [] }, /no address/],
    ['a relative socket', { upstream: 'unix:run/app.sock' }, /http:\/\/ or https:\/\//],
    ['a socket with a semicolon', { upstream: 'unix:/run/a;b' }, /http:\/\/ or https:\/\//],
    ['several upstreams with TLS', { upstream: ['https://a.example', 'https://b.example'] }, /must start with http/],
    ['a header of the file', { headers: { 'Content-Type': 'text/html' } }, /cannot set "Content-Type"/],
    ['a policy that would end that of downloads', { headers: { 'Content-Security-Policy': 'x' } }, /cannot set/],
    ['a header with a variable', { headers: { 'X-Site': '$host' } }, /must have a value of ASCII/],
    ['a header with a line break', { headers: { 'X-Site': 'a\nb' } }, /must have a value of ASCII/],
    ['a name server by its name', { resolver: ['dns.example'] }, /addresses of name servers/],
    ['a path without a slash', { path: 'app' }, /"path" must be like/],
    ['a path with dots', { path: '/app/..' }, /"path" must be like/],
    ['a path with a blank', { path: '/a b' }, /"path" must be like/],
    ['a relative standalone folder', { standalone: 'run' }, /must be absolute/],
  ])('throws invalid_option for %s, for every server', (_fault, wrong, message) => {
    for (const server of servers) {
      const print = () => frontConfiguration(server, { ...setup, ...wrong });
      expect(print).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
      );
    }
  });

  it.each(['apache', 'lighttpd', 'caddy'] as const)(
    'throws invalid_option for remotes of %s, which cannot fetch',
    (server) => {
      expect(() => frontConfiguration(server, { ...setup, remotes: [remote] })).toThrow(/Only nginx/);
    },
  );

  it.each(['apache', 'lighttpd', 'caddy'] as const)(
    'throws invalid_option for a socket in "listen" of %s',
    (server) => {
      expect(() => frontConfiguration(server, { ...setup, listen: 'unix:/run/front.sock' })).toThrow(
        /Give a port.*nginx/,
      );
    },
  );

  it.each<[FrontName, string]>([
    ['nginx', 'rm /etc/nginx/sites-enabled/default'],
    ['apache', 'a2dissite 000-default'],
    ['caddy', 'Remove the site :80'],
  ])('says how to remove the default site of Debian, if the site for %s has no name', (server, sentence) => {
    expect(frontConfiguration(server, { ...setup, listen: '80' })).toContain(sentence);
    for (const other of [{ listen: '80', serverName: 'files.example' }, { listen: '8080' }]) {
      expect(frontConfiguration(server, { ...setup, ...other })).not.toContain(sentence);
    }
  });

  it('throws invalid_option for an https upstream of lighttpd', () => {
    expect(() => frontConfiguration('lighttpd', { ...setup, upstream: 'https://127.0.0.1:3443' })).toThrow(
      /cannot use TLS/,
    );
  });
});

/** Folders that the configuration of a server cannot name. */
const unquotable: Readonly<Record<FrontName, readonly string[]>> = {
  nginx: ['a$uri', '${HOME}'],
  apache: ['${HOME}'],
  lighttpd: ['end\\', 'a\\"b'],
  caddy: ['${HOME}', '{env.HOME}', '%{x}', 'end\\', 'a\\"b'],
};
const folders = [
  'a b',
  ' x ',
  `it's`,
  'q"q',
  '`t`',
  'a#b',
  '#',
  'a;b',
  'a$uri',
  '${HOME}',
  '{env.HOME}',
  '%{x}',
  '100%41',
]
  .concat('back\\slash', 'a\\nb', 'end\\', 'a\\"b', '<VirtualHost>', 'ü 日本')
  .concat('x'.repeat(200));

for (const server of servers) {
  (haveFront(server) ? describe : describe.skip)(`the configuration for ${server}`, () => {
    const base = mkdtempSync(path.join(tmpdir(), 'proxy-'));
    let application: RunningServer;
    let file = '';
    beforeAll(async () => {
      chmodSync(base, 0o755);
      application = await serve((request, response) => {
        if (request.url !== '/file') return void response.end(`asked for ${request.url} at ${request.headers.host}`);
        const sendfile =
          server === 'apache' ? Buffer.from(file).toString('latin1') : encodeURI(file).replace('#', '%23');
        const name =
          server === 'nginx' || server === 'caddy' ? ['x-accel-redirect', '/_p/f'] : ['x-sendfile', sendfile];
        response.writeHead(200, name).end();
      });
    });
    afterAll(async () => {
      await application.close();
      rmSync(base, { recursive: true });
    });

    /** Hands over one file of a folder, with the configuration that `make` returns. */
    async function handOver(folder: string, make: (text: (more: object) => string, run: string) => string) {
      const port = await freePort();
      const run = path.join(base, `run-${port}`);
      mkdirSync(folder, { recursive: true });
      file = path.join(folder, 'f');
      writeFileSync(file, 'bytes');
      const wanted = {
        ...place(folder),
        upstream: `http://127.0.0.1:${application.port}`,
        listen: `127.0.0.1:${port}`,
      };
      const text = make((more) => frontConfiguration(server, { ...wanted, ...more }), run);
      const front = await startFront(server, run, text, port);
      try {
        const headers = { host: `files.example:${port}` };
        expect((await askServer(port, { path: '/file', headers })).body.toString()).toBe('bytes');
        const reply = await askServer(port, { path: '/other~', headers });
        expect(reply.body.toString()).toBe(`asked for /other~ at files.example:${port}`);
      } finally {
        await front.stop();
      }
    }

    it.each(folders.filter((folder) => !unquotable[server].includes(folder)))(
      'sends a file of the folder %j',
      (folder) => handOver(path.join(base, folder), (text, run) => text({ standalone: run })),
    );

    it('listens on all addresses when listen is a port', () =>
      handOver(path.join(base, 'all'), (text, run) => {
        const port = path.basename(run).replace('run-', '');
        return text({ standalone: run, listen: port });
      }));

    it.each(unquotable[server])('throws for the folder %j', (folder) => {
      const print = () => frontConfiguration(server, { ...setup, ...place(`/srv/${folder}`) });
      expect(print).toThrow(/cannot be named in the configuration/);
    });

    it.each([undefined, 'files.example'])('works in the folder of sites with the server name %s', (serverName) =>
      handOver(path.join(base, 'site'), (text, run) => aroundSites(server, [text({ serverName })], run)),
    );
  });
}
