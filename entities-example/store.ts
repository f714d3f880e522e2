import type { EntityRef, FileFieldOf, Files, LedgerOptions, StorageRegistry, StoredFile } from 'filefield';

/** What documents and photos have in common, whichever ORM maps them. */
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
 * All that the routes ask of an ORM, so that they are written once. Files need no method of their own: assigning one to
 * the row's field is all, the rest follows the row.
 */
export interface Store<Entity extends Row> {
  readonly entity: EntityRef<Entity>;
  /** The file field of the entity. */
  readonly field: FileFieldOf<Entity>;
  /** The newest first. */
  list(): Promise<readonly Entity[]>;
  find(slug: string): Promise<Entity | null>;
  /** Throws `slugTaken()`. */
  create(values: { readonly slug: string; readonly title: string; readonly file: StoredFile }): Promise<Entity>;
  /** Resolves to null when there is no such row. */
  replaceFile(slug: string, file: StoredFile): Promise<Entity | null>;
  /** Resolves to false when there is no such row. */
  delete(slug: string): Promise<boolean>;
}

/** A database with its migrations run and its file fields attached. */
export interface Library {
  readonly files: Files;
  readonly documents: Store<DocumentRow>;
  readonly photos: Store<PhotoRow>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** The SQLite file. */
  readonly database: string;
  readonly storages: StorageRegistry;
  readonly ledger: LedgerOptions;
}
