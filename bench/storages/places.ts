import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, promises as fs } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import type * as S3 from '@aws-sdk/client-s3';
import type { Storage } from 'filefield';
import { body, drain, parts } from './body.js';

/** What is measured, done by a storage of this library or by what it is built on. */
export interface Side {
  write(key: string, size: number): Promise<unknown>;
  read(key: string, size: number): Promise<unknown>;
  /** 1 KiB. */
  range(key: string, start: number): Promise<unknown>;
}

/** Where the objects of a run are; passed to another process as JSON. */
export interface Place {
  readonly kind: 'disk' | 's3' | 'azure';
  /** A folder, a bucket or a container. */
  readonly name: string;
  /** Of the server. */
  readonly address: string;
}

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('base64');
const block = 4 * 2 ** 20;

/** Imports only the libraries that the place needs, so that memory is that of a program that uses no other. */
export async function sidesOf(place: Place): Promise<Readonly<Record<'filefield' | 'bare', Side>>> {
  if (place.kind === 'disk') return disk(place);
  return place.kind === 's3' ? s3(place) : azure(place);
}

function through(storage: Storage): Side {
  return {
    write: (key, size) => storage.write(key, body(size)),
    read: async (key, size) => drain((await storage.read(key)).stream(), size),
    range: async (key, start) => drain((await storage.read(key, { start, end: start + 1023 })).stream(), 1024),
  };
}

async function disk({ name }: Place) {
  const { DiskStorage } = await import('filefield/storages/disk');
  const bare: Side = {
    async write(key, size) {
      const file = path.join(name, key);
      await fs.mkdir(path.dirname(file), { recursive: true });
      await using handle = await fs.open(file, 'wx');
      for await (const chunk of body(size)) await handle.write(chunk);
      await handle.sync();
      await using folder = await fs.open(path.dirname(file));
      await folder.sync();
    },
    read: (key, size) => drain(createReadStream(path.join(name, key)), size),
    async range(key, start) {
      await using handle = await fs.open(path.join(name, key));
      await handle.read(Buffer.alloc(1024), 0, 1024, start);
    },
  };
  return { filefield: through(new DiskStorage({ root: name })), bare };
}

async function s3({ address: endpoint, name: Bucket }: Place) {
  const sdk = await import('@aws-sdk/client-s3');
  const { S3Storage } = await import('filefield/storages/s3');
  const client = s3Client(sdk, endpoint);
  const bare: Side = {
    async write(Key, size) {
      if (size <= 5 * 2 ** 20) {
        for await (const Body of parts(size)) {
          await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body, ContentMD5: md5(Body), IfNoneMatch: '*' }));
        }
        return;
      }
      const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key }));
      const sent: Promise<{ PartNumber: number; ETag: string | undefined }>[] = [];
      for await (const Body of parts(size)) {
        const PartNumber = sent.length + 1;
        const input = { Bucket, Key, UploadId, PartNumber, Body, ContentMD5: md5(Body) };
        sent.push(client.send(new sdk.UploadPartCommand(input)).then(({ ETag }) => ({ PartNumber, ETag })));
        // Two are on their way while a third one is filled.
        await sent.at(-2);
      }
      const MultipartUpload = { Parts: await Promise.all(sent) };
      await client.send(new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    },
    async read(Key, size) {
      const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key }));
      await drain(Body as Readable, size);
    },
    async range(Key, start) {
      const Range = `bytes=${start}-${start + 1023}`;
      const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key, Range }));
      await drain(Body as Readable, 1024);
    },
  };
  return { filefield: through(new S3Storage({ client, bucket: Bucket })), bare };
}

async function azure({ address, name }: Place) {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  const { AzureBlobStorage } = await import('filefield/storages/azure');
  const container = BlobServiceClient.fromConnectionString(address).getContainerClient(name);
  const bare: Side = {
    async write(key, size) {
      const blob = container.getBlockBlobClient(key);
      if (size > block) return blob.uploadStream(Readable.from(body(size)), block, 2);
      for await (const part of parts(size))
        await blob.upload(part, part.byteLength, { conditions: { ifNoneMatch: '*' } });
      return undefined;
    },
    async read(key, size) {
      const { readableStreamBody } = await container.getBlockBlobClient(key).download();
      await drain(readableStreamBody as Readable, size);
    },
    async range(key, start) {
      const { readableStreamBody } = await container.getBlockBlobClient(key).download(start, 1024);
      await drain(readableStreamBody as Readable, 1024);
    },
  };
  return { filefield: through(new AzureBlobStorage({ container })), bare };
}

/** Makes a bucket or a container; false if the server does not answer. */
export async function made({ kind, address, name }: Place): Promise<boolean> {
  if (kind === 'disk') return true;
  try {
    if (kind === 's3') {
      const sdk = await import('@aws-sdk/client-s3');
      await s3Client(sdk, address).send(new sdk.CreateBucketCommand({ Bucket: name }));
    } else {
      const { BlobServiceClient } = await import('@azure/storage-blob');
      await BlobServiceClient.fromConnectionString(address).createContainer(name);
    }
    return true;
  } catch {
    return false;
  }
}

/** Deletes the objects of a side. */
export async function removed({ kind, address, name }: Place, prefix: string): Promise<void> {
  if (kind === 'disk') return fs.rm(path.join(name, prefix), { recursive: true, force: true });
  if (kind === 's3') {
    const sdk = await import('@aws-sdk/client-s3');
    const client = s3Client(sdk, address);
    for (;;) {
      const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket: name, Prefix: prefix }));
      for (const { Key } of Contents) await client.send(new sdk.DeleteObjectCommand({ Bucket: name, Key }));
      if (Contents.length === 0) return;
    }
  }
  const { BlobServiceClient } = await import('@azure/storage-blob');
  const container = BlobServiceClient.fromConnectionString(address).getContainerClient(name);
  for await (const blob of container.listBlobsFlat({ prefix })) await container.deleteBlob(blob.name);
}

function s3Client(sdk: typeof S3, endpoint: string) {
  return new sdk.S3Client({
    ...{ endpoint, region: 'us-east-1', forcePathStyle: true },
    credentials: {
      accessKeyId: process.env.S3_ACCESS_KEY ?? 'S3TEST',
      secretAccessKey: process.env.S3_SECRET_KEY ?? 'S3TESTSECRET',
    },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

export const freshName = () => `bench-${randomUUID()}`;
