// A small application on TypeORM: uploads a file, saves it with its row, serves it over HTTP and reads it back.
// Column types are explicit, because esbuild, vitest and Bun emit no decorator metadata.
import 'reflect-metadata';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { StorageRegistry } from 'filefield';
import { fileErrors, objectDownloadView } from 'filefield/express';
import { DiskStorage } from 'filefield/storages/disk';
import { attachFiles, createLedger, FileField, type StoredFile } from 'filefield/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
class Document {
  @PrimaryGeneratedColumn('increment') id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @FileField({ storage: 'documents', accept: ['image/*'], maxSize: '1 MB' }) file!: StoredFile | null;
}

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

async function upload(address: string, slug: string, content: Uint8Array<ArrayBuffer>): Promise<Response> {
  const form = new FormData();
  form.append('slug', slug);
  form.append('file', new Blob([content]), 'pixel.png');
  return fetch(address, { method: 'POST', body: form });
}

async function exchange(address: string): Promise<string> {
  const created = await upload(address, 'pixel', png);
  const refused = await upload(address, 'text', Buffer.from('not an image'));
  const download = await fetch(`${address}/pixel`);
  const bytes = Buffer.from(await download.arrayBuffer());
  const same = bytes.equals(png) ? 'same' : 'other';
  return `${created.status} ${refused.status} ${download.status} ${download.headers.get('content-type')} ${same} bytes`;
}

async function program(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'filefield-'));
  const dataSource = new DataSource({ type: 'sqljs', entities: [Document], synchronize: true });
  await createLedger((await dataSource.initialize()).createQueryRunner());
  const storages = new StorageRegistry({ documents: new DiskStorage({ root }) });
  const files = await attachFiles(dataSource, { storages });
  const documents = dataSource.getRepository(Document);

  const app = express();
  app.post('/documents', (request, response, next) => {
    files
      .receive(request, Document, 'file')
      .then(({ file, fields }) => documents.save({ slug: fields.slug, file }))
      .then((document) => response.status(201).json(document), next);
  });
  app.get('/documents/:slug', objectDownloadView(files, Document, { field: 'file', slugField: 'slug' }));
  app.use(fileErrors());
  const server = app.listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    return await exchange(`http://127.0.0.1:${(server.address() as AddressInfo).port}/documents`);
  } finally {
    server.close();
    server.closeAllConnections();
    await dataSource.destroy();
    await rm(root, { recursive: true });
  }
}

export const finished = program();
finished.then((line) => console.log(line));
