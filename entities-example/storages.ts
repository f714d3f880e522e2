import { StorageRegistry, type Storage } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import path from 'node:path';

export const storageKinds = ['disk', 's3', 'azure', 'google', 'database'] as const;
export type StorageKind = (typeof storageKinds)[number];

/** Where the example keeps its files. */
export interface StoragePlace {
  readonly kind: StorageKind;
  /** The server of the bucket. @default the one of Amazon, Microsoft or Google */
  readonly endpoint?: string;
  /** A container on Azure. @default 'filefield-example' */
  readonly bucket?: string;
}

type Make = (name: 'documents' | 'photos') => Storage;

export type Storages = StorageRegistry<Readonly<Record<'documents' | 'photos', Storage>>>;

/**
 * The storages of both shelves: two folders, two prefixes in one bucket, or tables of the database, which the ORM makes.
 * Nothing else of the example depends on it.
 */
export async function makeStorages(place: StoragePlace, folder: string, inDatabase: Make): Promise<Storages> {
  const makers: Readonly<Record<StorageKind, () => Make | Promise<Make>>> = {
    disk: () => (name) => new DiskStorage({ root: path.join(folder, name) }),
    s3: () => inBucket(place),
    azure: () => inContainer(place),
    google: () => inGoogleBucket(place),
    database: () => inDatabase,
  };
  const make = await makers[place.kind]();
  return new StorageRegistry({ documents: make('documents'), photos: make('photos') });
}

const defaultName = 'filefield-example';

/** Key and secret are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or wherever else the SDK looks for them. */
async function inBucket({ endpoint, bucket = defaultName }: StoragePlace): Promise<Make> {
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
  return (prefix) => new S3Storage({ client, bucket, prefix });
}

/** The connection string has the account, its key and the server. */
async function inContainer({ bucket = defaultName }: StoragePlace): Promise<Make> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  const { AzureBlobStorage } = await import('filefield/storages/azure');
  const connection = process.env.AZURE_STORAGE_CONNECTION_STRING;
  if (!connection) throw new Error('Set AZURE_STORAGE_CONNECTION_STRING to the connection string of the account.');
  const container = BlobServiceClient.fromConnectionString(connection).getContainerClient(bucket);
  await container.createIfNotExists();
  return (prefix) => new AzureBlobStorage({ container, prefix });
}

/** Credentials are read from GOOGLE_APPLICATION_CREDENTIALS, or wherever else the SDK looks for them. The bucket must exist. */
async function inGoogleBucket({ endpoint, bucket: name = defaultName }: StoragePlace): Promise<Make> {
  const { Storage: Google } = await import('@google-cloud/storage');
  const { GoogleCloudStorage } = await import('filefield/storages/google');
  const bucket = new Google(endpoint ? { apiEndpoint: endpoint, projectId: 'example' } : {}).bucket(name);
  return (prefix) => new GoogleCloudStorage({ bucket, prefix });
}
