// Uses two copies of filefield in one application, as happens if a dependency brings its own. Each copy must recognise the
// errors, fields and stored files of the other. Import and require of one package are no two copies.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import express from 'express';
import { FileFieldError, isFileFieldError, isStoredFile, StorageRegistry } from 'filefield';
import { objectDownloadView } from 'filefield/express';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger } from 'filefield/typeorm';
import { DataSource, EntitySchema } from 'typeorm';

const require = createRequire(import.meta.url);
assert.equal(require('filefield').FileFieldError, FileFieldError);

const folder = path.dirname(require.resolve('filefield/package.json'));
cpSync(folder, path.join(folder, '../filefield-copy'), { recursive: true });
const other = {
  ...require('filefield-copy'),
  ...require('filefield-copy/express'),
  ...require('filefield-copy/testing'),
  ...require('filefield-copy/typeorm'),
};
assert.notEqual(FileFieldError, other.FileFieldError);

const Document = new EntitySchema({
  name: 'document',
  columns: {
    id: { type: 'integer', primary: true, generated: true },
    file: other.fileColumn({ storage: 'documents' }),
  },
});

async function useFiles(files, documents, storage) {
  const staged = await files.stage(Document, 'file', 'some text', { name: 'a.txt' });
  await documents.save({ file: staged });
  const { file } = await documents.findOneByOrFail({});
  for (const known of [isStoredFile, other.isStoredFile]) assert.ok(known(staged) && known(file));
  assert.equal(await file.text(), 'some text');

  const end = storage.fail('write', { error: new other.FileFieldError('no_space', 'The disk is full.') });
  const failed = await files.stage(Document, 'file', 'more text', { name: 'b.txt' }).catch((error) => error);
  end();
  assert.ok(isFileFieldError(failed, 'no_space') && other.isFileFieldError(failed, 'no_space'));
  assert.ok(other.isFileFieldError(new FileFieldError('missing', ''), 'missing'));
}

/** The error handler of one copy handles errors of a view and of an upload of the other copy. */
async function answers(app, storage) {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = `http://127.0.0.1:${server.address().port}`;
  const download = await fetch(`${address}/1`);
  const unknown = await fetch(`${address}/2`);
  const form = new FormData();
  form.append('file', new Blob(['text']), 'c.txt');
  const end = storage.fail('write', { error: new other.FileFieldError('no_space', 'The disk is full.') });
  const upload = await fetch(address, { method: 'POST', body: form });
  end();
  server.close();
  server.closeAllConnections();
  return [await download.text(), unknown.status, await unknown.json(), upload.status];
}

async function program() {
  const dataSource = new DataSource({ type: 'sqljs', entities: [Document], synchronize: true });
  await createLedger((await dataSource.initialize()).createQueryRunner());
  const storage = new other.FailingStorage(new MemoryStorage());
  const files = await attachFiles(dataSource, {
    storages: new StorageRegistry({ documents: storage }),
    protection: 'off',
  });
  await useFiles(files, dataSource.getRepository(Document), storage);

  const app = express().set('env', 'test');
  app.get('/:id', objectDownloadView(files, Document, { field: 'file' }));
  app.post('/', (request, response, next) => {
    files.receive(request, Document, 'file').then(() => response.end(), next);
  });
  app.use(other.fileErrors());
  // fileErrors passes errors of the server to the next handler.
  app.use((error, _request, response, next) => (next, response.status(other.errorStatus(error)).end()));
  const notFound = { statusCode: 404, error: 'Not Found', code: 'not_found', message: 'Not Found' };
  assert.deepEqual(await answers(app, storage), ['some text', 404, notFound, 507]);
  await dataSource.destroy();
  return 'both copies agree';
}

program().then((line) => console.log(line));
