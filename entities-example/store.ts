import type { EntityRef, FileFieldOf, Files, LedgerOptions, Storage, StoredFile } from 'filefield';
import type { Storages } from './storages.js';

/** The columns that documents and photos have in common, on both ORMs. */
export interface Row {
  id: number;
  slug: string;
  title: string;
}

export interface DocumentRow extends Row {
  file: StoredFile | null;
}

export interface PhotoRow extends Row {
  image: StoredFile | null;
}

/**
 * Everything that the routes need from an ORM, so that they are written once. Files need no methods: a file is assigned to
 * the field of its row, and is saved and deleted with it.
 */
export interface Store<Entity extends Row> {
  readonly entity: EntityRef<Entity>;
  /** The file field of the entity. */
  readonly field: FileFieldOf<Entity>;
  /** All rows, newest first. */
  list(): Promise<readonly Entity[]>;
  find(slug: string): Promise<Entity | null>;
  /** Saves a new row. @throws `slugTaken()` */
  create(values: { readonly slug: string; readonly title: string; readonly file: StoredFile }): Promise<Entity>;
  /** Returns null if there is no such row. */
  replaceFile(slug: string, file: StoredFile): Promise<Entity | null>;
  /** Returns false if there is no such row. */
  delete(slug: string): Promise<boolean>;
}

/** A database with its migrations run and its file fields attached. */
export interface Library {
  readonly files: Files;
  readonly storages: Storages;
  readonly documents: Store<DocumentRow>;
  readonly photos: Store<PhotoRow>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** The SQLite file. */
  readonly database: string;
  /** Makes the storages; it gets what makes those of the database. */
  readonly storages: (inDatabase: (name: string) => Storage) => Promise<Storages>;
  readonly ledger: LedgerOptions;
}
