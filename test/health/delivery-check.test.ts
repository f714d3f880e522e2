import type { IncomingMessage, ServerResponse } from 'node:http';
import { redirect, xSendfile, storageView, type DeliveryChoice, type Storage } from 'filefield';
import { deliveryCheck } from 'filefield/health';
import { toNode } from 'filefield/node';
import { MemoryStorage } from 'filefield/storages/memory';
import { temporaryStorage, FailingStorage, runView } from 'filefield/testing';

import { serve, until, type RunningServer } from '../adapters/server.js';
import { brokenLink } from './broken-link.js';

type Spoil = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A front that passes all requests to the view, except those that `spoil` handles. */
async function front(storage: Storage, options: { delivery?: DeliveryChoice; headers?: Record<string, string> } = {}) {
  let spoil: Spoil = () => false;
  const server = await serve((request, response) => {
    const id = request.url!.split('/').at(-1)!;
    if (request.headers['x-filefield-probe'] || !spoil(request, response)) {
      void toNode(check.view)(request, response, { id });
    }
  });
  servers.push(server);
  const check = deliveryCheck({ storage, url: `http://127.0.0.1:${server.port}/probe/`, ...options });
  return { check, server, spoil: (how: Spoil) => void (spoil = how) };
}

const servers: RunningServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** Passes on the view's response with the names of its headers changed, or without them. */
const changed =
  (change: (name: string) => string | undefined): Spoil =>
  (_request, response) => {
    const { writeHead } = response;
    response.writeHead = ((status: number) => {
      for (const [name, value] of Object.entries(response.getHeaders())) {
        const changed = change(name);
        if (changed === name) continue;
        response.removeHeader(name);
        if (changed !== undefined) response.setHeader(changed, value!);
      }
      return writeHead.call(response, status);
    }) as typeof writeHead;
    return false;
  };

