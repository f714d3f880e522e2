import { getRequestListener } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { pathDownloadView, storageDownloadView } from 'filefield/fetch';
import { DiskStorage } from 'filefield/storages/disk';
import { Hono } from 'hono';
import { createServer } from 'node:http';
import { readyServer } from '../lib/ready.js';

// The files of a folder on Hono.
const root = process.argv[2]!;
const storageView = storageDownloadView(new DiskStorage({ root }), { name: (_request, { file }) => file! });
const pathView = pathDownloadView({ root, path: (_request, { file }) => file! });
const app = new Hono();
app.get('/storage/:file', (context) => storageView(context.req.raw, context.req.param()));
app.get('/path/:file', (context) => pathView(context.req.raw, context.req.param()));
app.get('/static/*', serveStatic({ root, rewriteRequestPath: (path) => path.slice('/static'.length) }));
readyServer(createServer(getRequestListener(app.fetch)));
