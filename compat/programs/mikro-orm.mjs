// A small application on MikroORM 6 or 7 in plain JavaScript, without decorators.
import { defineEntity, p } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/libsql';
import express from 'express';
import { StorageRegistry } from 'filefield';
import { fileErrors, objectDownloadView } from 'filefield/express';
import { attachFiles, createLedger, fileType, protectFiles, withFiles } from 'filefield/mikro-orm';
import { MemoryStorage } from 'filefield/storages/memory';
import { exchange } from './exchange.cjs';

const Document = defineEntity({
  name: 'Document',
  properties: {
    id: p.integer().primary(),
    slug: p.string().unique(),
    file: p.type(fileType({ storage: 'documents', accept: ['image/*'] })).nullable(),
  },
});

async function program() {
  const orm = await MikroORM.init(withFiles({ dbName: ':memory:', entities: [Document] }));
  const { schema } = orm;
  await (schema.create ?? schema.createSchema).call(schema);
  await createLedger(orm);
  await protectFiles(orm);
  const storages = new StorageRegistry({ documents: new MemoryStorage() });
  const files = await attachFiles(orm, { storages });

  const app = express();
  app.post('/documents', (request, response, next) => {
    const em = orm.em.fork();
    files
      .receive(request, Document, 'file')
      .then(async ({ file, fields }) => {
        const document = em.create(Document, { slug: String(fields.slug), file });
        await em.persist(document).flush();
        response.status(201).json(document);
      })
      .catch(next);
  });
  app.get('/documents/:slug', objectDownloadView(files, Document, { field: 'file', slugField: 'slug' }));
  app.use(fileErrors());
  return exchange(app).finally(() => orm.close());
}

export const finished = program();
finished.then((line) => console.log(line));
