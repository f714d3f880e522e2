import 'reflect-metadata';
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
  const storage = new S3Storage({ client, bucket: bucket.name, prefix: 'app' });
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
});
