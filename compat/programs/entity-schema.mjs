// The application of decorators.ts in plain JavaScript, without decorators.
import express from 'express';
import { StorageRegistry } from 'filefield';
import { fileErrors, objectDownloadView } from 'filefield/express';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, fileColumn, protectFiles, withFiles } from 'filefield/typeorm';
import { DataSource, EntitySchema } from 'typeorm';
import { exchange } from './exchange.cjs';

const Document = new EntitySchema({
  name: 'document',
  columns: {
    id: { type: 'integer', primary: true, generated: true },
    slug: { type: 'varchar', unique: true },
    file: fileColumn({ storage: 'documents', accept: ['image/*'] }),
  },
});

async function program() {
  const dataSource = withFiles(new DataSource({ type: 'sqljs', entities: [Document], synchronize: true }));
  await createLedger((await dataSource.initialize()).createQueryRunner());
  await protectFiles(dataSource);
  const storages = new StorageRegistry({ documents: new MemoryStorage() });
  const files = await attachFiles(dataSource, { storages });

  const app = express();
  app.post('/documents', (request, response, next) => {
    files
      .receive(request, Document, 'file')
      .then(({ file, fields }) => dataSource.getRepository(Document).save({ slug: String(fields.slug), file }))
      .then((document) => response.status(201).json(document), next);
  });
  app.get('/documents/:slug', objectDownloadView(files, Document, { field: 'file', slugField: 'slug' }));
  app.use(fileErrors());
  return exchange(app).finally(() => dataSource.destroy());
}

export const finished = program();
finished.then((line) => console.log(line));
