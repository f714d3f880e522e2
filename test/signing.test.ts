import { jest } from '@jest/globals';
import type { RequestListener } from 'node:http';
import express, { type Request } from 'express';
import fc from 'fast-check';
import { createSigner, virtualView, type SigningKey, type SignOptions } from 'filefield';
import { requireSignature, toExpress } from 'filefield/express';
import { expectDownload, runView } from 'filefield/testing';
import { askServer, serve } from './adapters/server.js';

const old: SigningKey = { id: 'old', secret: 'o'.repeat(32) };
const fresh: SigningKey = { id: 'new', secret: Buffer.alloc(32, 7) };
const signer = createSigner({ keys: [old] });
const soon: SignOptions = { expiresIn: '10m' };
const verify = (url: string, method = 'GET', bind?: string) => signer.verify({ method, url, bind });
const reason = (url: string, method?: string, bind?: string) => {
  const verified = verify(url, method, bind);
  return verified.ok ? undefined : verified.reason;
};

afterEach(() => jest.restoreAllMocks());

describe('a signed URL', () => {
  it('is valid for the request that was signed', () => {
    const url = signer.sign('/files/7?size=big', { ...soon, fileName: 'Plan ü.pdf' });
    expect(verify(url)).toEqual({ ok: true, expires: expect.any(Date), fileName: 'Plan ü.pdf' });
    expect(verify(url, 'HEAD').ok).toBe(true);
    expect(url).toMatch(/^\/files\/7\?size=big&/);
  });

  it('is valid in every equivalent encoding', () => {
    const url = signer.sign('/a/é b+.txt?q=é b', soon);
    expect(url).toMatch(/^\/a\/%C3%A9%20b%2B.txt\?q=%C3%A9%20b&/);
    for (const same of [
      url,
      url.replaceAll('%C3%A9', 'é'),
      url.replace('%2B', '+'),
      url.replace('q=%C3%A9%20b', 'q=é+b'),
    ]) {
      expect(reason(same)).toBeUndefined();
    }
    const [path = '', query = ''] = url.split('?');
    expect(reason(`${path}?${query.split('&').reverse().join('&')}`)).toBeUndefined();
    expect(reason(new URL(url, 'http://localhost').href.slice('http://localhost'.length))).toBeUndefined();
  });

  it('is valid in absolute form, as a proxy may send it', () => {
    const url = signer.sign('/files/a', soon);
    expect(reason(`http://files.example:8080${url}`)).toBeUndefined();
    expect(reason(`HTTPS://files.example${url}`)).toBeUndefined();
    expect(reason(`http://files.example/x${url}`)).toBe('mismatch');
    expect(reason(`ftp://files.example${url}`)).toBe('malformed');
  });

  it('is not valid after any change', () => {
    const url = signer.sign('/files/a%2Fb?x=1&y=2&x=3', { ...soon, fileName: 'a.txt' });
    const changed = [
      url.replace('a%2Fb', 'a/b'),
      url.replace('files', 'Files'),
      url.replace('x=1', 'x=2'),
      url.replace('x=1&y=2&x=3', 'x=3&y=2&x=1'),
      url.replace('&y=2', ''),
      `${url}&z=1`,
      url.replace('sig-name=a', 'sig-name=b'),
      url.replace(/sig-expires=\d/, 'sig-expires=9'),
      url.replace(/&sig-name=[^&]*/, ''),
      `${url}&sig-methods=DELETE`,
    ];
    expect(changed.map((one) => reason(one))).toEqual(changed.map(() => 'mismatch'));
  });

  it('is valid for its methods only', () => {
    const url = signer.sign('/a', { ...soon, methods: ['get'] });
    expect({ get: reason(url), head: reason(url, 'HEAD'), post: reason(url, 'POST') }).toEqual({
      get: undefined,
      head: 'mismatch',
      post: 'mismatch',
    });
  });

  it('is valid for the bound client only', () => {
    const [bound, free] = [signer.sign('/a', { ...soon, bind: 'ann' }), signer.sign('/a', soon)];
    expect(reason(bound, 'GET', 'ann')).toBeUndefined();
    for (const [what, given] of [
      ['another client', reason(bound, 'GET', 'bob')],
      ['no client', reason(bound)],
      ['a client for an unbound URL', reason(free, 'GET', 'ann')],
      ['an empty client for an unbound URL', reason(free, 'GET', '')],
    ]) {
      expect({ what, reason: given }).toEqual({ what, reason: 'mismatch' });
    }
    expect(bound).not.toContain('ann');
  });

  it('expires', () => {
    const url = signer.sign('/a', { expiresIn: '1m' });
    const now = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(now + 59_000);
    expect(reason(url)).toBeUndefined();
    jest.spyOn(Date, 'now').mockReturnValue(now + 61_000);
    expect(reason(url)).toBe('expired');
    expect(reason(url.replace('/a', '/b'))).toBe('mismatch');
  });

  it('is valid after a rotation of keys until its own key is removed', () => {
    const url = signer.sign('/a', soon);
    const rotated = createSigner({ keys: [fresh, old] });
    expect(rotated.verify({ method: 'GET', url }).ok).toBe(true);
    expect(rotated.sign('/a', soon)).toContain('sig-key=new');
    expect(createSigner({ keys: [fresh] }).verify({ method: 'GET', url })).toEqual({
      ok: false,
      reason: 'unknown_key',
    });
    expect(createSigner({ keys: [{ ...fresh, id: 'old' }] }).verify({ method: 'GET', url }).ok).toBe(false);
  });

  it('reports mismatch, malformed or missing for a bad signature of any length', () => {
    const url = signer.sign('/a', soon);
    const signature = /[?&]sig=([^&]*)/.exec(url)![1]!;
    const other = (text: string) => reason(url.replace(signature, text));
    const flipped = (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1);
    expect([flipped, 'x', `${signature}A`, `${signature}=`, 'é'.repeat(43)].map(other)).toEqual(
      Array(5).fill('mismatch'),
    );
    // The last base64 character has unused bits, so its neighbours decode to the same bytes.
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      if (last !== signature.at(-1)) expect(other(signature.slice(0, -1) + last)).toBe('mismatch');
    }
    expect(other('')).toBe('malformed');
    expect(reason('/a')).toBe('missing');
    expect(reason(url.replace(/&sig=.*/, ''))).toBe('missing');
    for (const bad of [
      `${url}&sig=x`,
      url.replace(/&sig-key=old/, ''),
      url.replace('/a', '/%zz'),
      `${url}&%=`,
      'a',
      '',
      '/\ud800',
    ])
      expect(reason(bad)).toBe('malformed');
    expect(reason(url.replace(/sig-expires=\d+/, 'sig-expires=1e9'))).toBe('malformed');
  });

  it('verifies what it signed, for any path, parameters, file name and client', () => {
    const segment = fc.string({ unit: 'grapheme' }).filter((text) => text !== '.' && text !== '..');
    const encoded = fc.array(segment, { minLength: 1 }).map((all) => `/${all.map(encodeURIComponent).join('/')}`);
    const query = fc.array(fc.tuple(fc.string(), fc.string()));
    fc.assert(
      fc.property(
        encoded,
        query,
        fc.option(fc.string({ unit: 'binary' })),
        fc.option(fc.string()),
        (path, pairs, name, bind) => {
          const text = new URLSearchParams(pairs).toString();
          const options = { ...soon, fileName: name ?? undefined, bind: bind ?? undefined };
          const url = signer.sign(`${path}?${text}`, options);
          const verified = verify(url, 'GET', bind ?? undefined);
          expect(verified).toMatchObject({ ok: true, ...(name !== null && { fileName: name.toWellFormed() }) });
          expect(reason(`${url}0`, 'GET', bind ?? undefined)).toBe('mismatch');
        },
      ),
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(verify(`/${text}`).ok).toBe(false)));
  });

  it('is refused for an invalid path, key or option', () => {
    for (const path of ['a', '', '/a/../b', '/%2e%2E/b', '/%', '/a#b', '/a?sig=1', '/a?sig-name=x', 'http://a/b'])
      expect(() => signer.sign(path, soon)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
    for (const expiresIn of [0, -1, NaN, '4000d'] as const) expect(() => signer.sign('/a', { expiresIn })).toThrow();
    expect(() => signer.sign('/a', { ...soon, methods: [] })).toThrow();
    const keys: SigningKey[][] = [[], [old, old], [{ id: 'x', secret: 'short' }], [{ id: 'a b', secret: old.secret }]];
    for (const bad of keys) expect(() => createSigner({ keys: bad })).toThrow();
  });
});

