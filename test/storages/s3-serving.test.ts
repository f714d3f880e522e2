import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import express from 'express';
import { redirect, type Files, type StoredFile } from 'filefield';
import { objectDownloadView, storageDownloadView } from 'filefield/express';
import { S3Storage } from 'filefield/storages/s3';
import { attachFiles, createLedger, FileField } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { askServer, serve, type RunningServer } from '../adapters/server.js';
import { s3Client, TestBucket } from '../support/s3-bucket.js';
import { haveS3 } from '../support/signing-storage.js';
import { openDataSource } from '../support/typeorm.js';

@Entity('s3_document')
class Document {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') title!: string;
  @FileField({ storage: 'documents', onDelete: { retain: '0s' } }) file!: StoredFile | null;
}

const reachable = await haveS3();
const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, (_byte, index) => (index * 7) % 251));
bytes.write('%PDF-1.4\n');

(reachable ? describe : describe.skip)('views of files in S3Storage', () => {
  const { client, sockets } = s3Client();
  const bucket = new TestBucket(client);
  const storage = new S3Storage({ client, bucket: bucket.name, prefix: 'app', cacheControl: 'private, max-age=600' });
  let sent: string[] = [];
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        sent.push(commandName.replace(/(Object)?Command$/, ''));
        return next(args);
      },
    // After signing, so that a URL that is only signed does not count.
    { step: 'deserialize' },
  );
  let files: Files;
  let server: RunningServer;
  let save: (name: string) => Promise<number>;
  let remove: (id: number) => Promise<void>;
  let close: () => Promise<void>;
  let rowsOf: (id: number) => Promise<unknown[]>;

  beforeAll(async () => {
    await bucket.create();
    const database = await openDataSource('sqlite', { entities: [Document], logging: false });
    close = database.close;
    const { dataSource } = database;
    const runner = dataSource.createQueryRunner();
    await createLedger(runner);
    await runner.release();
    files = await attachFiles(dataSource, { storages: { documents: storage } });
    const repository = dataSource.getRepository(Document);
    save = async (name) => {
      const file = await files.stage(Document, 'file', bytes, { name });
      return (await repository.save({ title: name, file })).id;
    };
    remove = async (id) => void (await repository.remove(await repository.findOneByOrFail({ id })));
    rowsOf = async (id) =>
      dataSource.query(`SELECT object_key AS "key" FROM file_ledger WHERE owner_pk = '${id}' AND state = 'live'`);
    const app = express();
    const delivery = redirect({ expiresIn: '1m' });
    app.get('/object/:id', objectDownloadView(files, Document, { field: 'file' }));
    app.get('/away/:id', objectDownloadView(files, Document, { field: 'file', delivery }));
    app.get('/stored/:name', storageDownloadView(storage, { name: (request) => request.params.name as string }));
    server = await serve(app);
    await storage.write(
      'plain.txt',
      (async function* () {
        yield bytes;
      })(),
    );
  });
  afterAll(async () => {
    await server.close();
    await close();
    await bucket.remove();
  });
  beforeEach(() => (sent = []));

  const ask = async (path: string, method = 'GET', headers: Record<string, string> = {}) => {
    sent = [];
    return askServer(server.port, { path, method, headers });
  };

  it('send the whole file of a row with one request to the bucket, and free the socket', async () => {
    const id = await save('whole.pdf');
    const got = await ask(`/object/${id}`);
    expect([got.status, got.headers['content-length'], got.body.equals(bytes)]).toEqual([200, '300000', true]);
    expect(got.headers['content-type']).toBe('application/pdf');
    expect([sent, sockets()]).toEqual([['Get'], 0]);
  });

  it('ask the bucket for nothing to answer HEAD and 304 for a row', async () => {
    const id = await save('head.pdf');
    const head = await ask(`/object/${id}`, 'HEAD');
    expect([head.status, head.headers['content-length'], sent]).toEqual([200, '300000', []]);
    const fresh = await ask(`/object/${id}`, 'GET', { 'if-none-match': head.headers.etag! });
    expect([fresh.status, sent]).toEqual([304, []]);
  });

  it('read nothing but the range from the bucket', async () => {
    const id = await save('range.pdf');
    const range = await ask(`/object/${id}`, 'GET', { range: 'bytes=1000-1009' });
    expect([range.status, range.body]).toEqual([206, bytes.subarray(1000, 1010)]);
    expect(sent).toEqual(['Get']);
    const two = await ask(`/object/${id}`, 'GET', { range: 'bytes=0-9,-10' });
    expect([two.status, sent]).toEqual([206, ['Get', 'Get']]);
    expect(two.body.includes(bytes.subarray(-10))).toBe(true);
  });

  it('answer HEAD and 304 for an object without a row by a HEAD to the bucket', async () => {
    const head = await ask('/stored/plain.txt', 'HEAD');
    expect([head.status, head.headers['content-length'], sent]).toEqual([200, '300000', ['Head']]);
    expect(head.headers.etag).toMatch(/^"[\da-f]{32}"$/);
    const range = await ask('/stored/plain.txt', 'GET', { range: 'bytes=-5', 'if-range': head.headers.etag! });
    expect([range.status, range.body, sent]).toEqual([206, bytes.subarray(-5), ['Head', 'Get']]);
    expect((await ask('/stored/none.txt')).status).toBe(404);
  });

  it('redirect to a URL at which the bucket answers with the type and name of the row', async () => {
    const id = await save('naïve plan.pdf');
    const away = await ask(`/away/${id}`);
    expect([away.status, sent]).toEqual([302, []]);
    const got = await fetch(away.headers.location!);
    expect([got.status, got.headers.get('content-type')]).toEqual([200, 'application/pdf']);
    expect(got.headers.get('content-disposition')).toContain("filename*=UTF-8''na%C3%AFve%20plan.pdf");
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('lose the object of a deleted row at the next sweep, and a reconcile finds nothing wrong', async () => {
    const id = await save('gone.pdf');
    const before = await bucket.keys();
    await remove(id);
    await files.sweep();
    expect(await bucket.keys()).toHaveLength(before.length - 1);
    expect(await files.reconcile()).toMatchObject({ missing: [], unknown: [], unreferenced: [] });
  });

  it('answer 404 and tell an event where the object of a row is gone', async () => {
    const id = await save('lost.pdf');
    const missing: string[] = [];
    const listener = ({ file }: { file: { key: string } }) => void missing.push(file.key);
    files.on('missing', listener);
    const [entry] = (await rowsOf(id)) as [{ key: string }];
    await storage.delete(entry.key);
    const got = await ask(`/object/${id}`);
    files.off('missing', listener);
    expect([got.status, missing]).toEqual([404, [entry.key]]);
  });

  it('answer 503 with Retry-After, and not 404, while the bucket is down or asks for fewer requests', async () => {
    const id = await save('later.pdf');
    const { client: lost } = s3Client({ endpoint: 'http://127.0.0.1:9', maxAttempts: 1 });
    const { client: busy } = s3Client({ maxAttempts: 1 });
    busy.middlewareStack.add(
      () => async () => {
        throw Object.assign(new Error('slow down'), { name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
      },
      { step: 'deserialize' },
    );
    const send = client.send.bind(client);
    for (const other of [lost, busy]) {
      client.send = other.send.bind(other) as never;
      for (const path of [`/object/${id}`, '/stored/plain.txt']) {
        const got = await ask(path);
        expect([path, got.status, got.headers['retry-after']]).toEqual([path, 503, '10']);
        expect(got.headers.etag ?? got.headers['content-disposition']).toBeUndefined();
      }
      await expect(files.stage(Document, 'file', bytes)).rejects.toMatchObject({ code: 'unavailable', status: 503 });
      client.send = send;
      other.destroy();
    }
    expect((await ask(`/object/${id}`)).status).toBe(200);
  });

  it('leave objects that carry type, name and hash for whoever serves them without a view', async () => {
    const id = await save('naïve plan.pdf');
    const [entry] = (await rowsOf(id)) as [{ key: string }];
    const object = await client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: `app/${entry.key}` }));
    expect(object).toMatchObject({ ContentType: 'application/pdf', CacheControl: 'private, max-age=600' });
    expect(object.ContentDisposition).toBe(
      `attachment; filename="na_ve plan.pdf"; filename*=UTF-8''na%C3%AFve%20plan.pdf`,
    );
    expect(object.ETag).toBe(`"${createHash('md5').update(bytes).digest('hex')}"`);
  });
});
