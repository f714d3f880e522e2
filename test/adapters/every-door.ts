import { getRequestListener } from '@hono/node-server';
import express, { type Express } from 'express';
import express4 from 'express-4';
import { fastify } from 'fastify';
import type { FormRequest } from 'filefield';
import { multipartForms } from 'filefield/fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import Koa2 from 'koa-2';
import http, { createServer, type RequestListener } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { formHeaders } from '../support/forms.js';

/** What a handler answers, in a form that every framework can send. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The application's code for an upload: it is given what the framework gives to a handler. */
export type UploadHandler = (request: FormRequest) => Promise<Answer>;

/** A framework through which forms arrive. */
export type Door = (handle: UploadHandler) => RequestListener;

const plain: Door = (handle) => (request, response) => {
  void handle(request).then(({ status, body }) => response.writeHead(status).end(body));
};

const onExpress =
  (make: () => Express): Door =>
  (handle) =>
    make().post('/', async (request, response) => {
      const { status, body } = await handle(request);
      response.status(status).send(body);
    }) as unknown as RequestListener;

const onKoa =
  (Application: typeof Koa): Door =>
  (handle) => {
    const app = new Application();
    app.silent = true;
    return app
      .use(async (context) => {
        const { status, body } = await handle(context);
        Object.assign(context, { status, body });
      })
      .callback();
  };

const onHono =
  (take: (request: Request) => FormRequest | Promise<FormRequest>): Door =>
  (handle) => {
    const app = new Hono();
    app.post('/', async (context) => {
      const { status, body } = await handle(await take(context.req.raw));
      return context.text(body, status as 200);
    });
    return getRequestListener(app.fetch);
  };

/** Every way for a form to arrive, on every supported major version of each framework. */
export const everyDoor: Readonly<Record<string, Door>> = {
  'node:http': plain,
  'Express 4': onExpress(express4),
  'Express 5': onExpress(express),
  Fastify: (handle) => {
    const app = fastify();
    app.register(multipartForms);
    app.post('/', async (request, reply) => {
      const { status, body } = await handle(request);
      return reply.status(status).send(body);
    });
    return (request, response) => void app.ready(() => app.routing(request, response));
  },
  'Koa 2': onKoa(Koa2 as typeof Koa),
  'Koa 3': onKoa(Koa),
  'a Request on Hono': onHono((request) => request),
};

/** Parsed by the runtime, in memory: a form that is cut off does not reach the library. */
export const formDataDoor: Door = onHono((request) => request.formData());

/** A server behind a door; over HTTP/2 it takes requests without TLS. */
export async function openDoor(door: Door, handle: UploadHandler, version: 1 | 2 = 1) {
  const listener = door(handle);
  const server = version === 1 ? createServer(listener) : http2.createServer(listener as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

/** Sends a body with the chunked coding, in two chunks; resolves to the status. */
export function inTwoChunks(port: number, body: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { port, host: '127.0.0.1', method: 'POST', headers: formHeaders, agent: false },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    request.on('error', reject);
    request.write(body.subarray(0, at), () => setImmediate(() => request.end(body.subarray(at))));
  });
}

/** What a body parser in front does. */
export async function readBody(request: FormRequest): Promise<void> {
  if (request instanceof FormData) return;
  if (request instanceof Request) return void (await request.text());
  const stream = 'raw' in request ? request.raw : 'req' in request ? request.req : request;
  await stream.toArray();
}
