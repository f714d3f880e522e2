import { jest } from '@jest/globals';
import type { RequestListener } from 'node:http';
import { format } from 'node:util';
import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import express4 from 'express-4';
import { downloadView, FileFieldError, virtualFile, type DownloadHandler } from 'filefield';
import { fileErrors, pathDownloadView, toExpress } from 'filefield/express';
import { adapterContract } from '../contracts/adapter-contract.js';
import { askServer, serve, until } from './server.js';

const versions: Readonly<Record<string, () => Express>> = {
  'Express 5': express,
  'Express 4': express4,
};

function application(version: string, handler: DownloadHandler<Request>, onError?: (error: unknown) => void): Express {
  const app = versions[version]!();
  app.use((_request, response, next) => {
    response.set({ 'X-Before': 'kept', 'Cache-Control': 'no-store' });
    next();
  });
  app.all('/', toExpress(handler));
  app.get('/named/:id', toExpress(handler));
  const note: ErrorRequestHandler = (error, _request, response, next) => {
    onError?.(error);
    response.set((error as { headers?: Record<string, string> }).headers ?? {});
    next(error);
  };
  return app.use(note);
}

describe.each(Object.keys(versions))('%s', (version) => {
  adapterContract(version, {
    mount: (handler, onError) => application(version, handler, onError) as unknown as RequestListener,
  });

  it('sends no detail of a failure, also in development', async () => {
    const { NODE_ENV } = process.env;
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    process.env.NODE_ENV = 'development';
    const secret = new FileFieldError('storage_failed', '/srv/vault', { key: 'secret', cause: new Error('/srv') });
    const server = await serve(application(version, () => Promise.reject(secret)) as unknown as RequestListener);
    try {
      const reply = await askServer(server.port);
      expect(reply.status).toBe(500);
      expect(reply.body.toString()).toMatch(/<pre>Internal Server Error<\/pre>/);
      expect(reply.body.toString()).not.toMatch(/srv|secret|\.[jt]s\b|FileField/);
      // The cause is logged once: by Express 5 itself, and by filefield on Express 4.
      const causes = () =>
        printed.mock.calls.filter(([error]) => error === secret || (error as Error).cause === secret);
      await until(() => causes().length > 0, 'the cause has been logged');
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(causes()).toHaveLength(1);
    } finally {
      await server.close();
      process.env.NODE_ENV = NODE_ENV;
      printed.mockRestore();
    }
  });

  it('is logged in one line without a path when a client asks for what is not there, and whole when the server fails', async () => {
    const { NODE_ENV } = process.env;
    const printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    process.env.NODE_ENV = 'development';
    const app = versions[version]!();
    app.get('/files/:path', pathDownloadView({ root: 'docs', path: (_request, { path }) => path }));
    const failing: DownloadHandler<Request> = () => Promise.reject(new Error('the disk is broken'));
    app.get('/failing', toExpress(failing));
    const server = await serve(app as unknown as RequestListener);
    const logged = () => printed.mock.calls.map((given) => format(...given)).join('\n');
    try {
      expect((await askServer(server.port, { path: '/files/absent.md' })).status).toBe(404);
      await until(() => logged() !== '', 'the status has been logged');
      expect(logged().split('\n')).toHaveLength(1);
      expect(logged()).toMatch(/Not Found|404/);
      expect(logged()).not.toContain(process.cwd());
      printed.mockClear();
      expect((await askServer(server.port, { path: '/failing' })).status).toBe(500);
      // Express 4 logs the status besides.
      const calls = version === 'Express 4' ? 2 : 1;
      await until(() => printed.mock.calls.length === calls, 'the cause has been logged');
      expect(logged()).toMatch(/the disk is broken\n +at /);
    } finally {
      await server.close();
      process.env.NODE_ENV = NODE_ENV;
      printed.mockRestore();
    }
  });

  it('passes decoded route parameters to the view', async () => {
    const seen: unknown[] = [];
    const view: DownloadHandler<Request> = downloadView(async ({ params }) => {
      seen.push(params.id);
      return null;
    });
    const server = await serve(application(version, view) as unknown as RequestListener);
    await askServer(server.port, { path: '/named/a%2Fb%20c' });
    expect(seen).toEqual(['a/b c']);
    await server.close();
  });

  it('answers failures with JSON through fileErrors, with Allow on 405', async () => {
    const app = versions[version]!();
    app.all('/', toExpress(downloadView(async () => null)));
    app.use(fileErrors());
    const server = await serve(app as unknown as RequestListener);
    const missing = await askServer(server.port);
    expect({ status: missing.status, body: JSON.parse(missing.body.toString()) }).toEqual({
      status: 404,
      body: { statusCode: 404, error: 'Not Found', code: 'not_found', message: 'Not Found' },
    });
    const refused = await askServer(server.port, { method: 'PUT' });
    expect({ status: refused.status, allow: refused.headers.allow }).toEqual({
      status: 405,
      allow: 'GET, HEAD, OPTIONS',
    });
    await server.close();
  });

  it('calls onError once per failure with the request', async () => {
    const reports: unknown[] = [];
    const app = versions[version]!();
    const onError = (error: unknown, request: Request) => reports.push([error, request.path]);
    app.get(
      '/',
      toExpress(
        downloadView(async () => null),
        { onError },
      ),
    );
    const server = await serve(app as unknown as RequestListener);
    await askServer(server.port);
    expect(reports).toEqual([[expect.objectContaining({ code: 'not_found' }), '/']]);
    await server.close();
  });

  it('sends exact bytes through compressing middleware that calls no callbacks', async () => {
    const content = 'compressible '.repeat(100_000);
    const app = versions[version]!();
    const heads: unknown[] = [];
    app.use((_request, response, next) => {
      const write = response.write.bind(response) as (chunk: unknown) => boolean;
      const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => unknown;
      Object.assign(response, {
        write: (chunk: unknown) => write(chunk),
        writeHead: (status: number, headers?: Record<string, string>) => {
          heads.push(response.getHeader('cache-control') ?? headers?.['cache-control']);
          return writeHead(status, headers);
        },
      });
      next();
    });
    app.get(
      '/',
      toExpress(downloadView(async () => ({ subject: 0, file: () => virtualFile({ name: 'x.txt', content }) }))),
    );
    const server = await serve(app as unknown as RequestListener);
    const reply = await askServer(server.port);
    expect(reply.body.toString() === content).toBe(true);
    expect(heads).toEqual(['private, no-cache, no-transform']);
    await server.close();
  });
});