describe('deliveryCheck', () => {
  it('passes when the front passes everything on and the storage has no folder', async () => {
    const memory = new MemoryStorage();
    const { check } = await front(memory);
    expect((await check.run()).links.filter(({ ok }) => !ok)).toEqual([]);
    expect(memory.keys).toEqual([]);
  });

  it('passes twice when it runs twice at the same time', async () => {
    const { check } = await front(new MemoryStorage());
    const results = await Promise.all([check.run(), check.run()]);
    expect(results.map(({ ok }) => ok)).toEqual([true, true]);
  });

  it('fails at header and says why the delivery does not hand over', async () => {
    await using disk = await temporaryStorage();
    const { check } = await front(new MemoryStorage(), {
      delivery: xSendfile({ [disk.root]: '/x' }, { server: 'apache' }),
    });
    expect((await brokenLink(check)).error?.message).toMatch(/no folder on this machine/);
    const other = await front(new MemoryStorage(), { delivery: redirect() });
    expect((await brokenLink(other.check)).error?.message).toMatch(/no URLs/);
  });

  it('fails at ignored_header when the front passes on the header with an empty body', async () => {
    await using disk = await temporaryStorage();
    const delivery = xSendfile({ [disk.root]: '/srv' }, { server: 'lighttpd' });
    const { check } = await front(disk, { delivery });
    expect((await brokenLink(check)).link).toBe('ignored_header');
  });

  it('fails at view when the storage cannot read the probe', async () => {
    const storage = new FailingStorage(new MemoryStorage());
    storage.fail('read');
    const { check } = await front(storage);
    expect(await brokenLink(check)).toMatchObject({ link: 'view', error: { cause: { code: 'storage_failed' } } });
  });

  it('fails at view when the storage returns other bytes', async () => {
    const memory = new MemoryStorage();
    const { check } = await front(memory);
    const { read } = memory;
    memory.read = async (...given) => ({ ...(await read.apply(memory, given)), stream: async function* () {} });
    expect((await brokenLink(check)).link).toBe('view');
  });

  it('fails at write or delete when the storage does', async () => {
    const storage = new FailingStorage(new MemoryStorage());
    const { check } = await front(storage);
    storage.fail('write', { nth: 1 });
    expect((await brokenLink(check)).link).toBe('write');
    storage.fail('delete', { nth: 1 });
    expect((await brokenLink(check)).link).toBe('delete');
    expect((storage.inner as MemoryStorage).keys).toEqual([]);
  });

  it('fails at head when the front drops the length', async () => {
    const { check, spoil } = await front(new MemoryStorage());
    const without = changed((name) => (name === 'content-length' ? undefined : name));
    spoil((request, response) => (request.method === 'HEAD' ? without(request, response) : false));
    expect((await brokenLink(check)).link).toBe('head');
  });

  it('fails at ranges when the front sends another part', async () => {
    const { check, spoil } = await front(new MemoryStorage());
    spoil((request) => {
      if (request.headers.range) request.headers.range = 'bytes=0-999';
      return false;
    });
    expect((await brokenLink(check)).link).toBe('ranges');
  });

  it('fails at ranges when the front drops Content-Range', async () => {
    const { check, spoil } = await front(new MemoryStorage());
    spoil(changed((name) => (name === 'content-range' ? 'x-range' : name)));
    expect((await brokenLink(check)).link).toBe('ranges');
  });

  it.each(['content-type', 'content-disposition', 'cache-control', 'x-content-type-options'])(
    'fails at lost_header when the front drops %s',
    async (lost) => {
      const { check, spoil } = await front(new MemoryStorage());
      spoil(changed((name) => (name === lost ? undefined : name)));
      const { link, error } = await brokenLink(check);
      expect(link).toBe('lost_header');
      expect(error?.message).toContain(`: ${lost}.`);
    },
  );

  it('fails at answer when the front ends the connection in the middle', async () => {
    const { check, spoil } = await front(new MemoryStorage());
    spoil((_request, response) => {
      response.writeHead(200, { 'content-length': '300' });
      response.write('some', () => response.destroy());
      return true;
    });
    expect((await brokenLink(check)).link).toBe('answer');
  });

  it('fails at bytes and closes the connection when the front never stops sending', async () => {
    const { check, spoil } = await front(new MemoryStorage());
    let left = false;
    spoil((_request, response) => {
      response.on('close', () => (left = true));
      const pour = () =>
        void (left || (response.write(Buffer.alloc(64 * 1024)) ? setImmediate(pour) : response.once('drain', pour)));
      pour();
      return true;
    });
    expect((await brokenLink(check)).link).toBe('bytes');
    await until(() => left, 'the connection is closed');
  });

  it('fails at the link that hangs when it is aborted, closes the connection and deletes the probe', async () => {
    const memory = new MemoryStorage();
    const { check, spoil } = await front(memory);
    const controller = new AbortController();
    let left = false;
    spoil((_request, response) => {
      response.on('close', () => (left = true));
      controller.abort();
      return true;
    });
    const { links, cleared } = await check.run({ signal: controller.signal });
    await cleared;
    expect(links.at(-1)).toMatchObject({ link: 'answer', ok: false, error: { message: 'It did not finish in time.' } });
    await until(() => left, 'the connection is closed');
    expect(memory.keys).toEqual([]);
  });

  it('sends the headers of its options', async () => {
    const { check, spoil } = await front(new MemoryStorage(), { headers: { authorization: 'Basic x' } });
    const seen = new Set<unknown>();
    spoil((request) => {
      seen.add(request.headers.authorization);
      return false;
    });
    expect((await check.run()).ok).toBe(true);
    expect([...seen]).toEqual(['Basic x']);
  });

  it.each(['ftp://files.example', 'files.example/probe', ''])('throws invalid_option for the URL "%s"', (url) => {
    expect(() => deliveryCheck({ storage: new MemoryStorage(), url })).toThrow(/must start with http/);
  });
});

