import { getRequestListener } from '@hono/node-server';
import express from 'express';
import express4 from 'express-4';
import { fastify } from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import type { IncomingMessage, RequestListener } from 'node:http';
import path from 'node:path';
import {
  downloadView,
  localFile,
  xAccelRedirect,
  xSendfile,
  type DeliveryChoice,
  type DownloadHandler,
} from 'filefield';
import { deliverWith as onExpress, toExpress } from 'filefield/express';
import { deliverWith as onFastify, toFastify } from 'filefield/fastify';
import { toFetch } from 'filefield/fetch';
import { deliverWith as onKoa, toKoa } from 'filefield/koa';
import { toNode } from 'filefield/node';
import { fileIn, temporaryFolder } from '../fronts/support.js';
import { askServer, head, serve, talk, type Reply } from '../adapters/server.js';

type View = DownloadHandler<IncomingMessage>;

/** Mounts a view at / in an application with a delivery and, if given, a router with a delivery. */
type Mount = (view: View, app: DeliveryChoice | undefined, router?: DeliveryChoice) => RequestListener;

function onAnyExpress(make: typeof express): Mount {
  return (view, app, router) => {
    const outer = make();
    const inner = make.Router();
    outer.use((_request, response, next) => {
      response.set({ 'X-Before': 'kept', 'Set-Cookie': ['a=1', 'b=2'] });
      next();
    });
    if (app) outer.use(onExpress(app));
    if (router) inner.use(onExpress(router));
    inner.get('/', toExpress(view as never));
    return outer.use(inner);
  };
}

const mounts: Readonly<Record<string, Mount>> = {
  'Express 5': onAnyExpress(express),
  'Express 4': onAnyExpress(express4 as unknown as typeof express),
  Fastify: (view, app, router) => {
    const outer = fastify();
    if (app) outer.addHook('onRequest', onFastify(app));
    outer.register(async (inner) => {
      if (router) inner.addHook('onRequest', onFastify(router));
      inner.get('/', toFastify(view as never));
    });
    return (request, response) => void outer.ready(() => outer.routing(request, response));
  },
  Koa: (view, app, router) => {
    const outer = new Koa();
    if (app) outer.use(onKoa(app));
    if (router) outer.use(onKoa(router));
    return outer.use(toKoa(view as never)).callback();
  },
  'node:http': (view, app, router) => (request, response) =>
    void toNode(view, { delivery: router ?? app })(request, response),
  'fetch, with Hono': (view, app, router) => {
    const serveView = toFetch(view as never, { delivery: router ?? app });
    return getRequestListener(new Hono().get('/', (context) => serveView(context.req.raw)).fetch);
  },
};

const folder = temporaryFolder();
fileIn(folder, 'a b.txt');
const delivery = (prefix: string) => xAccelRedirect({ [folder]: prefix });
const view = (choice?: DeliveryChoice): View =>
  downloadView(async () => ({ subject: 0, file: () => localFile(path.join(folder, 'a b.txt')) }), { delivery: choice });

async function answer(listener: RequestListener, headers: Record<string, string> = {}) {
  const server = await serve(listener);
  const reply = await askServer(server.port, { headers });
  await server.close();
  return reply;
}

describe.each(Object.entries(mounts))('a delivery on %s', (_name, mount) => {
  it('makes the same response for an application, a router and a view', async () => {
    const one = delivery('/_files');
    const replies = [
      await answer(mount(view(), one)),
      await answer(mount(view(), undefined, one)),
      await answer(mount(view(one), undefined)),
    ];
    const plain = ({ status, headers, body }: Reply) => ({
      status,
      headers: { ...headers, date: '' } as Reply['headers'],
      body,
    });
    const first = plain(replies[0]!);
    for (const reply of replies) expect(plain(reply)).toEqual(first);
    expect({
      status: first.status,
      'x-accel-redirect': first.headers['x-accel-redirect'],
      bytes: first.body.byteLength,
    }).toEqual({ status: 200, 'x-accel-redirect': '/_files/a%20b.txt', bytes: 0 });
    expect(first.headers['content-length'] ?? '0').toBe('0');
    expect(first.headers['accept-ranges']).toBeUndefined();
    expect(first.headers.etag).toMatch(/^W\/"/);
  });

  it('uses the choice of the view before that of the router, and the router before the application', async () => {
    const place = async (listener: RequestListener) => (await answer(listener)).headers['x-accel-redirect'];
    const [app, router, own] = [delivery('/_app'), delivery('/_router'), delivery('/_view')];
    expect(await place(mount(view(own), app, router))).toBe('/_view/a%20b.txt');
    expect(await place(mount(view(), app, router))).toBe('/_router/a%20b.txt');
    expect(await place(mount(view('none'), app, router))).toBeUndefined();
    expect(await place(mount(view(), app, 'none'))).toBeUndefined();
    // A file outside of the folders of the view's delivery is streamed; that of the application is not used.
    expect(await place(mount(view(xAccelRedirect({ '/elsewhere': '/_x' })), app))).toBeUndefined();
  });

  it('cannot be chosen by the client', async () => {
    const requestHeaders = {
      'x-accel-redirect': '/etc/passwd',
      'x-sendfile-type': 'X-Sendfile',
      'x-accel-mapping': '/=/_x/',
    };
    const streamed = await answer(mount(view(), undefined), requestHeaders);
    expect({ body: streamed.body.toString(), 'x-accel-redirect': streamed.headers['x-accel-redirect'] }).toEqual({
      body: '0123456789',
      'x-accel-redirect': undefined,
    });
    const handed = await answer(mount(view(), delivery('/_files')), requestHeaders);
    expect({
      'x-accel-redirect': handed.headers['x-accel-redirect'],
      'x-sendfile': handed.headers['x-sendfile'],
    }).toEqual({ 'x-accel-redirect': '/_files/a%20b.txt', 'x-sendfile': undefined });
  });

  it('keeps the bytes of a path', async () => {
    const file = fileIn(folder, 'é日本🎉.txt');
    const raw: View = downloadView(async () => ({ subject: 0, file: () => file }));
    const server = await serve(mount(raw, xSendfile({ [folder]: '/srv' }, { server: 'apache' })));
    const client = await talk(server.port, head('GET', '/', { connection: 'close' }));
    await client.closed;
    expect(client.received().toString('utf8').toLowerCase()).toContain('x-sendfile: /srv/é日本🎉.txt\r\n');
    await server.close();
  });
});

it.each(['Express 5', 'Express 4'])('keeps headers and cookies that middleware of %s set', async (name) => {
  const reply = await answer(mounts[name]!(view(), delivery('/_files')));
  expect({ 'x-before': reply.headers['x-before'], 'set-cookie': reply.headers['set-cookie'] }).toEqual({
    'x-before': 'kept',
    'set-cookie': ['a=1', 'b=2'],
  });
});
