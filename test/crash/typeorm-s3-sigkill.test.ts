import { onDatabases } from '../support/databases.js';
import { s3Client, TestBucket } from '../support/s3-bucket.js';
import { haveS3, s3 } from '../support/signing-storage.js';
import { expectConsistent, moments, openSite } from './matrix.js';
import { sigkillClaims } from './sigkill-claims.js';

const suite = (await haveS3()) ? onDatabases : async () => describe.skip('needs S3', () => it.todo('is killed'));

await suite(['postgres'], 'a process of TypeORM on %s, with files in a bucket, that is killed', () => {
  const bucket = new TestBucket(s3Client().client);
  const other = new TestBucket(s3Client().client);
  beforeAll(() => Promise.all([bucket.create(), other.create()]));
  afterAll(() => Promise.all([bucket.remove(), other.remove()]));

  // A bucket has no links.
  const steps = [...new Set(moments.map(([, at]) => at))].filter((at) => at !== 'linked');
  sigkillClaims('typeorm', 'postgres', steps, { bucket: { ...s3, bucket: bucket.name } });

  it('within an upload in parts leaves no object; the parts are left to the lifecycle rule of the bucket', async () => {
    const site = await openSite('typeorm', 'postgres', { bucket: { ...s3, bucket: other.name } });
    try {
      await site.kill({ operation: 'insert', at: 'during', slug: 'parts', word: 'new', size: 20_000_000 });
      expect(await other.unfinished()).toHaveLength(1);
      await expectConsistent(site);
    } finally {
      await site.close();
    }
  });
});
