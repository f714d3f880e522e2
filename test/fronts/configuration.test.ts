import { mkdirSync, mkdtempSync, chmodSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { frontConfiguration, type FrontName, type FrontSetup } from 'filefield';
import { askServer, serve, type RunningServer } from '../adapters/server.js';
import { freePort, haveFront, startFront } from './start-front.js';

const servers = ['nginx', 'apache', 'lighttpd', 'caddy'] as const;
const setup: FrontSetup = {
  places: [{ folder: '/srv/var/documents', prefix: '/_filefield/documents' }],
  upstream: 'http://127.0.0.1:3000',
  listen: '127.0.0.1:8080',
};
const remote = { url: 'https://bucket.s3.example', prefix: '/_filefield/photos' };
const place = (folder: string, prefix = '/_p') => ({ places: [{ folder, prefix }] });

describe('frontConfiguration', () => {
  it.each<[string, Partial<FrontSetup>, RegExp]>([
    ['no place', { places: [] }, /nothing to hand over/],
    ['a relative folder', place('var/documents'), /must be absolute/],
    ['the whole machine', place('/'), /whole machine/],
    ['a folder with dots', place('/srv/../etc'), /without "\." and "\.\."/],
    ['a folder with a newline', place('/srv/a\nb'), /no configuration can hold/],
    ['a folder with a control character', place('/srv/a\u0007'), /no configuration can hold/],
    ['a folder that is no text', place('/srv/\ud800'), /no configuration can hold/],
    ['a prefix without a slash', place('/srv', '_p'), /must be like/],
    ['every path as a prefix', place('/srv', '/'), /must be like/],
    ['a prefix with dots', place('/srv', '/_p/../x'), /must be like/],
    ['a prefix that means something to a server', place('/srv', '/_p {'), /must be like/],
    ['a prefix twice', { ...place('/srv'), remotes: [{ ...remote, prefix: '/_p/' }] }, /each other's way/],
    ['a prefix below another', { ...place('/srv'), remotes: [{ ...remote, prefix: '/_p/x' }] }, /each other's way/],
    ['an application that is no address', { upstream: '127.0.0.1:3000' }, /http:\/\/ or https:\/\//],
    ['an application that speaks no HTTP', { upstream: 'ftp://127.0.0.1' }, /http:\/\/ or https:\/\//],
    ['an application with a path', { upstream: 'http://127.0.0.1/app' }, /nothing more/],
    ['an application with a password', { upstream: 'http://a:b@127.0.0.1' }, /nothing more/],
    ['a remote with a query', { remotes: [{ ...remote, url: 'https://s3.example/?x' }] }, /nothing more/],
    ['a remote with a strange path', { remotes: [{ ...remote, url: 'https://s3.example/$uri' }] }, /nothing more/],
    ['no port', { listen: '127.0.0.1' }, /nothing to listen at/],
    ['a port that is none', { listen: '70000' }, /nothing to listen at/],
    ['more than an address', { listen: '8080; #' }, /nothing to listen at/],
    ['a name that is none', { serverName: 'a b' }, /no host name/],
    ['a relative folder to run from', { standalone: 'run' }, /must be absolute/],
  ])('refuses %s, for every server alike', (_what, wrong, message) => {
    for (const server of servers) {
      const print = () => frontConfiguration(server, { ...setup, ...wrong });
      expect(print).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
      );
    }
  });

  it.each(['apache', 'lighttpd', 'caddy'] as const)('says that %s fetches from no other host', (server) => {
    expect(() => frontConfiguration(server, { ...setup, remotes: [remote] })).toThrow(/Only nginx/);
  });

  it('says that lighttpd speaks no TLS to the application', () => {
    expect(() => frontConfiguration('lighttpd', { ...setup, upstream: 'https://127.0.0.1:3443' })).toThrow(/no TLS/);
  });
});

/** What of a folder's name each server takes for something else. */
const unfit: Readonly<Record<FrontName, readonly string[]>> = {
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

/** What a server's main file has, around a file of the folder of sites. */
const around: Readonly<Record<FrontName, (site: string, run: string) => string>> = {
  nginx: (site, run) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${kind};`);
    return `daemon off; user www-data; pid ${run}/nginx.pid; events {}
      http { access_log off; ${temporary.join(' ')}\n${site}\n}`;
  },
  apache: (site, run) => {
    const [main = ''] = frontConfiguration('apache', { ...setup, standalone: run }).split(/^Listen/m);
    return `${main}\n${site}`;
  },
  lighttpd: (site, run) => `server.document-root = "${run}"
    server.upload-dirs = ( "${run}" )
    server.errorlog = "${run}/error.log"
    server.bind = "127.0.0.1"
    server.port = 0
    server.modules = ( "mod_access", "mod_proxy" )
    url.access-deny = ( "~" )
    server.http-parseopts = ( "url-path-2f-decode" => "enable" )
    ${site}`,
  caddy: (site) => `{\n\tadmin off\n\tauto_https off\n}\n${site}`,
};

for (const server of servers) {
  (haveFront(server) ? describe : describe.skip)(`the text for ${server}`, () => {
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

    /** Hands over one file of a folder, by a configuration made of its text. */
    async function handOver(folder: string, make: (text: (more: object) => string, run: string) => string) {
      const port = await freePort();
      const run = path.join(base, `run-${port}`);
      mkdirSync(folder, { recursive: true });
      file = path.join(folder, 'f');
      writeFileSync(file, 'bytes');
      const asked = { ...place(folder), upstream: `http://127.0.0.1:${application.port}`, listen: `127.0.0.1:${port}` };
      const text = make((more) => frontConfiguration(server, { ...asked, ...more }), run);
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

    it.each(folders.filter((folder) => !unfit[server].includes(folder)))('names the folder %j', (folder) =>
      handOver(path.join(base, folder), (text, run) => text({ standalone: run })),
    );

    it('listens at every address', () =>
      handOver(path.join(base, 'all'), (text, run) => {
        const port = path.basename(run).replace('run-', '');
        return text({ standalone: run, listen: port });
      }));

    it.each(unfit[server])('refuses the folder %j', (folder) => {
      const print = () => frontConfiguration(server, { ...setup, ...place(`/srv/${folder}`) });
      expect(print).toThrow(/cannot be named in the configuration/);
    });

    it.each([undefined, 'files.example'])('belongs into the folder of sites, for the name %s', (serverName) =>
      handOver(path.join(base, 'site'), (text, run) => around[server](text({ serverName }), run)),
    );
  });
}
