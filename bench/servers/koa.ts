import { pathDownloadView, storageDownloadView } from 'filefield/koa';
import { DiskStorage } from 'filefield/storages/disk';
import Koa from 'koa';
import send from 'koa-send';
import { createServer } from 'node:http';
import { readyServer } from '../lib/ready.js';

// The files of a folder on Koa, which has no router: /way/file.
const root = process.argv[2]!;
const file = (context: Koa.Context) => context.path.slice(context.path.lastIndexOf('/') + 1);
const storageView = storageDownloadView(new DiskStorage({ root }), { name: file });
const pathView = pathDownloadView({ root, path: file });
const app = new Koa();
app.silent = true; // clients that leave are no errors here
app.use((context, next) => {
  if (context.path.startsWith('/storage/')) return storageView(context, next);
  if (context.path.startsWith('/path/')) return pathView(context, next);
  return send(context, file(context), { root });
});
readyServer(createServer(app.callback()));
