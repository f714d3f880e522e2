import 'reflect-metadata';
import express from 'express';
import { StorageRegistry, xAccelRedirect } from 'filefield';
import { objectDownloadView } from 'filefield/express';
import { DiskStorage } from 'filefield/storages/disk';
import { attachFiles, createLedger, FileField, type StoredFile } from 'filefield/typeorm';
import { mkdtempSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** The same file as a file field, and as a path in a column. */
@Entity()
class Document {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @Column('varchar') path!: string;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

const root = mkdtempSync(path.join(tmpdir(), 'filefield-bench-'));
const dataSource = await new DataSource({
  type: 'sqlite',
  database: path.join(root, 'bench.db'),
  entities: [Document],
  synchronize: true,
}).initialize();
await createLedger(dataSource.createQueryRunner());
const storages = new StorageRegistry({ documents: new DiskStorage({ root: path.join(root, 'documents') }) });
const files = await attachFiles(dataSource, { storages });
const repository = dataSource.getRepository(Document);

const keys: Record<number, string> = {};
for (const bytes of [1024, 2 ** 20, 2 ** 24]) {
  const file = await files.stage(Document, 'file', Buffer.alloc(bytes, 'x'), { name: `${bytes}.txt` });
  keys[bytes] = file.toDescriptor().key;
  await repository.save(repository.create({ slug: String(bytes), file, path: file.localPath! }));
}

const app = express();
app.get('/view/:slug', objectDownloadView(files, Document, { field: 'file', slugField: 'slug' }));
app.get(
  '/handed/:slug',
  objectDownloadView(files, Document, { field: 'file', slugField: 'slug', delivery: xAccelRedirect(storages) }),
);
app.get('/hand/:slug', async (request, response) => {
  const document = await repository.findOneBy({ slug: request.params.slug });
  if (!document) response.sendStatus(404);
  else response.sendFile(document.path, { headers: { 'content-disposition': 'attachment' } });
});
const server = app.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ port, keys, root: storages.get('documents').root });
});
process.on('disconnect', () => process.exit());
