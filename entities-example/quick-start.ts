import 'reflect-metadata';
import express from 'express';
import { fileErrors, objectDownloadView } from 'filefield/express';
import { DiskStorage } from 'filefield/storages/disk';
import { attachFiles, createLedger, FileField, protectFiles, transactionQueue, withFiles } from 'filefield/typeorm';
import type { StoredFile } from 'filefield';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
class Document {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') title!: string;
  @FileField({ storage: 'documents', accept: ['application/pdf', 'text/*'], maxSize: '20 MB' })
  file!: StoredFile | null;
}

const sqlite = { type: 'sqljs', location: 'app.sqlite', autoSave: true } as const; // or 'postgres', 'mariadb' …
const dataSource = withFiles(new DataSource({ ...sqlite, entities: [Document], synchronize: true }));
await dataSource.initialize();
await createLedger(dataSource); // in a migration, once you have migrations
await protectFiles(dataSource); // likewise
const files = await attachFiles(dataSource, { storages: { documents: new DiskStorage({ root: 'documents' }) } });
files.sweepEvery('5m'); // deletes the bytes that no row refers to any more
const transaction = transactionQueue(dataSource); // SQLite has one connection; elsewhere use dataSource.transaction

const app = express();
app.post('/documents', async (request, response) => {
  const saved = await files.receive(request, Document, 'file', ({ file, fields }) => {
    const row = { title: String(fields.title ?? 'Untitled'), file }; // the bytes are in the storage
    return transaction((manager) => manager.save(Document, row)); // row and file, or neither
  });
  response.status(201).json(saved);
});
app.get('/documents/:id', objectDownloadView(files, Document, { field: 'file' }));
app.use(fileErrors());
app.listen(Number(process.env.PORT ?? 3000));
