import { jest } from '@jest/globals';
import type { RequestListener } from 'node:http';
import express, { type Request } from 'express';
import express4 from 'express-4';
import { FileFieldError } from 'filefield';
import { healthCheck, healthHandler, storageCheck, viewCheck, type Check, type HealthReport } from 'filefield/health';
import { MemoryStorage } from 'filefield/storages/memory';
import { FailingStorage } from 'filefield/testing';
import { virtualView } from 'filefield';
import { askServer, serve, until, type Asked, type RunningServer } from '../adapters/server.js';

const view = virtualView(() => ({ name: 'a.txt', content: 'hello' }));
const quiet = { onBroken: () => undefined };
const servers: RunningServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function health(listener: RequestListener) {
  const server = await serve(listener);
  servers.push(server);
  return async (asked: Asked = {}) => {
    const reply = await askServer(server.port, asked);
    return { ...reply, text: reply.body.toString(), report: () => JSON.parse(reply.body.toString()) as HealthReport };
  };
}

/** A check that counts its runs, and fails at `link` if that is set. */
function counted(): Check & { runs: number; link: string | undefined } {
  const check = {
    runs: 0,
    link: undefined as string | undefined,
    run: async () => {
      check.runs += 1;
      const { link } = check;
      return { ok: !link, links: link ? [{ link, ok: false, milliseconds: 1 }] : [] };
    },
  };
  return check;
}

