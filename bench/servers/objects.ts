import express from 'express';
import { xAccelRedirect } from 'filefield';
import { objectDownloadView as expressView } from 'filefield/express';
import { objectDownloadView as nodeView } from 'filefield/node';
import { createServer } from 'node:http';
import path from 'node:path';
import type { Database } from '../lib/database.js';
import { readyServer } from '../lib/ready.js';
import { sendRaw } from './raw.js';

// Rows with files, on Express and on node:http: /view/slug, /handed/slug, and what somebody writes by hand: /hand/slug.
const [, , orm, root, json] = process.argv;
const database = JSON.parse(json!) as Database;
const delivery = xAccelRedirect({ [root!]: '/_documents' });
const sizes = { '1k': 2 ** 10, '64k': 2 ** 16, '1m': 2 ** 20, '16m': 2 ** 24 };
const keys: Record<string, string> = {};
const { views, find } = await (orm === 'typeorm' ? withTypeorm() : withMikro());

const app = express();
app.get('/view/:slug', views.express);
app.get('/handed/:slug', views.handed);
app.get('/hand/:slug', async (request, response) => {
  const row = await find(request.params.slug);
  if (!row) response.sendStatus(404);
  else response.sendFile(row.path, { headers: { 'content-disposition': 'attachment' } });
});
const server = createServer((request, response) => {
  const [, first, way, slug = ''] = request.url!.split('/');
  if (first !== 'node') app(request, response);
  else if (way === 'view') void views.node(request, response, { slug });
  else {
    void find(slug).then((row) => {
      if (row) sendRaw(row.path, request, response);
      else response.writeHead(404).end();
    });
  }
});
readyServer(server, { keys });

async function withTypeorm() {
  const { ByHand, Document, openTypeorm } = await import('../lib/typeorm-store.js');
  const { dataSource, files, save } = await openTypeorm(database, root!);
  for (const [slug, size] of Object.entries(sizes)) {
    const file = await files.stage(Document, 'file', Buffer.alloc(size, 'x'), { name: `${slug}.bin` });
    keys[slug] = path.relative(root!, file.localPath!);
    await save(Document, { slug, file });
    await save(ByHand, { slug, path: path.resolve(file.localPath!), sha256: file.sha256!, size });
  }
  const options = { field: 'file', slugField: 'slug' } as const;
  return {
    views: {
      express: expressView(files, Document, options),
      node: nodeView(files, Document, options),
      handed: expressView(files, Document, { ...options, delivery }),
    },
    find: (slug: string) => dataSource.manager.findOneBy(ByHand, { slug }),
  };
}

async function withMikro() {
  const { ByHand, Document, openMikro } = await import('../lib/mikro-store.js');
  const { orm: mikro, files } = await openMikro(database, root!);
  for (const [slug, size] of Object.entries(sizes)) {
    const file = await files.stage(Document, 'file', Buffer.alloc(size, 'x'), { name: `${slug}.bin` });
    keys[slug] = path.relative(root!, file.localPath!);
    const em = mikro.em.fork();
    em.create(Document, { slug, file });
    em.create(ByHand, { slug, path: path.resolve(file.localPath!) });
    await em.flush();
  }
  const options = { field: 'file', slugField: 'slug' } as const;
  return {
    views: {
      express: expressView(files, Document, options),
      node: nodeView(files, Document, options),
      handed: expressView(files, Document, { ...options, delivery }),
    },
    find: (slug: string) => mikro.em.fork().findOne(ByHand, { slug }),
  };
}
