import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { s3 } from './signing-storage.js';

/** A client of the S3 server of the tests, and its sockets. */
export function s3Client(options: S3ClientConfig = {}): { readonly client: S3Client; readonly sockets: () => number } {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { httpAgent: agent, connectionTimeout: 5_000, socketTimeout: 20_000 },
    ...options,
  });
  return { client, sockets: () => Object.values(agent.sockets).flat().length };
}

/** A bucket of its own for a suite. */
export class TestBucket {
  constructor(
    readonly client: S3Client,
    readonly name = `suite-${randomUUID()}`,
  ) {}

  async create(): Promise<void> {
    await this.client.send(new CreateBucketCommand({ Bucket: this.name }));
  }

  /** The multipart uploads that were neither completed nor aborted. */
  async unfinished(): Promise<string[]> {
    const { Uploads = [] } = await this.client.send(new ListMultipartUploadsCommand({ Bucket: this.name }));
    return Uploads.map(({ Key = '' }) => Key);
  }

  async keys(): Promise<string[]> {
    const { Contents = [] } = await this.client.send(new ListObjectsV2Command({ Bucket: this.name }));
    return Contents.map(({ Key = '' }) => Key);
  }

  async remove(): Promise<void> {
    for (let keys = await this.keys(); keys.length > 0; keys = await this.keys()) {
      await Promise.all(keys.map((Key) => this.client.send(new DeleteObjectCommand({ Bucket: this.name, Key }))));
    }
    await this.client.send(new DeleteBucketCommand({ Bucket: this.name }));
    this.client.destroy();
  }
}
