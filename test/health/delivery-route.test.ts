import { readFile } from 'node:fs/promises';
import type { IncomingMessage, OutgoingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { xSendfile } from 'filefield';
import { deliveryCheck, type DeliveryCheck } from 'filefield/health';
import { toNode } from 'filefield/node';
import { MemoryStorage } from 'filefield/storages/memory';
import { runView, temporaryStorage } from 'filefield/testing';
import { serve, type RunningServer } from '../adapters/server.js';
import { brokenLink } from './broken-link.js';
import { certificate, key } from './self-signed.js';

const servers: RunningServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function listening(listener: RequestListener): Promise<string> {
  const server = await serve(listener);
  servers.push(server);
  return `http://127.0.0.1:${server.port}/probe`;
}

describe('the link route of a deliveryCheck', () => {
  const page = '<!doctype html>\n<title>Welcome to nginx!</title>';

  it.each<[string, number, Record<string, string>, string, RegExp]>([
    ['a default site', 404, { server: 'nginx/1.22.1' }, page, /404 \(text\/html, nginx\/1\.22\.1\).*--server-name/],
    ['a page of a CDN', 200, { server: 'cloudflare' }, page, /200 \(text\/html, cloudflare\).*(another site).*(a CDN)/],
    ['a login that redirects', 302, { location: '/login?next=/secret' }, '', /302.*check\. Is a login .* in between/],
    ['a login with a password', 401, { 'www-authenticate': 'Basic' }, page, /401.*check\. Is a login .*`headers`/],
    [
      'an access rule',
      403,
      { server: 'Apache/2.4.57 (Debian)' },
      page,
      /403 \(text\/html, Apache\/2\.4\.57 \(Debian\)\)/,
    ],
    [
      'no view',
      404,
      { 'x-powered-by': 'Express' },
      page,
      /404 \(text\/html\).*check\. Is the `view` of this check mounted/,
    ],
    [
      'odd headers',
      404,
      { server: '/srv/secret of https://x', 'content-type': '/srv/x' },
      page,
      /answers 404: that is/,
    ],
  ])('names what came from %s, and has the page in the cause only', async (_what, status, headers, body, sentence) => {
    const url = await listening((_request, response) => {
      response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(body);
    });
    const { link, error } = await brokenLink(deliveryCheck({ storage: new MemoryStorage(), url }));
    expect(link).toBe('route');
    expect(error?.message).toMatch(sentence);
    expect(error?.message).not.toMatch(/Welcome|secret|127\.0\.0\.1|\/login/);
    if (body !== '') {
      expect(String(error?.cause)).toContain('It begins with "<!doctype html> <title>Welcome to nginx!</title>".');
    }
  });

  it('names a redirect to https', async () => {
    const url = await listening((request, response) => {
      response.writeHead(301, { location: `https://${request.headers.host}${request.url}` }).end();
    });
    const { link, error } = await brokenLink(deliveryCheck({ storage: new MemoryStorage(), url }));
    expect({ link, sentence: error?.message }).toEqual({
      link: 'route',
      sentence: 'The front answers 301: it redirects to https. Give the check a URL with https.',
    });
  });

  it('names the header when the front removes it', async () => {
    const url = await listening((request, response) => {
      delete request.headers['x-filefield-probe'];
      void toNode(check.view)(request, response, { id: request.url!.split('/').at(-1)! });
    });
    const check: DeliveryCheck = deliveryCheck({ storage: new MemoryStorage(), url });
    const { link, error } = await brokenLink(check);
    expect({ link, sentence: error?.message }).toEqual({
      link: 'route',
      sentence: 'The front removes the header x-filefield-probe of requests: let it pass to the application.',
    });
  });
});

describe('a deliveryCheck with a certificate of its own', () => {
  it('fails at front without the option ca, and passes with it', async () => {
    const storage = new MemoryStorage();
    const probes = (request: IncomingMessage, response: ServerResponse) =>
      void toNode(deliveryCheck({ storage, url: 'https://files.example/' }).view)(request, response, {
        id: request.url!.split('/').at(-1)!,
      });
    const server = https.createServer({ key, cert: certificate }, probes);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/probe`;
      expect(await brokenLink(deliveryCheck({ storage, url }))).toMatchObject({
        link: 'front',
        error: { cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } },
      });
      for (const ca of [certificate, Buffer.from(certificate), [certificate]]) {
        expect((await deliveryCheck({ storage, url, ca }).run()).links.filter(({ ok }) => !ok)).toEqual([]);
      }
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

describe('the link public_place of a deliveryCheck', () => {
  it.each(['', 'documents/'])('fails when a site has the folder of an X-Sendfile as /%s', async (at) => {
    await using disk = await temporaryStorage();
    const root = `/srv/documents`;
    const url = await listening((request, response) => {
      void answer(request.url!, request.headers as Record<string, string>).then(([status, headers, bytes]) => {
        response.writeHead(status, headers).end(bytes);
      });
    });
    const check = deliveryCheck({
      storage: disk,
      url,
      delivery: xSendfile({ [disk.root]: root }, { server: 'apache' }),
    });
    async function answer(
      asked: string,
      sent: Record<string, string>,
    ): Promise<[number, OutgoingHttpHeaders, Buffer?]> {
      if (!asked.startsWith('/probe/')) {
        const file = path.join(disk.root, asked.slice(1 + at.length));
        const bytes = asked.startsWith(`/${at}`) ? await readFile(file).catch(() => undefined) : undefined;
        return [bytes ? 200 : 404, {}, bytes];
      }
      const { status, headers } = await runView(check.view, { params: { id: asked.slice(7) }, headers: sent });
      const { 'x-sendfile': file, ...rest } = headers;
      const bytes = file === undefined ? undefined : await readFile(path.join(disk.root, file.slice(root.length)));
      return [status, rest, bytes];
    }
    const { link } = await brokenLink(check);
    expect(link).toBe('public_place');
  });
});
