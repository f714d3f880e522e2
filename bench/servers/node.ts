import { DiskStorage } from 'filefield/storages/disk';
import { pathDownloadView, storageDownloadView } from 'filefield/node';
import { createReadStream, stat } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import path from 'node:path';
import send from 'send';
import sirv from 'sirv';
import { readyServer } from '../lib/ready.js';
import { sendRaw } from './raw.js';

// The files of a folder on node:http, sent in six ways: /way/file.
const root = process.argv[2]!;
const storageView = storageDownloadView(new DiskStorage({ root }), { name: (_request, { file }) => file! });
const pathView = pathDownloadView({ root, path: (_request, { file }) => file! });
const serveStatic = sirv(root);

const ways: Readonly<Record<string, (...values: [...Parameters<RequestListener>, string]) => unknown>> = {
  storage: (request, response, file) => storageView(request, response, { file }),
  path: (request, response, file) => pathView(request, response, { file }),
  raw: (request, response, file) => sendRaw(path.join(root, file), request, response),
  stream: (_request, response, file) => {
    const name = path.join(root, file);
    stat(name, (_error, { size }) => {
      response.writeHead(200, { 'content-length': size });
      createReadStream(name).pipe(response);
    });
  },
  send: (request, response, file) => send(request, file, { root }).pipe(response),
  sirv: (request, response, file) => {
    request.url = `/${file}`;
    serveStatic(request, response);
  },
};

const server = createServer((request, response) => {
  const [, way = '', file = ''] = request.url!.split('/');
  ways[way]!(request, response, file);
});
readyServer(server);
