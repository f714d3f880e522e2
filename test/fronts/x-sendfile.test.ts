/* eslint-disable no-control-regex */
import path from 'node:path';
import { caddyFileServer, StorageRegistry, xSendfile, type Delivery, type FileSource } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { ask, fileIn, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const mapping = { [folder]: '/srv/é dir' };
const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

const headerOf = async (delivery: Delivery, name: string) => {
  const { headers } = await ask(delivery, fileIn(folder, name));
  return headers['x-sendfile'] ?? headers['x-accel-redirect'];
};

describe.each<[string, Delivery, (name: string) => string | undefined]>([
  [
    'Apache, with raw paths',
    xSendfile(mapping, { server: 'apache' }),
    (name) => (/[\n\u0001\u007f]|[ \t]$/.test(name) ? undefined : latin1(`/srv/é dir/${name}`)),
  ],
  [
    'lighttpd, with percent-encoded paths',
    xSendfile(mapping, { server: 'lighttpd' }),
    (name) =>
      /[\n\t\u0001\u007f]/.test(name)
        ? undefined
        : `/srv/%C3%A9%20dir/${name.split('/').map(encodeURIComponent).join('/')}`,
  ],
  [
    'Caddy 2.7, with percent-encoded paths',
    caddyFileServer({ [folder]: '/_files' }),
    (name) =>
      /[\n\t?\u0001\u007f]/.test(name) ? undefined : `/_files/${name.split('/').map(encodeURIComponent).join('/')}`,
  ],
  [
    'Caddy 2.6, with raw paths',
    caddyFileServer({ [folder]: '/_files' }, { paths: 'raw' }),
    (name) => (/[\n\t?#%\u0001\u007f]|[ \t]$/.test(name) ? undefined : latin1(`/_files/${name}`)),
  ],
])('the header for %s', (_server, delivery, expected) => {
  it.each([
    'plain.txt',
    'a b',
    'a%41',
    'pct%2Fx',
    'what?',
    'a#b',
    'a+b',
    'a;b',
    'é日本🎉',
    `"it's"`,
    'a\\b',
    'deep/er',
    'end ',
    'tab\tx',
    'end\t',
    'line\nbreak',
    'bell\u0001',
    'del\u007f',
  ])('contains the name %j, unless the server cannot be given it', async (name) => {
    expect(await headerOf(delivery, name)).toBe(expected(name));
  });
});

describe('xSendfile', () => {
  it.each(['apache', 'lighttpd'] as const)('sends the ETag and Last-Modified of the view to %s', async (server) => {
    const file: FileSource = { ...fileIn(folder, 'a.txt'), etag: '"v1"', modified: new Date(1_700_000_000_000) };
    const { headers } = await ask(xSendfile(mapping, { server }), file);
    expect(headers).toMatchObject({ etag: '"v1"', 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' });
    for (const name of ['content-length', 'accept-ranges', 'content-range', 'x-accel-redirect']) {
      expect(headers).not.toHaveProperty(name);
    }
  });

  it('sends the ETag that the view would send, for a source without one', async () => {
    const file = fileIn(folder, 'a.txt');
    const streamed = await ask((handler) => handler, file);
    streamed.close();
    const { headers } = await ask(xSendfile(mapping, { server: 'apache' }), file);
    expect(headers.etag).toMatch(/^W\/"/);
    const { etag, 'last-modified': modified } = streamed.headers;
    expect(headers).toMatchObject({ etag, 'last-modified': modified });
  });

  it('returns 412 itself when If-Match or If-Unmodified-Since fails', async () => {
    const file: FileSource = {
      ...fileIn(folder, 'a.txt'),
      etag: '"v1"',
      modified: new Date(1_700_000_000_000),
      size: 10,
    };
    const failing: Record<string, string>[] = [
      { 'if-match': '"other"' },
      { 'if-unmodified-since': 'Tue, 14 Nov 2023 22:13:19 GMT' },
    ];
    for (const headers of failing) {
      const answer = await ask(xSendfile(mapping, { server: 'lighttpd' }), { ...file, load: undefined }, { headers });
      expect(answer.status).toBe(412);
      expect(answer.headers).not.toHaveProperty('x-sendfile');
    }
    const holding = await ask(xSendfile(mapping, { server: 'lighttpd' }), file, { headers: { 'if-match': '"v1"' } });
    expect(holding.headers).toHaveProperty('x-sendfile');
  });

  it('uses the folders of a registry as paths on the disk', async () => {
    const storages = new StorageRegistry({ documents: new DiskStorage({ root: folder }) });
    expect(await headerOf(xSendfile(storages, { server: 'apache' }), 'x')).toBe(path.join(folder, 'x'));
    expect(await headerOf(caddyFileServer(storages), 'x')).toBe('/_filefield/documents/x');
  });

  it('throws invalid_option for a server that does not read X-Sendfile', () => {
    const options = { server: 'nginx' as 'apache' };
    expect(() => xSendfile(mapping, options)).toThrow(
      'The option "server" must be "apache" or "lighttpd"; it is "nginx".',
    );
  });
});
