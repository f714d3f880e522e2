import express from 'express';
import request from 'supertest';
import { ledgerSchema, StorageRegistry, type Files, type StorageQuestion, type StoredFile } from 'filefield';
import { objectDownloadView } from 'filefield/express';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, FileField } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm';
import { openDataSource } from '../support/typeorm.js';

interface Tenant {
  readonly region: 'eu' | 'us' | 'mars';
}

const asked: StorageQuestion[] = [];

@Entity('regional_contract')
class Contract {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') title!: string;
  @FileField({
    storage: {
      among: ['contracts-eu', 'contracts-us'],
      choose: (upload) => {
        asked.push(upload);
        return `contracts-${(upload.context as Tenant | undefined)?.region ?? 'eu'}`;
      },
    },
    copies: 'copy',
  })
  file!: StoredFile | null;
  @FileField({ storage: 'elsewhere' }) other!: StoredFile | null;
}

describe('a field that chooses a storage for each file', () => {
  let files: Files;
  let dataSource: DataSource;
  let close: () => Promise<void>;
  const eu = new MemoryStorage();
  const us = new MemoryStorage();
  const storages = new StorageRegistry(
    { 'contracts-eu': eu, 'contracts-us': us, elsewhere: new MemoryStorage() },
    { cacheControl: { 'contracts-us': 'private, max-age=60' } },
  );

  beforeAll(async () => {
    ({ dataSource, close } = await openDataSource('sqlite', { entities: [Contract] }));
    for (const statement of ledgerSchema('sqlite').create) await dataSource.query(statement);
    files = await attachFiles(dataSource, { storages, grace: 0, protection: 'off' });
  });
  afterAll(() => close());
  beforeEach(() => void asked.splice(0));

  const stage = (text: string, region?: Tenant['region']) =>
    files.stage(Contract, 'file', text, { name: 'c.txt', ...(region && { context: { region } }) });
  const storageOf = (file: StoredFile | null) => file?.toDescriptor().storage;

  it('asks with name, type, size and the context of the caller, and keeps the answer in the column', async () => {
    const contract = await dataSource.getRepository(Contract).save({ title: 'a', file: await stage('hello', 'us') });
    expect(asked).toEqual([{ name: 'c.txt', type: 'text/plain', size: 5, context: { region: 'us' } }]);
    const found = await dataSource.getRepository(Contract).findOneByOrFail({ id: contract.id });
    expect(storageOf(found.file)).toBe('contracts-us');
    expect(await found.file!.text()).toBe('hello');
    expect(us.keys.length).toBeGreaterThan(0);
    expect(storageOf(await stage('no context'))).toBe('contracts-eu');
  });

  it('gets the context of a form', async () => {
    const app = express();
    app.post('/', async (req, res) => {
      const { file } = await files.receive(req, Contract, 'file', { context: { region: 'us' } });
      res.json({ storage: storageOf(file ?? null) });
    });
    const answer = await request(app).post('/').attach('file', Buffer.from('form'), 'f.txt');
    expect(answer.body).toEqual({ storage: 'contracts-us' });
  });

  it('refuses an answer that is not among the storages, and stores nothing', async () => {
    const before = [...eu.keys, ...us.keys];
    await expect(stage('lost', 'mars')).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('"contracts-mars", which is not in "among": contracts-eu, contracts-us'),
    });
    expect([...eu.keys, ...us.keys]).toEqual(before);
  });

  it('accepts files of all of its storages, and of no other', async () => {
    const row = await dataSource.getRepository(Contract).save({ title: 'b', file: await stage('first', 'us') });
    row.file = await stage('second', 'eu');
    await dataSource.getRepository(Contract).save(row);
    row.file = await files.stage(Contract, 'other', 'third');
    await expect(dataSource.getRepository(Contract).save(row)).rejects.toThrow(
      'A file staged for the storage "elsewhere" was assigned to a field of "contracts-eu", "contracts-us"',
    );
  });

  it('keeps a copy in the storage of its original', async () => {
    const repository = dataSource.getRepository(Contract);
    const original = await repository.save({ title: 'c', file: await stage('copied', 'us') });
    asked.splice(0);
    const copy = await repository.save({ title: 'd', file: original.file });
    expect(copy.file!.id).not.toBe(original.file!.id);
    expect(storageOf(copy.file)).toBe('contracts-us');
    expect(asked).toEqual([]);
  });

  it('is served with the Cache-Control that the registry has for the storage, unless the view names one', async () => {
    const repository = dataSource.getRepository(Contract);
    const [here, there] = [
      await repository.save({ title: 'e', file: await stage('served', 'us') }),
      await repository.save({ title: 'f', file: await stage('served', 'eu') }),
    ];
    const app = express();
    const authorize = () => true;
    app.get('/:id', objectDownloadView(files, Contract, { field: 'file', authorize }));
    app.get('/own/:id', objectDownloadView(files, Contract, { field: 'file', authorize, cacheControl: 'immutable' }));
    const cacheControl = async (url: string) => (await request(app).get(url)).headers['cache-control'] as string;
    expect(await cacheControl(`/${here.id}`)).toBe('private, max-age=60');
    expect(await cacheControl(`/${there.id}`)).toBe('private, no-cache');
    expect(await cacheControl(`/own/${here.id}`)).toBe('private, max-age=31536000, immutable');
  });

  it('refuses a storage that is not registered, and a choice without a function, at start-up', async () => {
    for (const [storage, sentence] of [
      [{ among: ['contracts-eu', 'moon'], choose: () => 'moon' }, 'names the storage "moon", which is not registered'],
      [{ among: [] as never, choose: () => 'x' }, 'must have "among", a list of storages'],
      [{ among: ['contracts-eu'], choose: 'contracts-eu' as never }, '"choose", a function'],
    ] as const) {
      @Entity('wrong_contract')
      class Wrong {
        @PrimaryGeneratedColumn() id!: number;
        @FileField({ storage: storage as never }) file!: StoredFile | null;
      }
      const wrong = await openDataSource('sqlite', { entities: [Wrong] });
      await expect(attachFiles(wrong.dataSource, { storages })).rejects.toThrow(sentence);
      await wrong.close();
    }
  });
});
