// Uses every entry of the package except filefield/mikro-orm. Only compiled, not run.
import { S3Client } from '@aws-sdk/client-s3';
import { ContainerClient } from '@azure/storage-blob';
import { Storage as GoogleClient } from '@google-cloud/storage';
import express from 'express';
import fastify from 'fastify';
import { createServer } from 'node:http';
import Koa from 'koa';
import {
  downloadView,
  FileFieldError,
  isFileFieldError,
  StorageRegistry,
  xAccelRedirect,
  type Files,
  type FileSource,
  type Storage,
} from 'filefield';
import { deliverWith, fileErrors, objectDownloadView } from 'filefield/express';
import { toFastify } from 'filefield/fastify';
import { toFetch } from 'filefield/fetch';
import { healthHandler, storageCheck } from 'filefield/health';
import { toKoa } from 'filefield/koa';
import { toNode } from 'filefield/node';
import { AzureBlobStorage } from 'filefield/storages/azure';
import { GoogleCloudStorage } from 'filefield/storages/google';
import { CachedStorage } from 'filefield/storages/cached';
import { DiskStorage } from 'filefield/storages/disk';
import { fromFilesSdk, type FilesSdk } from 'filefield/storages/files-sdk';
import { fromFlydrive, type FlydriveDisk } from 'filefield/storages/flydrive';
import { fromFlystorage, type FlystorageFileStorage } from 'filefield/storages/flystorage';
import { MemoryStorage } from 'filefield/storages/memory';
import { MirroredStorage } from 'filefield/storages/mirrored';
import { PrefixedStorage } from 'filefield/storages/prefixed';
import { S3Storage } from 'filefield/storages/s3';
import { FailingStorage, storageContract } from 'filefield/testing';
import { attachFiles, createLedger, FileField, fileColumn, type StoredFile } from 'filefield/typeorm';
import * as keeping from 'filefield/typeorm';
import { Column, DataSource, Entity, EntitySchema, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class Document {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @FileField({ storage: 'documents', accept: ['image/*'], maxSize: '1 MB' }) file!: StoredFile | null;
}

export const Letter = new EntitySchema<Document>({
  name: 'letter',
  columns: {
    id: { type: 'integer', primary: true, generated: true },
    slug: { type: 'varchar' },
    file: fileColumn({ storage: 'documents', nullable: false }),
  },
});

export async function start(dataSource: DataSource): Promise<Files> {
  await createLedger(dataSource.createQueryRunner());
  const documents: Storage = new DiskStorage({ root: 'var' });
  return attachFiles(dataSource, { storages: new StorageRegistry({ documents, scratch: new MemoryStorage() }) });
}

export async function keep(files: Files): Promise<string | undefined> {
  const staged: StoredFile = await files.stage(Document, 'file', Buffer.from('text'), { name: 'note.txt' });
  const source: FileSource = staged;
  await files.discard(staged);
  return source.origin === undefined ? source.type : source.etag;
}

export function serve(files: Files): express.Express {
  const app = express();
  app.use(deliverWith(xAccelRedirect({ '/srv/documents': '/_documents' })));
  app.get('/:slug', objectDownloadView(files, Document, { field: 'file', slugField: 'slug', disposition: 'inline' }));
  app.use(fileErrors());
  return app;
}

export function serveElsewhere(): void {
  createServer((request, response) => void toNode(downloadView(async () => null))(request, response));
  new Koa().use(toKoa(downloadView(async () => null)));
  fastify().get('/', toFastify(downloadView(async () => null)));
  toFetch(downloadView(async () => null));
}

export const contract: readonly { readonly title: string }[] = storageContract(
  () => new FailingStorage(new MemoryStorage()),
);
export const bucket: Storage = new S3Storage({ client: new S3Client({}), bucket: 'documents' });
export const container: Storage = new AzureBlobStorage({
  container: new ContainerClient('https://azure.example/documents'),
});
export const cloud: Storage = new GoogleCloudStorage({ bucket: new GoogleClient().bucket('documents') });
export const cached: Storage = new CachedStorage({ storage: bucket, root: 'var/cache', maxSize: '1 GB' });
export const mirrored: Storage = new MirroredStorage([
  new PrefixedStorage({ storage: bucket, prefix: 'app' }),
  new MemoryStorage(),
]);
export const borrowed = (disk: FlydriveDisk, storage: FlystorageFileStorage, files: FilesSdk): readonly Storage[] => [
  fromFlydrive(disk),
  fromFlystorage(storage),
  fromFilesSdk(files),
];
export const health = healthHandler({ storage: storageCheck(new MemoryStorage()) });

export function codeOf(error: unknown): string | undefined {
  return isFileFieldError(error) || error instanceof FileFieldError ? error.code : undefined;
}

// The library creates them: only their types are exported.
// @ts-expect-error no such value
export const noValue: unknown = keeping.StoredFile;
