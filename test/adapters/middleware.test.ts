import { jest } from '@jest/globals';
import compression from 'compression';
import compressionOld from 'compression-old';
import cookieSession from 'cookie-session';
import cookieSessionOld from 'cookie-session-old';
import express, { type RequestHandler } from 'express';
import express4 from 'express-4';
import session from 'express-session';
import sessionOld from 'express-session-old';
import Koa from 'koa';
import morgan from 'morgan';
import morganOld from 'morgan-old';
import type { IncomingMessage, OutgoingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import responseTime from 'response-time';
import responseTimeOld from 'response-time-old';
import { downloadView, virtualFile, type DownloadHandler } from 'filefield';
import { toExpress } from 'filefield/express';
import { toKoa } from 'filefield/koa';
import { toNode } from 'filefield/node';
import { askServer, serve, type RunningServer } from './server.js';

type Connect = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

const logged: string[] = [];
const stream = { write: (line: string) => void logged.push(line.trim()) };
const logFormat = ':method :status :res[content-length] :res[content-type]';
const sessionOptions = { secret: 'a secret of the tests', resave: true, saveUninitialized: true };
/** Middleware that stores something in the session of each request. */
const visited =
  (middleware: RequestHandler): RequestHandler =>
  (request, response, next) =>
    void middleware(request, response, () => {
      Object.assign((request as { session?: object }).session!, { visited: true });
      next();
    });

/** What a naive package does to a response: it reads the arguments of `writeHead`, and calls the original with them. */
const patched: RequestHandler = (_request, response, next) => {
  const writeHead = response.writeHead.bind(response);
  response.writeHead = ((status: number, ...rest: [OutgoingHttpHeaders?]) => {
    const given = rest[0];
    if (Array.isArray(given)) throw new TypeError('headers are an object');
    return writeHead(status, { ...given, 'x-patched': 'yes' });
  }) as never;
  const end = response.end.bind(response) as (...values: unknown[]) => ServerResponse;
  response.end = ((...values: unknown[]) => end(...values)) as never;
  next();
};

const middleware: Readonly<Record<string, () => RequestHandler>> = {
  'morgan 1.10': () => morganOld(logFormat, { stream }),
  morgan: () => morgan(logFormat, { stream }),
  'compression 1.7': () => compressionOld({ threshold: 0 }) as RequestHandler,
  compression: () => compression({ threshold: 0 }) as RequestHandler,
  'express-session 1.18': () => visited(sessionOld(sessionOptions)),
  'express-session': () => visited(session(sessionOptions)),
  'response-time 2.3.2': () => responseTimeOld() as RequestHandler,
  'response-time': () => responseTime() as RequestHandler,
  'cookie-session 2.0': () => visited(cookieSessionOld({ keys: ['a'] }) as RequestHandler),
  'cookie-session': () => visited(cookieSession({ keys: ['a'] }) as RequestHandler),
  'a package that replaces writeHead and end': () => patched,
};

/** Headers that the middleware adds to each response, as far as it adds any. */
const added: Readonly<Record<string, string>> = {
  'express-session': 'set-cookie',
  'cookie-session': 'set-cookie',
  'response-time': 'x-response-time',
  'a package': 'x-patched',
};

const hosts: Readonly<
  Record<string, (before: RequestHandler, view: DownloadHandler<IncomingMessage>) => RequestListener>
> = {
  'Express 4': (before, view) =>
    express4()
      .disable('x-powered-by')
      .use(before)
      .use(toExpress(view as never)) as unknown as RequestListener,
  'Express 5': (before, view) =>
    express()
      .disable('x-powered-by')
      .use(before)
      .use(toExpress(view as never)) as unknown as RequestListener,
  'node:http': (before, view) => (request, response) =>
    void (before as unknown as Connect)(request, response, () => void toNode(view)(request, response)),
  Koa: (before, view) => {
    const app = new Koa();
    app.use(async ({ req, res }, next) => {
      await new Promise<void>((resolve) => (before as unknown as Connect)(req, res, resolve));
      await next();
    });
    return app.use(toKoa(view as never)).callback();
  },
};

const large = Buffer.alloc(300_000, 'text of a download\n').toString();
const etag = '"v1"';
const view = downloadView<IncomingMessage, string>(
  async ({ url }) => ({
    subject: url!,
    file: () => virtualFile({ name: 'page.html', content: url === '/large' ? large : '<b>small</b>', etag }),
  }),
  { cacheControl: 'private, no-store' },
);

type Question = readonly [path: string, request: { method?: string; headers?: Record<string, string> }];
const questions: Readonly<Record<string, Question>> = {
  'a small file': ['/small', {}],
  'a large file': ['/large', {}],
  'a large file for a client that takes gzip': ['/large', { headers: { 'accept-encoding': 'gzip, br' } }],
  HEAD: ['/large', { method: 'HEAD' }],
  'a range': ['/large', { headers: { range: 'bytes=5-250000' } }],
  'several ranges': ['/large', { headers: { range: 'bytes=0-9,100000-100009' } }],
  'a file that the client has': ['/small', { headers: { 'if-none-match': etag } }],
  'an unsatisfiable range': ['/small', { headers: { range: 'bytes=9999-' } }],
};

const ask = (port: number, [path, request]: Question) => askServer(port, { path, ...request });
/** Those of the connection and of the moment, and those that middleware may add to. */
const unlike = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'cache-control', 'vary']);

