import { randomUUID } from 'node:crypto';
import type { StoragePlace } from '../../entities-example/storages.js';
import { isFenceKey } from '../../src/file/key.js';
import { Azurite, azurite, haveAzurite } from '../support/azurite.js';
import { GoogleModel } from '../support/google-model.js';
import { s3Client, TestBucket } from '../support/s3-bucket.js';
import { haveS3, s3 } from '../support/signing-storage.js';
import { orms, startApplication, type Running } from './start-application.js';

/** Starts what a kind of storage needs. */
interface Server {
  start(): Promise<StoragePlace>;
  stop(): Promise<unknown>;
}

function bucketOfS3(): Server {
  const bucket = `example-${randomUUID()}`;
  return {
    async start() {
      Object.assign(process.env, { AWS_ACCESS_KEY_ID: s3.accessKey, AWS_SECRET_ACCESS_KEY: s3.secretKey });
      return { kind: 's3', endpoint: s3.endpoint, bucket };
    },
    stop: () => new TestBucket(s3Client().client, bucket).remove(),
  };
}

function containerOfAzure(): Server {
  const server = new Azurite();
  return {
    async start() {
      await server.start();
      const endpoint = `http://127.0.0.1:${server.port}/${azurite.account}`;
      process.env.AZURE_STORAGE_CONNECTION_STRING = [
        'DefaultEndpointsProtocol=http',
        `AccountName=${azurite.account}`,
        `AccountKey=${azurite.key}`,
        `BlobEndpoint=${endpoint}`,
      ].join(';');
      return { kind: 'azure', bucket: 'example' };
    },
    stop: async () => server.stop(),
  };
}

/** A model of Google's API. */
function bucketOfGoogle(): Server {
  const model = new GoogleModel('example');
  return {
    start: async () => ({ kind: 'google', endpoint: await model.start(), bucket: 'example' }),
    stop: () => model.stop(),
  };
}

const database: Server = { start: async () => ({ kind: 'database' }), stop: async () => undefined };

const servers: Readonly<Record<string, readonly [boolean, () => Server]>> = {
  s3: [await haveS3(), bucketOfS3],
  azure: [haveAzurite(), containerOfAzure],
  google: [true, bucketOfGoogle],
  database: [true, () => database],
};

for (const [kind, [isThere, make]] of Object.entries(servers)) {
  // The ORM matters where it keeps the bytes.
  for (const orm of kind === 'database' ? orms : orms.slice(0, 1)) {
    (isThere ? describe : describe.skip)(`the example with ${orm}, and its files in ${kind}`, () => {
      const server = make();
      let running: Running;
      beforeAll(async () => {
        running = await startApplication({ orm, storage: await server.start() });
      });
      afterAll(async () => {
        await running.close();
        await server.stop();
      });

      async function keys(): Promise<string[]> {
        const found: string[] = [];
        for await (const { key } of running.storages.get('documents').list!()) if (!isFenceKey(key)) found.push(key);
        return found;
      }

      it('keeps an upload, serves ranges of it, and deletes it', async () => {
        const form = new FormData();
        form.append('file', new Blob(['one two three']), 'numbers.txt');
        const created = await fetch(`${running.url}/documents`, { method: 'POST', body: form });
        expect(created.status).toBe(201);
        const url = `${running.url}${created.headers.get('location')}`;
        expect(await keys()).toEqual([expect.stringMatching(/^[0-9a-z]{12}\/\d{4}\//)]);
        const range = await fetch(url, { headers: { range: 'bytes=4-6' } });
        expect([range.status, await range.text()]).toEqual([206, 'two']);
        expect(await (await fetch(`${running.url}/health`)).json()).toMatchObject({ status: 'ok' });
        const gone = await fetch(url.replace(/\/file$/, ''), { method: 'DELETE' });
        expect(gone.status).toBe(204);
        await running.files.sweep();
        expect(await keys()).toEqual([]);
      });
    });
  }
}
