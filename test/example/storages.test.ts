import { randomUUID } from 'node:crypto';
import { DeleteBucketCommand, DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { s3Client } from '../support/s3-bucket.js';
import { haveS3, s3 } from '../support/signing-storage.js';
import { startApplication, type Running } from './start-application.js';

((await haveS3()) ? describe : describe.skip)('the example with its files in a bucket', () => {
  const bucket = `example-${randomUUID()}`;
  const { client } = s3Client();
  let running: Running;

  beforeAll(async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: s3.accessKey, AWS_SECRET_ACCESS_KEY: s3.secretKey });
    running = await startApplication({ storage: { kind: 's3', endpoint: s3.endpoint, bucket } });
  });
  afterAll(async () => {
    await running.close();
    for (const Key of await keys()) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    client.destroy();
  });

  async function keys(): Promise<string[]> {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map(({ Key = '' }) => Key);
  }

  it('makes the bucket, keeps an upload in it, serves ranges of it, and deletes it', async () => {
    const form = new FormData();
    form.append('file', new Blob(['one two three']), 'numbers.txt');
    const created = await fetch(`${running.url}/documents`, { method: 'POST', body: form });
    expect(created.status).toBe(201);
    const url = `${running.url}${created.headers.get('location')}`;
    expect((await keys()).filter((key) => /^documents\/[0-9a-z]{12}\/\d{4}\//.test(key))).toHaveLength(1);
    const range = await fetch(url, { headers: { range: 'bytes=4-6' } });
    expect([range.status, await range.text()]).toEqual([206, 'two']);
    expect(await (await fetch(`${running.url}/health`)).json()).toMatchObject({ status: 'ok' });
    const gone = await fetch(url.replace(/\/file$/, ''), { method: 'DELETE' });
    expect(gone.status).toBe(204);
    await running.files.sweep();
    expect((await keys()).filter((key) => !key.includes('filefield-fence'))).toEqual([]);
  });
});
