// A small application on TypeORM: uploads a file, saves it with its row, serves it over HTTP and reads it back.
// Column types are explicit, because esbuild, vitest and Bun emit no decorator metadata.
import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { StorageRegistry } from 'filefield';
import { fileErrors, objectDownloadView } from 'filefield/express';
import { DiskStorage } from 'filefield/storages/disk';
import { attachFiles, createLedger, FileField, protectFiles, withFiles, type StoredFile } from 'filefield/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { exchange } from './exchange.cjs';

@Entity()
class Document {
  @PrimaryGeneratedColumn('increment') id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @FileField({ storage: 'documents', accept: ['image/*'], maxSize: '1 MB' }) file!: StoredFile | null;
}

async function program(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'filefield-'));
  const dataSource = withFiles(new DataSource({ type: 'sqljs', entities: [Document], synchronize: true }));
  await createLedger((await dataSource.initialize()).createQueryRunner());
  await protectFiles(dataSource);
  const storages = new StorageRegistry({ documents: new DiskStorage({ root }) });
  const files = await attachFiles(dataSource, { storages });
  const documents = dataSource.getRepository(Document);

  const app = express();
  app.post('/documents', (request, response, next) => {
    files
      .receive(request, Document, 'file')
      .then(({ file, fields }) => documents.save({ slug: String(fields.slug), file }))
      .then((document) => response.status(201).json(document), next);
  });
  app.get('/documents/:slug', objectDownloadView(files, Document, { field: 'file', slugField: 'slug' }));
  app.use(fileErrors());
  try {
    return await exchange(app);
  } finally {
    await dataSource.destroy();
    await rm(root, { recursive: true });
  }
}

export const finished = program();
finished.then((line) => console.log(line));
