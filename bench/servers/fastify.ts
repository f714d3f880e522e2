import serveStatic from '@fastify/static';
import { fastify } from 'fastify';
import { pathDownloadView, storageDownloadView } from 'filefield/fastify';
import { DiskStorage } from 'filefield/storages/disk';
import { readyServer } from '../lib/ready.js';

// The files of a folder on Fastify.
const root = process.argv[2]!;
const app = fastify();
app.get('/storage/:file', storageDownloadView(new DiskStorage({ root }), { name: (_request, { file }) => file! }));
app.get('/path/:file', pathDownloadView({ root, path: (_request, { file }) => file! }));
await app.register(serveStatic, { root, prefix: '/static/' });
await app.ready();
readyServer(app.server);
