import type { Files, Storage, StoredFile } from 'filefield';

/** What a row of these tests is, in both ORMs. */
export interface DocumentRow {
  id: number;
  slug: string;
  file: StoredFile | null;
}

/** Where an application of these tests keeps things; passed on to a process of its own as JSON. */
export interface Place {
  readonly orm: 'typeorm' | 'mikro-orm';
  readonly database: 'sqlite' | 'postgres' | 'mariadb';
  /** Of the database; of its file with SQLite. */
  readonly name: string;
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  /** Folder of the storage. */
  readonly root: string;
  readonly lease: number;
  readonly grace: number;
}

/** An application with one entity, one file field and one storage. */
export interface Application {
  readonly files: Files;
  stage(text: string): Promise<StoredFile>;
  insert(slug: string, file: StoredFile | null): Promise<void>;
  replace(slug: string, file: StoredFile | null): Promise<void>;
  remove(slug: string): Promise<void>;
  /** The files of all rows, by slug. */
  rows(): Promise<Map<string, StoredFile | null>>;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Called inside every transaction right before COMMIT, and right after it. */
  onTransaction(moment: 'before-commit' | 'after-commit', action: () => void): void;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Makes the tables. */
  readonly create?: boolean;
  /** Put around the storage. */
  readonly around?: (storage: Storage) => Storage;
  readonly poolSize?: number;
  /** Milliseconds after which the driver of PostgreSQL gives a statement up. */
  readonly queryTimeout?: number;
}

/** A text long enough to be cut in the middle, so short in an environment variable. */
export function longText(word: string): string {
  return `${word} `.repeat(200_000 / (word.length + 1));
}
