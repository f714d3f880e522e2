// Uses every entry that needs no other package. Only compiled, not run.
import { createServer } from 'node:http';
import { downloadView, StorageRegistry, type Files, type StoredFile } from 'filefield';
import { toFetch } from 'filefield/fetch';
import { healthHandler, storageCheck } from 'filefield/health';
import { toNode } from 'filefield/node';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { storageContract } from 'filefield/testing';

declare const files: Files;
declare class Document {
  file: StoredFile | null;
}

export const staged: Promise<StoredFile> = files.stage(Document, 'file', 'text');
export const storages = new StorageRegistry({
  documents: new DiskStorage({ root: 'var' }),
  scratch: new MemoryStorage(),
});
export const health = healthHandler({ storage: storageCheck(new MemoryStorage()) });
export const contract = storageContract(() => new MemoryStorage());
export const fetched = toFetch(downloadView(async () => null));
createServer((request, response) => void toNode(downloadView(async () => null))(request, response));
