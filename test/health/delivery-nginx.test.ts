import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { frontConfiguration, storageView, xAccelRedirect, type DeliveryChoice, type Storage } from 'filefield';
import { toExpress } from 'filefield/express';
import { deliveryCheck, type DeliveryCheck, type LinkResult } from 'filefield/health';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { serve, type RunningServer } from '../adapters/server.js';
import { freePort, haveFront, startFront, type RunningFront } from '../fronts/start-front.js';
import { brokenLink } from './broken-link.js';

/** Files that only root may read. */
class SecretStorage extends DiskStorage {
  override async write(...given: Parameters<DiskStorage['write']>) {
    const info = await super.write(...given);
    chmodSync(this.localPath(given[0]), 0);
    return info;
  }
}

/** A bucket whose objects anyone may read. */
class Bucket extends MemoryStorage {
  base = '';
  url(key: string) {
    return `${this.base}/${key}`;
  }
}

const old = ['X-Content-Type-Options', 'Content-Security-Policy', 'Access-Control-Allow-Origin', 'Vary']
  .concat('Cross-Origin-Resource-Policy', 'Referrer-Policy')
  .map((name) => `add_header ${name} $upstream_http_${name.toLowerCase().replaceAll('-', '_')} always;`)
  .join('\n');
const added = `${old}
  etag off; if_modified_since off;
  add_header ETag $upstream_http_etag; add_header Last-Modified $upstream_http_last_modified;`;

