import { S3Client } from '@aws-sdk/client-s3';
import type { AdoptOptions, Files, StoredFile } from 'filefield';
import { S3Storage } from 'filefield/storages/s3';
import { FaultyS3 } from '../../support/faulty-s3.js';

/** A row whose primary key is `tenant` and `number`. */
export interface PageRow {
  tenant: string;
  number: number;
  url: string | null;
  file: StoredFile | null;
}

/** An ORM with the rows, attached to this storage as `media`, without a grace. */
export interface PagePile {
  readonly files: Files;
  readonly Page: new () => PageRow;
  insert(row: Pick<PageRow, 'tenant' | 'number' | 'url'>): Promise<void>;
  find(tenant: string, number: number): Promise<PageRow>;
  remove(row: PageRow): Promise<void>;
  close(): Promise<void>;
}

const publicUrl = 'https://photos.example.org/old';

/** Objects of a bucket, found by the URLs of rows with a primary key of two columns. */
export function adoptingFromBucketClaims(open: (storage: S3Storage) => Promise<PagePile>): void {
  const server = new FaultyS3();
  let client: S3Client;
  let pile: PagePile;
  beforeEach(async () => {
    client ??= new S3Client({
      endpoint: await server.start(),
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    server.objects.clear();
    server.fault = () => undefined;
    pile = await open(
      new S3Storage({ client, bucket: 'photos', prefix: 'old', publicUrl: 'https://photos.example.org' }),
    );
    for (const tenant of ['acme', 'bolt']) {
      for (let number = 1; number <= 3; number += 1) {
        const name = `${tenant}/ö ${number}.txt`;
        server.objects.set(`/photos/${encodeURI(`old/${name}`)}`, {
          bytes: Buffer.from(`text of ${name}`),
          headers: {},
        });
        await pile.insert({ tenant, number, url: `${publicUrl}/${encodeURI(name)}?v=${number}` });
      }
    }
  });
  afterEach(() => pile.close());
  afterAll(async () => {
    client?.destroy();
    await server.stop();
  });

  const adopt = (options: Partial<AdoptOptions<PageRow>> = {}) =>
    pile.files.adopt(pile.Page, 'file', { url: (row: PageRow) => row.url, ...options });
  const held = () => [...server.objects.keys()].filter((key) => key.includes('.txt'));

  it.each([1, 4])('gives each row its object, in batches of %i', async (batch) => {
    const puts = server.requests.length;
    expect(await adopt({ batch, dryRun: true })).toMatchObject({ adopted: 6, odd: [], missing: [] });
    expect((await pile.find('bolt', 2)).file).toBeNull();
    expect(server.requests.slice(puts).filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    expect(await adopt({ batch })).toMatchObject({ adopted: 6, changed: 0, odd: [], missing: [], shared: [] });
    for (const tenant of ['acme', 'bolt']) {
      for (let number = 1; number <= 3; number += 1) {
        const { file } = await pile.find(tenant, number);
        expect([file!.name, await file!.text()]).toEqual([`ö ${number}.txt`, `text of ${tenant}/ö ${number}.txt`]);
      }
    }
    expect(await adopt({ batch })).toMatchObject({ adopted: 0, changed: 0 });
    expect(await pile.files.reconcile()).toMatchObject({ unreferenced: [], missing: [], unrecorded: [] });
  });

  it('reports rows by both parts of their keys', async () => {
    await pile.insert({ tenant: 'acme', number: 4, url: `${publicUrl}/none.txt` });
    await pile.insert({ tenant: 'acme', number: 5, url: 'https://example.org/old/a.txt' });
    await pile.insert({ tenant: 'bolt', number: 1000, url: `${publicUrl}/acme/${encodeURI('ö 1.txt')}` });
    await pile.insert({ tenant: 'zinc', number: 1, url: null });
    expect(await adopt({ batch: 2 })).toMatchObject({
      adopted: 6,
      skipped: 1,
      missing: [{ pk: '["acme","4"]', key: 'none.txt' }],
      odd: [{ pk: '["acme","5"]', key: 'https://example.org/old/a.txt' }],
      shared: [{ pk: '["bolt","1000"]', key: 'acme/ö 1.txt' }],
    });
  });

  it('ends at a bucket that is unavailable, and goes on when it is called again', async () => {
    server.fault = ({ path }, response) => {
      if (!decodeURI(path).includes('bolt/ö 2')) return undefined;
      response.writeHead(503).end();
      return 'done';
    };
    await expect(adopt({ batch: 2, concurrency: 1 })).rejects.toMatchObject({ code: 'unavailable' });
    server.fault = () => undefined;
    expect((await pile.find('acme', 3)).file).not.toBeNull();
    expect((await pile.find('bolt', 3)).file).toBeNull();
    expect(await adopt({ batch: 2, concurrency: 1 })).toMatchObject({ adopted: 2 });
  });

  it('lets a sweep delete the object of a row that is deleted, and no other', async () => {
    await adopt();
    await pile.remove(await pile.find('acme', 2));
    expect(await pile.files.sweep()).toMatchObject({ deleted: 1, failed: 0 });
    expect(held()).toHaveLength(5);
    expect(held().map((key) => decodeURI(key))).not.toContain('/photos/old/acme/ö 2.txt');
    expect(await (await pile.find('bolt', 2)).file!.text()).toBe('text of bolt/ö 2.txt');
  });
}
