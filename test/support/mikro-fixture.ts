import type { EntityManager } from '@mikro-orm/core';
import { isFileFieldError, StorageRegistry, type FileFieldErrorCode, type StoredFile } from 'filefield';
import { attachFiles, type Files } from 'filefield/mikro-orm';
import { MemoryStorage } from 'filefield/storages/memory';
import { Document, mikroEntities } from './mikro-entities.js';
import type { DatabaseName } from './databases.js';
import { openMikro, type OpenMikro } from './mikro-orm.js';

/** An attached ORM with the entities of these tests, and helpers for its tests. */
export interface MikroFixture extends OpenMikro {
  readonly files: Files;
  readonly storage: MemoryStorage;
  stage(text?: string): Promise<StoredFile>;
  /** A committed document with a file. */
  saved(data?: Partial<Document>): Promise<Document>;
  /** The file's state in the ledger. */
  stateOf(file: StoredFile | null): Promise<string | undefined>;
}

export async function mikroFixture(database: DatabaseName): Promise<MikroFixture> {
  const open = await openMikro(database, mikroEntities);
  const storage = new MemoryStorage();
  const files = await attachFiles(open.orm, { storages: new StorageRegistry({ documents: storage }), grace: 0 });
  const stage = (text = 'hello') => files.stage(Document, 'file', text, { name: 'hello.txt' });
  return {
    ...open,
    files,
    storage,
    stage,
    get em(): EntityManager {
      return open.em;
    },
    async saved(data = {}) {
      const em = open.em;
      const document = em.create(Document, { title: 'a', file: await stage(), cover: null, ...data } as Document);
      await em.persist(document).flush();
      return document;
    },
    async stateOf(file) {
      const rows = await open.rows(`SELECT state FROM file_ledger WHERE id = '${file?.id}'`);
      return rows[0]?.state as string | undefined;
    },
  };
}

/** Expects that the work rejects with an error of this library that has the code, and that no ORM has wrapped. */
export async function expectRejection(code: FileFieldErrorCode, work: Promise<unknown>): Promise<void> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  expect(isFileFieldError(error, code) ? code : error).toBe(code);
}
