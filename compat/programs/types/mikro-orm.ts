// Uses filefield/mikro-orm. Only compiled, not run.
import { defineEntity, p, type MikroORM } from '@mikro-orm/core';
import { StorageRegistry, type Files } from 'filefield';
import { objectDownloadView } from 'filefield/express';
import { attachFiles, FileField, fileType, type StoredFile } from 'filefield/mikro-orm';
import { MemoryStorage } from 'filefield/storages/memory';

export const Document = defineEntity({
  name: 'Document',
  properties: {
    id: p.integer().primary(),
    file: p.type(fileType({ storage: 'documents', accept: ['image/*'] })).nullable(),
  },
});

export class Photo {
  id!: number;
  @FileField({ storage: 'documents' }) image!: StoredFile | null;
}

export function start(orm: MikroORM): Promise<Files> {
  return attachFiles(orm, { storages: new StorageRegistry({ documents: new MemoryStorage() }) });
}

export function view(files: Files) {
  return objectDownloadView(files, Photo, { field: 'image' });
}
