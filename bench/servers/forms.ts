import busboy from 'busboy';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { writeSafely, type Written } from '../lib/by-hand.js';
import type { Database } from '../lib/database.js';
import { readyServer } from '../lib/ready.js';
import { ByHand, Document, openTypeorm } from '../lib/typeorm-store.js';

// Forms with a file: saved with a row, or only received, by this library or with busboy and the same guarantee.
const [, , root, json] = process.argv;
const { files, save } = await openTypeorm(JSON.parse(json!) as Database, path.join(root!, 'storage'));
const folder = path.join(root!, 'by-hand');
mkdirSync(folder);

function receiveByHand(request: IncomingMessage): Promise<Written> {
  return new Promise((resolve, reject) => {
    const form = busboy({ headers: request.headers });
    form.once('file', (_name, body) => writeSafely(folder, body).then(resolve, reject));
    form.once('error', reject);
    request.pipe(form);
  });
}

const routes: Readonly<Record<string, (request: IncomingMessage) => Promise<unknown>>> = {
  '/save/receive': (request) =>
    files.receive(request, Document, 'file', ({ file }) => save(Document, { slug: randomUUID(), file })),
  '/save/hand': async (request) => save(ByHand, { slug: randomUUID(), ...(await receiveByHand(request)) }),
  '/only/receive': async (request) => {
    const { file } = await files.receive(request, Document, 'file');
    rmSync(file!.localPath!);
  },
  '/only/hand': async (request) => rmSync((await receiveByHand(request)).path),
};

const server = createServer((request, response) => {
  routes[request.url!]!(request).then(
    () => response.writeHead(204).end(),
    (error: Error) => {
      console.error(error);
      response.writeHead(500).end();
    },
  );
});
readyServer(server);
