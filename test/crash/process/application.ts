import { StorageRegistry, type Files, type Storage, type StoredFile } from 'filefield';

/** A row of these tests, in both ORMs. */
export interface DocumentRow {
  id: number;
  slug: string;
  file: StoredFile | null;
}

/** The database and the storage of an application; passed to another process as JSON. */
export interface Place {
  readonly orm: 'typeorm' | 'mikro-orm';
  readonly database: 'sqlite' | 'postgres' | 'mariadb';
  /** Name of the database; with SQLite, path of its file. */
  readonly name: string;
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  /** Folder of the storage. */
  readonly root: string;
  /** The storage instead of the folder. */
  readonly bucket?: BucketPlace;
  readonly lease: number;
  readonly grace: number;
  /** The storage `archive`, which no field names; without it there is none. */
  readonly archive?: StoragePlace;
}

/** A bucket of an S3 server. */
export interface BucketPlace {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
}

/** A folder, or a bucket. */
export type StoragePlace = { readonly root: string } | BucketPlace;

/** The storages of a place: `documents`, and `archive` if there is one. */
export async function storagesOf(
  { root, bucket, archive }: Place,
  { around = (storage: Storage) => storage }: OpenOptions,
): Promise<StorageRegistry> {
  return new StorageRegistry({
    documents: around(await storageAt(bucket ?? { root })),
    ...(archive && { archive: await storageAt(archive) }),
  });
}

export async function storageAt(place: StoragePlace): Promise<Storage> {
  if ('root' in place) {
    const { DiskStorage } = await import('filefield/storages/disk');
    return new DiskStorage({ root: place.root, sync: false });
  }
  const [{ S3Client }, { S3Storage }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('filefield/storages/s3'),
  ]);
  const { endpoint, accessKey: accessKeyId, secretKey: secretAccessKey, bucket } = place;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return new S3Storage({ client, bucket });
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
  /** Wraps the storage. */
  readonly around?: (storage: Storage) => Storage;
  readonly poolSize?: number;
  /** Also maps photos: a second table with files in the same storage. TypeORM only. */
  readonly photos?: boolean;
  /** Milliseconds after which the driver of PostgreSQL cancels a statement. */
  readonly queryTimeout?: number;
}

/** 200 kB made of one word: long enough to be cut in the middle, while only the word is passed to the process. */
export function longText(word: string, size = 200_000): string {
  return `${word} `.repeat(size / (word.length + 1));
}
