import { getRequestListener } from '@hono/node-server';
import express, { type Express } from 'express';
import express4 from 'express-4';
import { fastify } from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import Koa2 from 'koa-2';
import type { RequestListener } from 'node:http';
import type { DownloadHandler } from 'filefield';
import { toExpress } from 'filefield/express';
import { toFastify } from 'filefield/fastify';
import { toFetch } from 'filefield/fetch';
import { toKoa } from 'filefield/koa';
import { toNode } from 'filefield/node';

export interface MountOptions {
  readonly onError?: (error: unknown) => void;
  readonly idleTimeout?: number;
}

/** A framework that serves a view at every path. */
export interface MountedAdapter {
  /** The name of the route parameter with the decoded path below `/`. */
  readonly param: string;
  mount(handler: DownloadHandler<unknown>, options?: MountOptions): RequestListener;
}

const onExpress =
  (make: () => Express, route: string): MountedAdapter['mount'] =>
  (handler, options) =>
    make().all(route, toExpress(handler, options)) as unknown as RequestListener;

const onKoa =
  (Application: typeof Koa): MountedAdapter['mount'] =>
  (handler, options) => {
    const app = new Application();
    // Koa logs an error for each client that disconnects.
    app.silent = true;
    app.use(async (context, next) => {
      const below = decoded(context.path);
      if (below === undefined) return context.throw(400);
      Object.assign(context, { params: { path: below } });
      await next();
    });
    return app.use(toKoa(handler, options)).callback();
  };

/** Every adapter, on every supported major version of its framework. */
export const everyAdapter: Readonly<Record<string, MountedAdapter>> = {
  'node:http': {
    param: 'path',
    mount: (handler, options) => (request, response) => {
      const path = decoded(request.url!.split('?')[0]!);
      if (path === undefined) response.writeHead(400).end();
      else void toNode(handler, options)(request, response, { path });
    },
  },
  'Express 4': { param: '0', mount: onExpress(express4, '/*') },
  'Express 5': { param: 'path', mount: onExpress(express, '/{*path}') },
  Fastify: {
    param: '*',
    mount(handler, options) {
      const app = fastify();
      // Request bodies are not read.
      app.addContentTypeParser('*', (_request, _payload, done) => done(null));
      app.all('/*', toFastify(handler, options));
      return (request, response) => void app.ready(() => app.routing(request, response));
    },
  },
  'Koa 2': { param: 'path', mount: onKoa(Koa2) },
  'Koa 3': { param: 'path', mount: onKoa(Koa) },
  'fetch on Hono': {
    param: 'path',
    mount(handler, options) {
      const run = toFetch(handler, options);
      const app = new Hono();
      app.all('/', (context) => run(context.req.raw));
      app.all('/:path{.+}', (context) => run(context.req.raw, context.req.param()));
      return getRequestListener(app.fetch);
    },
  },
};

/** A path below `/`, decoded once; undefined if its encoding is invalid. */
function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path.slice(1));
  } catch {
    return undefined;
  }
}
