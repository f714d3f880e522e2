import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { caddyFileServer, frontConfiguration } from 'filefield';
import { toExpress } from 'filefield/express';
import { deliveryCheck } from 'filefield/health';
import { DiskStorage } from 'filefield/storages/disk';
import { serve, type RunningServer } from '../adapters/server.js';
import { freePort, haveFront, startFront, type RunningFront } from '../fronts/start-front.js';
import { brokenLink } from './broken-link.js';

/** The ports of two more sites: one on which the folder is also open to clients, and one that compresses. */
let open: number;
let compressing: number;

/** Files that every account may read, because Caddy does not run as root. */
class OpenStorage extends DiskStorage {
  override async write(...given: Parameters<DiskStorage['write']>) {
    const info = await super.write(...given);
    chmodSync(this.localPath(given[0]), 0o644);
    return info;
  }
}

(haveFront('caddy') ? describe : describe.skip)('deliveryCheck through Caddy 2.6', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'caddy-'));
  const storage = new OpenStorage({ root: path.join(folder, 'documents'), sync: false });
  const place = { [storage.root]: '/_filefield/documents' };
  const app = express();
  let application: RunningServer;
  let front: RunningFront;
  let port: number;

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    application = await serve(app);
    port = await freePort();
    const run = path.join(folder, 'run');
    open = await freePort();
    compressing = await freePort();
    const [root, prefix] = Object.entries(place)[0]!;
    const site = (listen: number, more = '', standalone?: string) =>
      frontConfiguration('caddy', {
        places: [{ folder: root, prefix }],
        upstream: `http://127.0.0.1:${application.port}`,
        listen: `127.0.0.1:${listen}`,
        ...(standalone !== undefined && { standalone }),
      }).replace('\treverse_proxy', `\t${more}\n\treverse_proxy`);
    const text = [
      site(port, '', run),
      site(open, `handle_path ${prefix}/* {\nroot * ${root}\nfile_server\n}`),
      site(compressing, 'encode gzip'),
    ].join('\n');
    front = await startFront('caddy', run, text, port);
  });
  afterAll(async () => {
    await front?.stop();
    await application?.close();
    rmSync(folder, { recursive: true });
  });

  const check = (paths: 'raw' | 'encoded', listening = port) => {
    const made = deliveryCheck({
      storage,
      delivery: caddyFileServer(place, { paths }),
      url: `http://127.0.0.1:${listening}/${paths}`,
    });
    app.get(`/${paths}/:id`, toExpress(made.view));
    return made;
  };

  it('passes with raw paths, which Caddy 2.6 reads', async () => {
    const { links } = await check('raw').run();
    expect(links.filter(({ ok }) => !ok)).toEqual([]);
  });

  it.each([401, 403, 404, 200])('passes when the application answers %d at the place of the files', async (status) => {
    app.use('/_filefield', (_request, response) => void response.status(status).send('<!doctype html>'));
    try {
      expect((await check('raw').run()).links.filter(({ ok }) => !ok)).toEqual([]);
    } finally {
      app.router.stack.pop();
    }
  });

  it('fails at public_place when the folder is open to clients, too', async () => {
    expect((await brokenLink(check('raw', open))).link).toBe('public_place');
  });

  it('fails at compression when the site has encode', async () => {
    expect((await brokenLink(check('raw', compressing))).link).toBe('compression');
  });

  it('fails at mapping with encoded paths, which Caddy 2.6 does not decode, and names the option', async () => {
    const { link, error } = await brokenLink(check('encoded'));
    expect(link).toBe('mapping');
    expect(error?.message).toContain('paths: "raw"');
  });
});