describe('healthHandler', () => {
  it('returns 200 with the names of all checks when they pass', async () => {
    const ask = await health(
      healthHandler({ documents: storageCheck(new MemoryStorage()), handbook: viewCheck(view) }),
    );
    const reply = await ask();
    expect(reply.status).toBe(200);
    expect(reply.report()).toEqual({ status: 'ok', checks: { documents: { ok: true }, handbook: { ok: true } } });
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-length': String(reply.body.byteLength),
    });
  });

  it('returns 503 with the name of the failed link only, without details', async () => {
    const storage = new FailingStorage(new MemoryStorage());
    storage.fail('read', { error: new FileFieldError('storage_failed', 'EIO /srv/secret', { key: 'secret' }) });
    const ask = await health(healthHandler({ documents: storageCheck(storage), handbook: viewCheck(view) }, quiet));
    const reply = await ask();
    expect(reply.status).toBe(503);
    expect(reply.report()).toEqual({
      status: 'failing',
      checks: { documents: { ok: false, link: 'read' }, handbook: { ok: true } },
    });
    expect(reply.headers['cache-control']).toBe('no-store');
  });

  it('returns sentences and times with details, but no path, key or cause', async () => {
    const storage = new FailingStorage(new MemoryStorage());
    storage.fail('read', { error: new FileFieldError('storage_failed', 'EIO /srv/secret') });
    const secret = () => Promise.reject(new Error('SELECT secret'));
    const checks = {
      documents: storageCheck(storage),
      mine: healthCheck((link) => link('query', 'The database is down.', secret)),
      thrown: { run: secret },
      foreign: {
        run: async () => ({
          ok: false,
          links: [{ link: 'x', ok: false, milliseconds: 1, error: new FileFieldError('no_space', '/secret') }],
        }),
      },
    };
    const details = (request: { headers: object }) => 'x-admin' in request.headers;
    const ask = await health(healthHandler(checks, { ...quiet, details }));
    expect(Object.keys((await ask()).report().checks.documents!)).toEqual(['ok', 'link']);
    const { text, report } = await ask({ headers: { 'x-admin': '1' } });
    expect(text).not.toMatch(/secret|filefield-probe/);
    expect(Object.keys(report().checks.documents!.links![2]!)).toEqual(['link', 'ok', 'milliseconds']);
    expect(report().checks).toMatchObject({
      documents: {
        ok: false,
        link: 'read',
        sentence: expect.stringMatching(/^The storage does not return/),
        links: [
          { link: 'write', ok: true },
          { link: 'stat', ok: true },
          { link: 'read', ok: false, milliseconds: expect.any(Number) },
        ],
      },
      mine: { ok: false, link: 'query', sentence: 'The database is down.' },
      thrown: { ok: false, link: 'check', sentence: 'The check itself failed.' },
      foreign: { ok: false, link: 'x', sentence: 'The check failed; the log of the application says why.' },
    });
  });

  it('returns no details when the option returns a promise or throws', async () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const failing = () => {
      throw new Error('mine');
    };
    for (const details of [async () => true, failing] as unknown as (() => boolean)[]) {
      const reply = await (await health(healthHandler({ documents: counted() }, { details })))();
      expect(reply.status).toBe(200);
      expect(reply.report().checks).toEqual({ documents: { ok: true } });
    }
    expect(printed.mock.calls).toEqual([[expect.objectContaining({ message: 'mine' })]]);
    printed.mockRestore();
  });

  it('answers HEAD with the length of the body and without a body', async () => {
    const ask = await health(healthHandler({ documents: counted() }));
    const { status, body, headers } = await ask({ method: 'HEAD' });
    const length = String((await ask()).body.byteLength);
    expect(status).toBe(200);
    expect(body.byteLength).toBe(0);
    expect(headers['content-length']).toBe(length);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('returns 405 for %s without running the checks', async (method) => {
    const check = counted();
    const { status, headers } = await (await health(healthHandler({ check })))({ method });
    expect({ status, allow: headers.allow, runs: check.runs }).toEqual({ status: 405, allow: 'GET, HEAD', runs: 0 });
  });

  it('runs the checks once for simultaneous requests, and reuses the result', async () => {
    const check = counted();
    const ask = await health(healthHandler({ check }));
    await Promise.all(Array.from({ length: 20 }, () => ask()));
    await ask();
    expect(check.runs).toBe(1);
  });

  it('runs the checks again after `every`, but never twice at the same time', async () => {
    let runs = 0;
    let finish: () => void = () => undefined;
    const check = healthCheck(async () => {
      runs += 1;
      await new Promise<void>((resolve) => (finish = resolve));
    });
    const handler = healthHandler({ check }, { every: 0 });
    let arrived = 0;
    const ask = await health((request, response) => {
      arrived += 1;
      handler(request, response);
    });
    for (const round of [1, 2]) {
      const asked = [ask(), ask()];
      await until(() => runs === round && arrived === 2 * round, 'both requests have arrived');
      finish();
      expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200]);
    }
    expect(runs).toBe(2);
  });

  it('fails a check that takes longer than timeout, at the link that hangs', async () => {
    const hangs = () => new Promise<never>(() => undefined);
    const storage = new MemoryStorage();
    storage.stat = hangs;
    const checks = { documents: storageCheck(storage), deaf: { run: hangs }, fine: counted() };
    const { status, report } = await (await health(healthHandler(checks, { ...quiet, timeout: '50ms' })))();
    expect(status).toBe(503);
    expect(report().checks).toEqual({
      documents: { ok: false, link: 'stat' },
      deaf: { ok: false, link: 'timeout' },
      fine: { ok: true },
    });
    await until(() => storage.keys.length === 0, 'the probe is deleted');
  });

  it('fails a check that does not resolve to a result', async () => {
    const odd = [undefined, null, true, {}, { ok: true }].map((result) => ({ run: async () => result }));
    const checks = Object.fromEntries(odd.entries()) as unknown as Record<string, Check>;
    const { status, report } = await (await health(healthHandler(checks, quiet)))();
    expect(status).toBe(503);
    expect(Object.values(report().checks)).toEqual(odd.map(() => ({ ok: false, link: 'check' })));
  });

  it('calls onBroken when a check fails, fails at another link, and fails again', async () => {
    const check = counted();
    const calls: unknown[] = [];
    const ask = await health(
      healthHandler({ check }, { every: 0, onBroken: (name, { link }) => calls.push(`${name} ${link}`) }),
    );
    for (const link of ['read', 'read', 'write', undefined, 'write']) {
      check.link = link;
      await ask();
    }
    expect(calls).toEqual(['check read', 'check write', 'check write']);
  });

  it('prints the failed link and its error without onBroken', async () => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const cause = new Error('why');
    const check = healthCheck((link) => link('query', 'The database is down.', () => Promise.reject(cause)));
    await (
      await health(healthHandler({ mine: check }))
    )();
    expect(printed.mock.calls).toEqual([['health: mine query', expect.objectContaining({ cause })]]);
    printed.mockRestore();
  });

  it.each([
    ['5', express],
    ['4', express4],
  ])('works in Express %s, and passes its request to details', async (_version, framework) => {
    const app = framework() as ReturnType<typeof express>;
    const details = (request: Request) => request.query.all === '1';
    app.get('/health', healthHandler({ documents: counted() }, { details }));
    const ask = await health(app);
    expect((await ask({ path: '/health' })).report().checks).toEqual({ documents: { ok: true } });
    expect((await ask({ path: '/health?all=1' })).report().checks).toEqual({ documents: { ok: true, links: [] } });
    expect((await ask({ path: '/health', method: 'HEAD' })).status).toBe(200);
  });

  it('throws invalid_option for a timeout or every that is not a duration', () => {
    expect(() => healthHandler({}, { timeout: 0 })).toThrow(/timeout/);
    expect(() => healthHandler({}, { every: 'soon' as '1s' })).toThrow(/must be a duration/);
  });
});