describe.each(Object.entries(hosts))('a download on %s', (_host, mount) => {
  let running: RunningServer;
  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
  });

  it.each(Object.entries(middleware))('has its headers and its bytes behind %s', async (name, make) => {
    const plain = await serve(mount((_request, _response, next) => next(), view));
    running = await serve(mount(make(), view));
    for (const [what, question] of Object.entries(questions)) {
      logged.length = 0;
      const right = await ask(plain.port, question);
      const reply = await ask(running.port, question);
      const wanted = Object.entries(right.headers).filter(([header]) => !unlike.has(header));
      // The boundary between ranges is random.
      const boundary = /(?<=boundary=|\r\n--|^--)[\w-]{24}/g;
      expect([what, reply.status]).toEqual([what, right.status]);
      for (const [header, value] of wanted) {
        expect([what, header, String(reply.headers[header]).replace(boundary, '')]).toEqual([
          what,
          header,
          String(value).replace(boundary, ''),
        ]);
      }
      expect(reply.headers['cache-control'] ?? '').toContain(right.headers['cache-control'] ?? '');
      expect(reply.body.toString().replace(boundary, '')).toBe(right.body.toString().replace(boundary, ''));
      const [, header] = Object.entries(added).find(([start]) => name.startsWith(start)) ?? [];
      if (header !== undefined) expect(Object.keys(reply.headers)).toContain(header);
      if (name.startsWith('morgan')) {
        const { 'content-length': length = '-', 'content-type': type = '-' } = right.headers;
        const line = `${question[1].method ?? 'GET'} ${right.status} ${String(length)} ${String(type)}`;
        expect(logged.map((text) => text.replace(boundary, ''))).toEqual([line.replace(boundary, '')]);
      }
    }
    await plain.close();
  });

  it.each([
    ['chunks', 'transfer-encoding', 'chunked'],
    ['trailers', 'trailer', 'x-sum'],
  ])('has no Content-Length where middleware wants %s', async (_what, name, value) => {
    const wanting: RequestHandler = (_request, response, next) => {
      response.setHeader(name, value);
      next();
    };
    running = await serve(mount(wanting, view));
    for (const [what, question] of Object.entries(questions)) {
      const { status, headers, body } = await ask(running.port, question);
      expect([what, status >= 500, headers['content-length']]).toEqual([what, false, undefined]);
      if (what.startsWith('a large file')) expect(body.toString() === large).toBe(true);
    }
  });

  it('keeps the Cache-Control of the application on an error, behind compression', async () => {
    running = await serve(
      mount((request, response, next) => {
        response.setHeader('cache-control', 'no-store');
        (compression() as RequestHandler)(request, response, next);
      }, view),
    );
    const reply = await ask(running.port, questions['an unsatisfiable range']!);
    expect([reply.status, reply.headers['cache-control']]).toEqual([416, 'no-store, no-transform']);
  });
});
