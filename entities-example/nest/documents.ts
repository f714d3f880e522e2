import { ConflictException } from '@nestjs/common';
import type { StoredFile } from 'filefield';

/** A row, as both ORMs have it. */
export interface DocumentRow {
  id: number;
  slug: string;
  title: string;
  owner: string;
  file: StoredFile | null;
}

/** The rows of documents. Files need no methods: they are saved and deleted with their rows. */
export abstract class Documents {
  /** The documents of a user, newest first. */
  abstract list(owner: string): Promise<DocumentRow[]>;
  /** Saves a new document. Rejects with 409 if the slug is taken. */
  abstract create(values: Omit<DocumentRow, 'id'>): Promise<DocumentRow>;
  /** Resolves to null if the user has no such document. */
  abstract replaceFile(owner: string, slug: string, file: StoredFile): Promise<DocumentRow | null>;
  /** Resolves to false if the user has no such document. */
  abstract delete(owner: string, slug: string): Promise<boolean>;
}

export const slugTaken = () => new ConflictException('Another document has this slug.');