describe('deliveryCheck of a redirect', () => {
  /** A storage with public objects, on a server of its own. */
  class PublicStorage extends MemoryStorage {
    base = '';
    url(key: string) {
      return `${this.base}/${key}`;
    }
  }

  async function redirecting() {
    const storage = new PublicStorage();
    let ruined: Spoil = () => false;
    const seen: unknown[] = [];
    const view = storageView<IncomingMessage>(storage, { name: (request) => request.url!.slice(1) });
    const bucket = await serve((request, response) => {
      seen.push(request.headers.authorization);
      if (!ruined(request, response)) void toNode(view)(request, response);
    });
    servers.push(bucket);
    storage.base = `http://127.0.0.1:${bucket.port}`;
    const made = await front(storage, { delivery: redirect(), headers: { authorization: 'Basic x' } });
    return { ...made, seen, ruin: (how: Spoil) => void (ruined = how) };
  }

  it('passes when the redirect leads to the file, and sends the storage no headers for the front', async () => {
    const { check, seen } = await redirecting();
    const { ok, links } = await check.run();
    expect(ok).toBe(true);
    expect(links.map(({ link }) => link).join(' ')).toBe(
      'write view header front route same_storage answer lost_header target ranges delete',
    );
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });

  it('fails at target when the storage answers 403', async () => {
    const { check, ruin } = await redirecting();
    ruin((_request, response) => Boolean(response.writeHead(403).end()));
    const { link, error } = await brokenLink(check);
    expect(link).toBe('target');
    expect(error?.message).toContain('403');
  });

  it('fails at ranges when the storage ignores the range', async () => {
    const { check, ruin } = await redirecting();
    ruin((request) => {
      delete request.headers.range;
      return false;
    });
    expect((await brokenLink(check)).link).toBe('ranges');
  });

  it('fails at lost_header when the front drops Location', async () => {
    const { check, spoil } = await redirecting();
    spoil(changed((name) => (name === 'location' ? undefined : name)));
    expect((await brokenLink(check)).link).toBe('lost_header');
  });

  it('fails at answer when the front follows the redirect itself', async () => {
    const { check, spoil } = await redirecting();
    spoil((_request, response) => Boolean(response.writeHead(200).end('the file')));
    expect((await brokenLink(check)).link).toBe('answer');
  });
});

describe('the view of a deliveryCheck', () => {
  const storage = new MemoryStorage();
  const { view } = deliveryCheck({ storage, url: 'http://files.example/' });
  const id = '0123456789abcdef'.repeat(2);
  async function* bytes() {
    yield Buffer.from('probe');
  }
  beforeAll(async () => {
    await storage.write(`filefield-probe/${id}@probe`, bytes());
    await storage.write('secret', bytes());
  });

  it('serves a probe with all headers that a front might drop', async () => {
    const { status, headers, body } = await runView(view, { params: { id } });
    expect(status).toBe(200);
    expect(body.toString()).toBe('probe');
    expect(Object.keys(headers)).toEqual(
      expect.arrayContaining([
        'x-content-type-options',
        'content-security-policy',
        'access-control-allow-origin',
        'vary',
      ]),
    );
  });

  it.each([undefined, '', 'secret', '../secret', id.toUpperCase(), `${id}0`, id.replace('0', 'g'), [id], `${id}/x`])(
    'returns 404 for the id %j, with and without the header X-Filefield-Probe',
    async (wrong) => {
      for (const headers of [{}, { 'x-filefield-probe': 'ask' }] as Record<string, string>[]) {
        expect((await runView(view, { params: { id: wrong as string }, headers })).status).toBe(404);
      }
    },
  );

  it('returns 204 or 410 without bytes when the header asks whether the probe exists', async () => {
    const headers = { 'x-filefield-probe': 'ask' };
    expect((await runView(view, { params: { id }, headers })).status).toBe(204);
    expect((await runView(view, { params: { id: 'f'.repeat(32) }, headers })).status).toBe(410);
  });
});
