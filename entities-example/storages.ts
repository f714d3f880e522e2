import { StorageRegistry, type Storage } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import path from 'node:path';

export const storageKinds = ['disk', 's3'] as const;
export type StorageKind = (typeof storageKinds)[number];

/** Where the example keeps its files. */
export interface StoragePlace {
  readonly kind: StorageKind;
  /** The server of the bucket. @default Amazon's */
  readonly endpoint?: string;
  /** @default 'filefield-example' */
  readonly bucket?: string;
}

export type Storages = StorageRegistry<Readonly<Record<'documents' | 'photos', Storage>>>;

/** The storages of both shelves: two folders, or two prefixes in one bucket. Nothing else of the example depends on it. */
export async function makeStorages(place: StoragePlace, folder: string): Promise<Storages> {
  const make = place.kind === 'disk' ? inFolder(folder) : await inBucket(place);
  return new StorageRegistry({ documents: make('documents'), photos: make('photos') });
}

type Make = (name: string) => Storage;

function inFolder(folder: string): Make {
  return (name) => new DiskStorage({ root: path.join(folder, name) });
}

/** Key and secret are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or wherever else the SDK looks for them. */
async function inBucket({ endpoint, bucket = 'filefield-example' }: StoragePlace): Promise<Make> {
  const { CreateBucketCommand, HeadBucketCommand, S3Client } = await import('@aws-sdk/client-s3');
  const { S3Storage } = await import('filefield/storages/s3');
  const client = new S3Client({
    region: process.env.AWS_REGION ?? 'us-east-1',
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 60_000, httpsAgent: { maxSockets: 256 } },
    // Servers other than Amazon's.
    ...(endpoint && {
      endpoint,
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    }),
  });
  const isThere = await client.send(new HeadBucketCommand({ Bucket: bucket })).then(
    () => true,
    (error: { readonly name?: string }) => {
      if (error.name === 'NotFound') return false;
      throw error;
    },
  );
  if (!isThere) await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return (name) => new S3Storage({ client, bucket, prefix: name });
}
