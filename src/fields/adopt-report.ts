import type { AdoptSource } from './adopt-source.js';

/** Which objects rows adopt, and how. */
export type AdoptOptions<Entity> = AdoptSource<Entity> & AdoptSettings<Entity>;

/** How an adoption runs. */
export interface AdoptSettings<Entity> {
  /**
   * The name that people will see.
   * @default the last part of the key
   */
  readonly name?: (row: Entity) => string | null | undefined;
  /**
   * Name of the storage that has the objects.
   * @default the storage of the field; needed where the field has several
   */
  readonly storage?: string;
  /**
   * Whether each object is read once, for its SHA-256 and CRC-32. Without them only the first bytes are read, 4 KiB or 256
   * KiB of an archive: ETags come from the id, `move` cannot tell damaged copies, and zip archives of several files cannot
   * be resumed.
   * @default true
   */
  readonly hash?: boolean;
  /**
   * Changes nothing, reads only the first bytes, and reports what would be adopted.
   * @default false
   */
  readonly dryRun?: boolean;
  /**
   * Rows of one transaction, from 1 to 500.
   * @default 200
   */
  readonly batch?: number;
  /**
   * Objects that are read at the same time, from 1 to 100.
   * @default 4
   */
  readonly concurrency?: number;
  /** Ends the adoption with `aborted`. Rows that have their file keep it; call it again to go on. */
  readonly signal?: AbortSignal;
  /** Called after each batch. */
  readonly onProgress?: (progress: AdoptProgress) => void;
}

/** How far an adoption is. */
export interface AdoptProgress {
  /** Rows that were looked at. */
  readonly files: number;
  /** Bytes of the files that were adopted. */
  readonly bytes: number;
  /** Rows without a file when the adoption began. */
  readonly totalFiles: number;
}

/** A row that has no file after an adoption. */
export interface LeftRow {
  /** Primary key as text; the parts of a composite one as a JSON array. */
  readonly pk: string;
  /** The key of the object; of an odd row, what the option `key`, `path` or `url` returned. */
  readonly key: string;
  /** One sentence for a person. */
  readonly reason?: string;
}

/** What an adoption has done. */
export interface AdoptReport {
  /** Rows that have their file now; with `dryRun` those that would. */
  readonly adopted: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Rows that were deleted, or whose file or path changed, while their object was read; and rows that had the file before. */
  readonly changed: number;
  /** Rows that say nothing. */
  readonly skipped: number;
  /** Rows whose objects are not in the storage. */
  readonly missing: readonly LeftRow[];
  /** Rows whose object another row has; no sweep deletes it, whichever of the rows goes. */
  readonly shared: readonly LeftRow[];
  /** Rows that lead to no key, or to one with which an object must not be adopted. */
  readonly odd: readonly LeftRow[];
  /** Rows whose objects could not be read. */
  readonly failed: readonly LeftRow[];
}