describe('the option signature of a view', () => {
  const make = jest.fn(() => ({ name: 'own.txt', content: 'hello', size: 5 }));
  const view = virtualView<{ user: string }>(make, {
    signature: { signer, bind: ({ user }) => user },
    fileName: 'option.txt',
    cacheControl: 'public, max-age=86400, s-maxage=9, stale-if-error=9000',
  });
  const raw = { user: 'ann' };

  it('serves the bound client, with the signed name, and limits caching to the life of the URL', async () => {
    const url = signer.sign('/x', { ...soon, bind: 'ann', fileName: 'Signed é.txt' });
    const result = await runView(view, { url, raw });
    await expectDownload(result, { name: 'Signed é.txt', text: 'hello' });
    const [, age] = /^public, max-age=(\d+), s-maxage=9$/.exec(result.headers['cache-control']!)!;
    expect(Number(age)).toBeGreaterThan(590);
    expect(Number(age)).toBeLessThanOrEqual(600);
    const nameless = signer.sign('/x', { ...soon, bind: 'ann' });
    await expectDownload(await runView(view, { url: nameless, raw }), { name: 'option.txt' });
  });

  it.each([
    ['private', 'private, no-cache'],
    ['public', 'public, max-age=60'],
    ['immutable', 'private, max-age=60, immutable'],
  ])('limits the Cache-Control header "%s"', async (cacheControl, sent) => {
    jest.spyOn(Date, 'now').mockReturnValue(1_800_000_000_000);
    const limited = virtualView(make, { signature: { signer }, cacheControl });
    const { headers } = await runView(limited, { url: signer.sign('/x', { expiresIn: '1m' }) });
    expect(headers['cache-control']).toBe(sent);
  });

  it('answers 403 to all other requests before it looks anything up', async () => {
    make.mockClear();
    const url = signer.sign('/x', { ...soon, bind: 'ann' });
    const requests = [
      { url, raw: { user: 'bob' } },
      // A request without a session, and a URL that is bound to nobody.
      { url: signer.sign('/x', soon), raw: {} as typeof raw },
      { url: signer.sign('/x', soon), raw },
      { url: '/x', raw },
      { url: url.replace('/x', '/y'), raw },
    ];
    for (const request of requests) expect((await runView(view, request)).status).toBe(403);
    expect((await runView(view, { raw })).status).toBe(500);
    expect(make).not.toHaveBeenCalled();
  });
});

