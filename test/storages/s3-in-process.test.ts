import { S3Client } from '@aws-sdk/client-s3';
import { S3Storage } from 'filefield/storages/s3';
import { storageContract } from 'filefield/testing';
import { FaultyS3 } from '../support/faulty-s3.js';

// On every machine, also without Ceph. Signatures are verified by a real server only.
describe('S3Storage with a server in this process', () => {
  const server = new FaultyS3();
  const clients: S3Client[] = [];
  let endpoint: string;
  beforeAll(async () => {
    endpoint = await server.start();
  });
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await server.stop();
  });

  function storage(): S3Storage {
    const client = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    clients.push(client);
    return new S3Storage({ client, bucket: 'bucket', prefix: 'in process' });
  }

  const claims = storageContract(storage, { large: '16 MiB' });
  for (const claim of claims.filter(({ title }) => !title.includes('signedUrl'))) it(claim.title, claim.run);

  it('has no upload left that is neither complete nor aborted', () => {
    expect(server.uploads.size).toBe(0);
  });
});
