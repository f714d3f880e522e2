import express from 'express';
import { pathDownloadView, storageDownloadView } from 'filefield/express';
import { DiskStorage } from 'filefield/storages/disk';
import { createServer } from 'node:http';
import { readyServer } from '../lib/ready.js';

// The files of a folder on Express.
const root = process.argv[2]!;
const app = express();
app.get('/storage/:file', storageDownloadView(new DiskStorage({ root }), { name: (_request, { file }) => file! }));
app.get('/path/:file', pathDownloadView({ root, path: (_request, { file }) => file! }));
app.get('/sendFile/:file', (request, response) => response.sendFile(request.params.file, { root }));
readyServer(createServer(app));
