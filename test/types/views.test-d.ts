// Compiled, not run: each marked line must not compile, and the compiler reports a mark without an error.
import type { FastifyRequest } from 'fastify';
import { downloadView, httpView, localFile, pathView, type DownloadHandler } from 'filefield';
import * as express from 'filefield/express';
import * as fastify from 'filefield/fastify';
import { toFetch } from 'filefield/fetch';

const root = 'public';

// Core views are framework-free; the ready-made ones are handlers.
export const handler: DownloadHandler = pathView({ root, path: 'a' });
export const onFetch: (request: Request) => Promise<Response> = toFetch(pathView<Request>({ root, path: 'a' }));
fastify.pathDownloadView({ root, path: (request: FastifyRequest) => request.url, idleTimeout: '30s' });
httpView({ url: 'https://files.example/a', timeout: '10s', maxRedirects: 2 });
downloadView(async () => null, { onDenied: 403 });
localFile('a', { root, dotFiles: 'show', name: 'b' });

// @ts-expect-error - the option is called onDenied
downloadView(async () => null, { denied: 'hide' });
// @ts-expect-error - only 404 and 403 are possible
downloadView(async () => null, { onDenied: 401 });
// @ts-expect-error - not a duration
httpView({ url: 'https://files.example/a', timeout: '10 seconds' });
// @ts-expect-error - a ready-made view is not a view for an adapter
express.toExpress(express.pathDownloadView({ root, path: 'a' }));
// @ts-expect-error - a framework-free view has no options of an adapter
pathView({ root, path: 'a', idleTimeout: '30s' });
// @ts-expect-error - not a way to treat links
localFile('a', { root, symlinks: 'outside' });
