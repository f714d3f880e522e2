import 'reflect-metadata';
import express from 'express';
import { StorageRegistry } from 'filefield';
import { fileErrors, objectDownloadView } from 'filefield/express';
import { DiskStorage } from 'filefield/storages/disk';
import { attachFiles, createLedger, FileField, type StoredFile } from 'filefield/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
class Document {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @FileField({ storage: 'documents', accept: ['application/pdf', 'text/*'], maxSize: '20 MB' })
  file!: StoredFile | null;
}

const dataSource = new DataSource({ type: 'sqlite', database: ':memory:', entities: [Document], synchronize: true });
await createLedger((await dataSource.initialize()).createQueryRunner()); // in earnest: in a migration
const storages = new StorageRegistry({ documents: new DiskStorage({ root: 'var/documents' }) });
const files = await attachFiles(dataSource, { storages });

const app = express();
app.post('/documents', async (request, response) => {
  const { file, fields } = await files.receive(request, Document, 'file'); // streams into the storage
  const document = await dataSource.getRepository(Document).save({ slug: fields.slug, file }); // or neither
  response.status(201).json(document); // shows name, size and type of the file, never its key
});
app.get('/documents/:slug', objectDownloadView(files, Document, { field: 'file', slugField: 'slug' }));
app.use(fileErrors());
app.listen(Number(process.env.PORT ?? 3000));
