import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { fastify, type RouteHandlerMethod } from 'fastify';
import { writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import Koa from 'koa';
import { xAccelRedirect, type AdapterOptions, type ObjectFinder, type StoredFile } from 'filefield';
import * as onExpress from 'filefield/express';
import * as onFastify from 'filefield/fastify';
import * as onFetch from 'filefield/fetch';
import * as onKoa from 'filefield/koa';
import * as onNode from 'filefield/node';
import { expectDownload, temporaryStorage, type TemporaryStorage } from 'filefield/testing';
import { askServer, serve, type RunningServer } from '../adapters/server.js';

type Adapter = typeof onExpress | typeof onFastify | typeof onFetch | typeof onKoa | typeof onNode;

interface Member {
  readonly adapter: Adapter;
  /** Serves one handler for every path below `/`. */
  readonly listen: (handler: never) => RequestListener;
  /** Serves one local file by `sendFile` for every path. */
  readonly sendFile: (file: string, options: { readonly root?: string }) => RequestListener;
}

const fastifyListener = (handler: RouteHandlerMethod): RequestListener => {
  const app = fastify();
  app.get('/:id', handler);
  return (request, response) => void app.ready(() => app.routing(request, response));
};
const koaListener = (middleware: Koa.Middleware): RequestListener => {
  const app = new Koa();
  app.silent = true;
  app.use((context, next) => {
    Object.assign(context, { params: { id: context.path.slice(1) } });
    return next();
  });
  return app.use(middleware).callback();
};
const expressListener = (handler: express.RequestHandler) =>
  express().get('/:id', handler) as unknown as RequestListener;

const members: Readonly<Record<string, Member>> = {
  'filefield/express': {
    adapter: onExpress,
    listen: expressListener,
    sendFile: (file, options) => expressListener((request) => onExpress.sendFile(request, file, options)),
  },
  'filefield/fastify': {
    adapter: onFastify,
    listen: fastifyListener,
    sendFile: (file, options) => fastifyListener((request, reply) => onFastify.sendFile(request, reply, file, options)),
  },
  'filefield/koa': {
    adapter: onKoa,
    listen: koaListener,
    sendFile: (file, options) => koaListener((context) => onKoa.sendFile(context, file, options)),
  },
  'filefield/node': {
    adapter: onNode,
    listen: (handler: onNode.NodeHandler) => (request, response) =>
      void handler(request, response, { id: request.url!.slice(1) }),
    sendFile: (file, options) => (request, response) => void onNode.sendFile(request, response, file, options),
  },
  'filefield/fetch': {
    adapter: onFetch,
    listen: (handler: onFetch.FetchHandler) =>
      getRequestListener((request) => handler(request, { id: new URL(request.url).pathname.slice(1) })),
    sendFile: (file, options) => getRequestListener((request) => onFetch.sendFile(request, file, options)),
  },
};

class Row {
  id = 7;
  file: StoredFile | null = null;
}
const finder: ObjectFinder = {
  findObject: async (_entity, where) => (where.id === 7 ? (new Row() as never) : null),
  columnKind: () => 'integer',
  primaryKey: () => 'id',
  checkFileField: () => undefined,
};

let storage: TemporaryStorage;
let running: RunningServer | undefined;

beforeAll(async () => {
  storage = await temporaryStorage();
  await storage.write('a.txt', Readable.from([Buffer.from('hello')]));
  writeFileSync(path.join(storage.root, 'manual.pdf'), '%PDF');
});
afterAll(() => storage.remove());
afterEach(async () => {
  await running?.close();
  running = undefined;
});

describe.each(Object.entries(members))('the ready-made views of %s', (_name, { adapter, listen, sendFile }) => {
  const ask = async (listener: RequestListener, place = '/a.txt') => {
    await running?.close();
    running = await serve(listener);
    return askServer(running.port, { path: place });
  };
  // The union of the adapters has no common call signature.
  const { objectDownloadView, storageDownloadView, pathDownloadView, httpDownloadView, virtualDownloadView } =
    adapter as typeof onNode;

  it('serve objects of a storage, files of a folder and generated content', async () => {
    const byParam = (_request: unknown, { id }: { readonly id?: string | readonly string[] }) => id;
    const object = await ask(listen(storageDownloadView(storage, { name: byParam }) as never));
    expect({ status: object.status, body: object.body.toString() }).toEqual({ status: 200, body: 'hello' });
    const file = await ask(listen(pathDownloadView({ root: storage.root, path: byParam }) as never), '/manual.pdf');
    expect(file.body.toString()).toBe('%PDF');
    const made = listen(virtualDownloadView(() => ({ name: 'x', content: 'made' })) as never);
    expect((await ask(made)).body.toString()).toBe('made');
  });

  it('serve a file of another server', async () => {
    const other = await serve(listen(storageDownloadView(storage, { name: 'a.txt' }) as never));
    const url = `http://127.0.0.1:${other.port}/a.txt`;
    const mirror = listen(httpDownloadView({ url, allowPrivate: true, timeout: '5s' }) as never);
    expect((await ask(mirror)).body.toString()).toBe('hello');
    await other.close();
  });

  it('answer 404 for a row that does not exist or has no file', async () => {
    const view = listen(objectDownloadView(finder, Row, { field: 'file' }) as never);
    for (const place of ['/7', '/8', '/x']) expect((await ask(view, place)).status).toBe(404);
  });

  it('apply the option delivery of the view once', async () => {
    const delivery = xAccelRedirect({ [storage.root]: '/_files' });
    const view = listen(pathDownloadView({ root: storage.root, path: 'manual.pdf', delivery }) as never);
    expect((await ask(view)).headers['x-accel-redirect']).toBe('/_files/manual.pdf');
  });

  it('pass onError to the adapter', async () => {
    const errors: unknown[] = [];
    const options: AdapterOptions<unknown> = { onError: (error) => errors.push(error) };
    const view = listen(virtualDownloadView(() => Promise.reject(new Error('broken')), options as never) as never);
    expect((await ask(view)).status).toBe(500);
    expect(errors).toMatchObject([{ message: 'broken' }]);
  });

  it.each([0, -1, NaN, '60', '30d'])('throw when they are made with the idleTimeout %p', (idleTimeout) => {
    const make = () => pathDownloadView({ root: 'x', path: 'y', idleTimeout: idleTimeout as never });
    expect(make).toThrow('The option "idleTimeout" must be a duration');
  });

  it('are complemented by sendFile, which sends one file below a root or by its path', async () => {
    expect((await ask(sendFile('manual.pdf', { root: storage.root }))).body.toString()).toBe('%PDF');
    expect((await ask(sendFile(path.join(storage.root, 'manual.pdf'), {}))).body.toString()).toBe('%PDF');
    expect((await ask(sendFile('../manual.pdf', { root: storage.root }))).status).toBe(404);
    await running?.close();
    running = await serve(sendFile('manual.pdf', { root: storage.root }));
    await expectDownload(await fetch(`http://127.0.0.1:${running.port}/x`), { text: '%PDF', name: 'manual.pdf' });
  });
});
