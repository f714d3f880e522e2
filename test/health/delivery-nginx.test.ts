import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { xAccelRedirect, type DeliveryChoice, type Storage } from 'filefield';
import { toExpress } from 'filefield/express';
import { deliveryCheck, type DeliveryCheck, type LinkResult } from 'filefield/health';
import { DiskStorage } from 'filefield/storages/disk';
import { serve, type RunningServer } from '../adapters/server.js';
import { freePort, haveFront, startFront, type RunningFront } from '../fronts/start-front.js';
import { brokenLink } from './broken-link.js';

/** Its files may be read by nobody but root. */
class SecretStorage extends DiskStorage {
  override async write(...given: Parameters<DiskStorage['write']>) {
    const info = await super.write(...given);
    chmodSync(this.localPath(given[0]), 0);
    return info;
  }
}

const added = ['X-Content-Type-Options', 'Content-Security-Policy', 'Access-Control-Allow-Origin', 'Vary']
  .concat('Cross-Origin-Resource-Policy', 'Referrer-Policy')
  .map((name) => `add_header ${name} $upstream_http_${name.toLowerCase().replaceAll('-', '_')} always;`)
  .join('\n');

(haveFront('nginx') ? describe : describe.skip)('deliveryCheck through nginx', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'front-'));
  const storage = new DiskStorage({ root: path.join(folder, 'documents'), sync: false });
  const secret = new SecretStorage({ root: path.join(folder, 'secret'), sync: false });
  const app = express();
  let application: RunningServer;
  const fronts: RunningFront[] = [];
  let port = 0;
  let unprivileged = 0;

  /** A check whose view is mounted, at a path that nginx treats in its own way. */
  function check(place: string, at: string, options: { storage?: Storage; delivery?: DeliveryChoice } = {}) {
    const delivery = xAccelRedirect({ [storage.root]: place });
    const url = `http://127.0.0.1:${port}${at}`;
    const made = deliveryCheck({ storage, delivery, url, ...options });
    mounted.set(at, made);
    return made;
  }
  const mounted = new Map<string, DeliveryCheck>();
  app.get('/:at/:id', (request, response, next) => {
    const found = mounted.get(`/${request.params.at}`);
    if (found) toExpress(found.view)(request, response, next);
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
    location /_good/ { internal; alias ${storage.root}/; ${added} }
    location /_wrong/ { internal; alias ${folder}/; ${added} }
    location /_bare/ { internal; alias ${storage.root}/; }
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

  /** The broken link, once it is certain that its sentence tells a stranger nothing. */
  async function broken(made: DeliveryCheck): Promise<LinkResult & { sentence: string }> {
    const link = await brokenLink(made);
    const sentence = link.error?.message ?? '';
    for (const told of [folder, 'filefield-probe', '127.0.0.1', String(port)]) expect(sentence).not.toContain(told);
    return { ...link, sentence };
  }

  it('is in order where nginx is configured as it should be, and leaves nothing behind', async () => {
    const { ok, links } = await check('/_good', '/probe').run();
    expect([ok, links.filter((link) => !link.ok)]).toEqual([true, []]);
    expect(links.map(({ link }) => link).join(' ')).toBe(
      'write view header front route same_storage answer mapping permission ignored_header bytes leaked_header streamed lost_header ranges head delete',
    );
    const kept = [];
    for await (const { key } of storage.list()) kept.push(key);
    expect(kept).toEqual([]);
  });

  it.each(['/_absent', '/_wrong'])('mapping: no location, or one of another folder (%s)', async (place) => {
    const { link, error, sentence } = await broken(check(place, '/probe'));
    expect([link, sentence]).toEqual(['mapping', expect.stringMatching(/place .* is not configured/)]);
    // For a person at the machine.
    expect(String(error?.cause)).toContain(`x-accel-redirect: ${place}/filefield-probe/`);
  });

  it('permission: workers of nginx may not read the files', async () => {
    const delivery = xAccelRedirect({ [secret.root]: '/_secret' });
    const made = deliveryCheck({ storage: secret, delivery, url: `http://127.0.0.1:${unprivileged}/probe` });
    mounted.set('/probe', made);
    expect((await broken(made)).link).toBe('permission');
  });

  it('ignored_header: nginx is told not to act upon it', async () => {
    expect((await broken(check('/_good', '/ignoring'))).link).toBe('ignored_header');
  });

  it('leaked_header: nginx tells clients where the file is', async () => {
    expect((await broken(check('/_leaky', '/probe'))).link).toBe('leaked_header');
  });

  it('lost_header: those that nginx drops, by name', async () => {
    const { link, sentence } = await broken(check('/_bare', '/probe'));
    expect(link).toBe('lost_header');
    expect(sentence).toContain(
      'x-content-type-options, content-security-policy, access-control-allow-origin, cross-origin-resource-policy, referrer-policy, vary',
    );
  });

  it('lost_header: not those that the front replaces on purpose', async () => {
    const replaced = ['X-Content-Type-Options', 'content-security-policy', 'access-control-allow-origin', 'vary'];
    const options = { replaced: [...replaced, 'cross-origin-resource-policy', 'referrer-policy'] };
    expect((await check('/_bare', '/probe', options as object).run()).ok).toBe(true);
  });

  it('ranges: nginx sends the whole file all the same', async () => {
    expect((await broken(check('/_whole', '/probe'))).link).toBe('ranges');
  });

  it('bytes: nginx sends something else', async () => {
    expect((await broken(check('/_other', '/probe'))).link).toBe('bytes');
  });

  it('answer: nginx fails when it is handed the file', async () => {
    const { link, sentence } = await broken(check('/_failing', '/probe'));
    expect([link, sentence]).toEqual(['answer', expect.stringContaining('500')]);
  });

  it('front: nothing listens there, or nginx does not reach the program', async () => {
    const nowhere = deliveryCheck({ storage, url: `http://127.0.0.1:${await freePort()}/probe` });
    const { link, error } = await brokenLink(nowhere);
    expect([link, error?.cause]).toMatchObject(['front', { code: 'ECONNREFUSED' }]);
    const { link: gateway, sentence } = await broken(check('/_good', '/dead'));
    expect([gateway, sentence]).toEqual(['front', expect.stringContaining('502')]);
  });

  it('route: the view is not mounted there, or something in between refuses', async () => {
    const made = check('/_good', '/elsewhere');
    mounted.clear();
    expect((await broken(made)).link).toBe('route');
    const { link, sentence } = await broken(check('/_good', '/refused'));
    expect([link, sentence]).toEqual(['route', expect.stringContaining('403')]);
  });

  it('same_storage: the program behind nginx has another folder', async () => {
    const made = check('/_good', '/probe');
    check('/_good', '/probe', { storage: new DiskStorage({ root: path.join(folder, 'another') }) });
    expect((await broken(made)).link).toBe('same_storage');
  });

  it('header: the delivery does not map the folder, and says so', async () => {
    const { link, sentence } = await broken(check('/_good', '/probe', { storage: secret }));
    expect([link, sentence]).toEqual(['header', expect.stringMatching(/not among the places/)]);
  });

  it('streamed: the program hands over to this process, and sends the bytes itself to nginx', async () => {
    const handing = xAccelRedirect({ [storage.root]: '/_good' });
    const delivery: typeof handing = (handler) => (request) =>
      (request.headers['x-streams'] ? handler : handing(handler))(request);
    expect((await broken(check('/_good', '/marked', { delivery }))).link).toBe('streamed');
  });

  it('answers in every process: view and check need not be of one object', async () => {
    const made = check('/_good', '/probe');
    check('/_good', '/probe');
    expect((await made.run()).ok).toBe(true);
  });

  it('does without a delivery: what matters is what arrives', async () => {
    const streaming = check('/_good', '/probe', { delivery: undefined });
    expect((await streaming.run()).links.find(({ ok }) => !ok)).toBeUndefined();
  });
});
