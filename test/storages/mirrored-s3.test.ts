import { MemoryStorage } from 'filefield/storages/memory';
import { MirroredStorage } from 'filefield/storages/mirrored';
import { S3Storage } from 'filefield/storages/s3';
import { storageContract } from 'filefield/testing';
import { s3Client, TestBucket } from '../support/s3-bucket.js';
import { haveS3 } from '../support/signing-storage.js';

const reachable = await haveS3();

(reachable ? describe : describe.skip)('MirroredStorage of S3 and memory', () => {
  const { client, sockets } = s3Client();
  const bucket = new TestBucket(client);
  beforeAll(() => bucket.create());
  afterAll(() => bucket.remove());
  const memory = new MemoryStorage();
  const s3 = new S3Storage({ client, bucket: bucket.name });

  describe('in this order', () => {
    const make = () => new MirroredStorage([s3, memory]);
    for (const claim of storageContract(make, { held: sockets })) it(claim.title, claim.run);
  });

  describe('in the other order, in parts', () => {
    const make = () => new MirroredStorage([new MemoryStorage(), s3]);
    for (const claim of storageContract(make, { held: sockets, large: '16 MiB' })) it(claim.title, claim.run);
  });
});