describe('requireSignature of Express', () => {
  it('passes on signed requests, also in a mounted router, and does not send the reason to others', async () => {
    const router = express.Router();
    const view = virtualView<Request>(() => ({ name: 'a.txt', content: 'hello' }), { signature: { signer } });
    const causes: unknown[] = [];
    router.get(
      '/static',
      requireSignature(signer, { bind: (request) => request.get('x-user') ?? '' }),
      (_, response) => {
        response.send('in');
      },
    );
    router.get('/view', toExpress(view, { onError: (error) => causes.push(error) }));
    const app = express().set('env', 'test').use('/mounted', router);
    const server = await serve(app as unknown as RequestListener);
    const url = signer.sign('/mounted/static', { ...soon, bind: 'ann' });
    const [ann, bob] = [{ 'x-user': 'ann' }, { 'x-user': 'bob' }];
    expect((await askServer(server.port, { path: url, headers: ann })).body.toString()).toBe('in');
    const refused = await askServer(server.port, { path: url, headers: bob });
    expect({ status: refused.status, reasonSent: /mismatch|signature/.test(refused.body.toString()) }).toEqual({
      status: 403,
      reasonSent: false,
    });
    const seen = await askServer(server.port, { path: signer.sign('/mounted/view', soon) });
    expect({ status: seen.status, body: seen.body.toString() }).toEqual({ status: 200, body: 'hello' });
    expect((await askServer(server.port, { path: '/mounted/view' })).status).toBe(403);
    expect(causes).toMatchObject([{ code: 'forbidden' }]);
    await server.close();
  });
});