(haveFront('nginx') ? describe : describe.skip)('deliveryCheck through nginx', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'front-'));
  const storage = new DiskStorage({ root: path.join(folder, 'documents'), sync: false });
  const secret = new SecretStorage({ root: path.join(folder, 'secret'), sync: false });
  const app = express();
  let application: RunningServer;
  const fronts: RunningFront[] = [];
  let port = 0;
  let unprivileged = 0;

  /** A check whose view is mounted at a path for which nginx has a location. */
  function check(prefix: string, at: string, options: { storage?: Storage; delivery?: DeliveryChoice } = {}) {
    const delivery = xAccelRedirect({ [storage.root]: prefix });
    const url = `http://127.0.0.1:${port}${at}`;
    const made = deliveryCheck({ storage, delivery, url, ...options });
    mounted.set(at, made);
    return made;
  }
  const mounted = new Map<string, DeliveryCheck>();
  app.get('/:at/:id', (request, response, next) => {
    const made = mounted.get(`/${request.params.at}`);
    if (made) toExpress(made.view)(request, response, next);
    else next();
  });

  const server = (listen: number) => `server {
    listen 127.0.0.1:${listen};
    proxy_http_version 1.1;
    location / { proxy_pass http://127.0.0.1:${application.port}; }
    location /ignoring/ { proxy_pass http://127.0.0.1:${application.port}; proxy_ignore_headers X-Accel-Redirect; }
    location /marked/ { proxy_pass http://127.0.0.1:${application.port}; proxy_set_header X-Streams yes; }
    location /dead/ { proxy_pass http://127.0.0.1:1; }
    location /refused/ { return 403; }
    location /everything/ { proxy_pass http://127.0.0.1:${application.port}; gzip on; gzip_proxied any; }
    location /_good/ { internal; alias ${storage.root}/; ${added} }
    location /_wrong/ { internal; alias ${folder}/; ${added} }
    location /_bare/ { internal; alias ${storage.root}/; }
    location /_old/ { internal; alias ${storage.root}/; ${old} }
    location /_open/ { alias ${storage.root}/; ${added} }
    location /_zipped/ { internal; alias ${storage.root}/; gzip on; ${added} }
    location /_whole/ { internal; alias ${storage.root}/; max_ranges 0; ${added} }
    location /_leaky/ { internal; alias ${storage.root}/; add_header X-From $upstream_http_x_accel_redirect always; ${added} }
    location /_other/ { internal; return 200 "something else"; }
    location /_secret/ { internal; alias ${secret.root}/; ${added} }
    location /_failing/ { internal; return 500; }
  }`;

  async function start(name: string, user: string): Promise<number> {
    const [run, listen] = [path.join(folder, name), await freePort()];
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${kind};`);
    const text = `daemon off; user ${user}; worker_processes 1; pid nginx.pid; error_log error.log; events {}
      http { access_log off; default_type application/octet-stream; ${temporary.join(' ')} ${server(listen)} }`;
    fronts.push(await startFront('nginx', run, text, listen));
    return listen;
  }

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    mkdirSync(secret.root);
    application = await serve(app);
    port = await start('run', 'root');
    unprivileged = await start('run2', 'www-data');
  });
  afterAll(async () => {
    for (const front of fronts) await front.stop();
    await application?.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => mounted.clear());

  /** The link that failed; fails if its sentence contains a path, key or address. */
  async function broken(made: DeliveryCheck): Promise<LinkResult & { sentence: string }> {
    const link = await brokenLink(made);
    const sentence = link.error?.message ?? '';
    for (const secret of [folder, 'filefield-probe', '127.0.0.1', String(port)]) expect(sentence).not.toContain(secret);
    return { ...link, sentence };
  }

  it('passes when nginx is configured correctly, and deletes the probe', async () => {
    const { links } = await check('/_good', '/probe').run();
    expect(links.filter(({ ok }) => !ok)).toEqual([]);
    expect(links.map(({ link }) => link).join(' ')).toBe(
      'write view header front route same_storage answer mapping permission ignored_header bytes leaked_header streamed lost_header validators public_place compression ranges head delete',
    );
    const keys = [];
    for await (const { key } of storage.list()) keys.push(key);
    expect(keys).toEqual([]);
  });

  it.each(['/_absent', '/_wrong'])(
    'fails at mapping when the location %s is absent or has another folder',
    async (prefix) => {
      const { link, error, sentence } = await broken(check(prefix, '/probe'));
      expect(link).toBe('mapping');
      expect(sentence).toMatch(/^nginx finds no such file: .* internal location/);
      // The cause is for a person at the machine.
      expect(String(error?.cause)).toContain(`x-accel-redirect: ${prefix}/filefield-probe/`);
    },
  );

  it('fails at permission when the workers of nginx may not read the file', async () => {
    const delivery = xAccelRedirect({ [secret.root]: '/_secret' });
    const made = deliveryCheck({ storage: secret, delivery, url: `http://127.0.0.1:${unprivileged}/probe` });
    mounted.set('/probe', made);
    expect((await broken(made)).link).toBe('permission');
  });

  it('fails at ignored_header with proxy_ignore_headers', async () => {
    expect((await broken(check('/_good', '/ignoring'))).link).toBe('ignored_header');
  });

  it('fails at leaked_header when nginx sends a header with the path', async () => {
    expect((await broken(check('/_leaky', '/probe'))).link).toBe('leaked_header');
  });

  it('fails at lost_header and names the headers that nginx drops', async () => {
    const { link, sentence } = await broken(check('/_bare', '/probe'));
    expect(link).toBe('lost_header');
    expect(sentence).toContain(
      'x-content-type-options, content-security-policy, access-control-allow-origin, cross-origin-resource-policy, referrer-policy, vary',
    );
  });

  it('passes when all dropped headers are in the option replaced', async () => {
    const replaced = [
      'X-Content-Type-Options',
      'content-security-policy',
      'access-control-allow-origin',
      'vary',
      'ETag',
    ];
    const options = { replaced: [...replaced, 'cross-origin-resource-policy', 'referrer-policy'] };
    expect((await check('/_bare', '/probe', options as object).run()).ok).toBe(true);
  });

  it('fails at validators when nginx sends an ETag of its own, as configurations printed before did', async () => {
    const { link, sentence } = await broken(check('/_old', '/probe'));
    expect(link).toBe('validators');
    expect(sentence).toContain(': etag.');
  });

  it('fails at public_place when the location is not internal, and names the directive', async () => {
    const { link, sentence } = await broken(check('/_open', '/probe'));
    expect(link).toBe('public_place');
    expect(sentence).toContain('"internal;"');
  });

  it.each([true, false])('compares a printed location of a bucket, internal: %s', async (internal) => {
    const bucket = new Bucket();
    bucket.base = `http://127.0.0.1:${application.port}/bucket`;
    const object = storageView(bucket, { name: (_request, params) => `filefield-probe/${String(params.key)}` });
    app.get(`/bucket/filefield-probe/:key`, toExpress(object));
    const [run, listen] = [path.join(folder, `bucket-${internal}`), await freePort()];
    const text = frontConfiguration('nginx', {
      places: [],
      remotes: [{ url: bucket.base, prefix: '/_bucket' }],
      upstream: `http://127.0.0.1:${application.port}`,
      listen: `127.0.0.1:${listen}`,
      standalone: run,
    });
    fronts.push(await startFront('nginx', run, internal ? text : text.replaceAll('internal;', ''), listen));
    const delivery = xAccelRedirect({}, { remotes: { [bucket.base]: '/_bucket' } });
    const made = deliveryCheck({ storage: bucket, delivery, url: `http://127.0.0.1:${listen}/remote` });
    mounted.set('/remote', made);
    const { links } = await made.run();
    expect(links.find(({ ok }) => !ok)?.link).toBe(internal ? undefined : 'public_place');
    app.router.stack.pop();
  });

  it.each(['/_zipped', 'streamed'])('fails at compression when nginx compresses files of %s', async (how) => {
    const made = how === 'streamed' ? check('/_good', '/everything', { delivery: undefined }) : check(how, '/probe');
    const { link, sentence } = await broken(made);
    expect(link).toBe('compression');
    expect(sentence).toContain('"gzip off;"');
  });

  it('fails at ranges with max_ranges 0', async () => {
    expect((await broken(check('/_whole', '/probe'))).link).toBe('ranges');
  });

  it('fails at bytes when nginx sends something else', async () => {
    expect((await broken(check('/_other', '/probe'))).link).toBe('bytes');
  });

  it('fails at answer when nginx answers 500', async () => {
    const { link, sentence } = await broken(check('/_failing', '/probe'));
    expect(link).toBe('answer');
    expect(sentence).toContain('500');
  });

  it('fails at front when nothing listens, or nginx does not reach the application', async () => {
    const nowhere = deliveryCheck({ storage, url: `http://127.0.0.1:${await freePort()}/probe` });
    const { link, error } = await brokenLink(nowhere);
    expect({ link, error }).toMatchObject({ link: 'front', error: { cause: { code: 'ECONNREFUSED' } } });
    const { link: gateway, sentence } = await broken(check('/_good', '/dead'));
    expect(gateway).toBe('front');
    expect(sentence).toContain('502');
  });

  it('fails at route when the view is not mounted there, or nginx answers 403', async () => {
    const made = check('/_good', '/elsewhere');
    mounted.clear();
    expect((await broken(made)).link).toBe('route');
    const { link, sentence } = await broken(check('/_good', '/refused'));
    expect(link).toBe('route');
    expect(sentence).toContain('403');
  });

  it('fails at same_storage when the application has another folder', async () => {
    const made = check('/_good', '/probe');
    check('/_good', '/probe', { storage: new DiskStorage({ root: path.join(folder, 'another') }) });
    expect((await broken(made)).link).toBe('same_storage');
  });

  it('fails at header when the delivery does not map the folder', async () => {
    const { link, sentence } = await broken(check('/_good', '/probe', { storage: secret }));
    expect(link).toBe('header');
    expect(sentence).toContain('not among the folders of the delivery');
  });

  it('fails at streamed when the application streams to nginx', async () => {
    const handing = xAccelRedirect({ [storage.root]: '/_good' });
    const delivery: typeof handing = (handler) => (request) =>
      (request.headers['x-streams'] ? handler : handing(handler))(request);
    expect((await broken(check('/_good', '/marked', { delivery }))).link).toBe('streamed');
  });

  it('passes when the view is that of another deliveryCheck', async () => {
    const made = check('/_good', '/probe');
    check('/_good', '/probe');
    expect((await made.run()).ok).toBe(true);
  });

  it('passes without a delivery', async () => {
    const streaming = check('/_good', '/probe', { delivery: undefined });
    expect((await streaming.run()).links.find(({ ok }) => !ok)).toBeUndefined();
  });
});
