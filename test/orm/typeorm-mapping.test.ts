import 'reflect-metadata';
import { instanceToInstance, instanceToPlain } from 'class-transformer';
import { StorageRegistry, type StoredFile } from 'filefield';
import { attachFiles, createLedger, fileColumn, FileField, type FileFieldOptions } from 'filefield/typeorm';
import { MemoryStorage } from 'filefield/storages/memory';
import {
  ChildEntity,
  Column,
  DataSource,
  Entity,
  EntitySchema,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
} from 'typeorm';
import { openDataSource } from '../support/typeorm.js';
import { reachableDatabases, type DatabaseName } from '../support/databases.js';

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
class Media {
  @PrimaryGeneratedColumn('uuid') id!: string;
  @FileField({ storage: 'media' }) source!: StoredFile | null;
}

@ChildEntity()
class Film extends Media {
  @FileField({ storage: 'media', column: 'poster_file' }) poster!: StoredFile | null;
}

class Address {
  @FileField({ storage: 'media' }) map!: StoredFile | null;
}

@Entity()
class Page {
  @PrimaryColumn('varchar', { length: 20 }) book!: string;
  @PrimaryColumn('int') number!: number;
  @Column('varchar', { default: '' }) title!: string;
  @FileField({ storage: 'media' }) scan!: StoredFile | null;
  @Column(() => Address) address!: Address;
}

/** The database holds 7 where the entity holds "T-7". */
const numbered = { to: (text: string) => Number(text.slice(2)), from: (value: number) => `T-${value}` };

@Entity()
class Ticket {
  @PrimaryColumn('int', { transformer: numbered }) id!: string;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

interface Invoice {
  id: number;
  file: StoredFile | null;
}
const InvoiceSchema = new EntitySchema<Invoice>({
  name: 'Invoice',
  columns: { id: { type: 'int', primary: true }, file: fileColumn({ storage: 'media', maxSize: 100 }) },
});

async function open(database: DatabaseName) {
  const { dataSource, close } = await openDataSource(database, {
    entities: [Media, Film, Page, Ticket, InvoiceSchema],
    logging: false,
  });
  const runner = dataSource.createQueryRunner();
  await createLedger(runner);
  await runner.release();
  const media = new MemoryStorage();
  const files = await attachFiles(dataSource, { storages: new StorageRegistry({ media }), grace: 0, lease: 60_000 });
  const states = async () =>
    (await dataSource.query('SELECT state, owner_pk AS pk, slot FROM file_ledger ORDER BY created_at, id')) as object[];
  return { dataSource, close, files, media, states };
}

const databases = await reachableDatabases();

describe.each(databases)('TypeORM mappings on %s', (database) => {
  let site: Awaited<ReturnType<typeof open>>;
  beforeEach(async () => {
    site = await open(database);
  });
  afterEach(() => site.close());

  it('binds the files of a class and its parent in one table, by a uuid key', async () => {
    const { dataSource, files, media, states } = site;
    const films = dataSource.getRepository(Film);
    const film = await films.save(
      films.create({
        source: await files.stage(Film, 'source', 'reel'),
        poster: await files.stage(Film, 'poster', 'poster'),
      }),
    );
    expect(await states()).toEqual([
      { state: 'live', pk: film.id, slot: 'source' },
      { state: 'live', pk: film.id, slot: 'poster_file' },
    ]);
    expect(files.columnKind(Film, 'id')).toBe('uuid');
    // The parent's repository finds the child with its files.
    const loaded = await dataSource.getRepository(Media).findOneByOrFail({ id: film.id });
    expect(await loaded.source?.text()).toBe('reel');
    await dataSource.getRepository(Media).remove(loaded);
    await files.sweep();
    expect(media.keys).toEqual([]);
  });

  it('keeps the files of a row and of its embedded entity when a row with another composite key is removed', async () => {
    const { dataSource, files, media } = site;
    const pages = dataSource.getRepository(Page);
    for (const number of [1, 2]) {
      const map = await files.stage(Page, 'address.map' as 'scan', `map ${number}`);
      const scan = await files.stage(Page, 'scan', `scan ${number}`);
      await pages.save(pages.create({ book: 'b', number, scan, address: { map } }));
    }
    const second = await pages.findOneByOrFail({ book: 'b', number: 2 });
    expect(await second.address.map?.text()).toBe('map 2');
    await pages.remove(second);
    await files.sweep();
    expect(media.keys).toHaveLength(2);
    const first = await pages.findOneByOrFail({ book: 'b', number: 1 });
    expect(await first.scan?.text()).toBe('scan 1');
    expect(await first.address.map?.text()).toBe('map 1');
  });

  it('binds and releases the files of a row whose key has a transformer', async () => {
    const { dataSource, files, states } = site;
    const tickets = dataSource.getRepository(Ticket);
    await tickets.save({ id: 'T-7', file: await files.stage(Ticket, 'file', 'old') });
    const ticket = await tickets.findOneByOrFail({ id: 'T-7' });
    ticket.file = await files.stage(Ticket, 'file', 'new');
    await tickets.save(ticket);
    expect(await states()).toMatchObject([{ state: 'released' }, { state: 'live' }]);
    await files.sweep();
    expect(await (await tickets.findOneByOrFail({ id: 'T-7' })).file?.text()).toBe('new');
  });

  it('saves the file of an EntitySchema and applies its options', async () => {
    const { dataSource, files } = site;
    const invoices = dataSource.getRepository(InvoiceSchema);
    await invoices.save({ id: 1, file: await files.stage<Invoice>(InvoiceSchema, 'file', 'due') });
    expect(await (await invoices.findOneByOrFail({ id: 1 })).file?.text()).toBe('due');
    await expect(files.stage<Invoice>(InvoiceSchema, 'file', 'x'.repeat(101))).rejects.toMatchObject({
      code: 'too_large',
    });
  });

  it('shows name, size and type of a file to a serialiser, and all of it to a raw query', async () => {
    const { dataSource, files } = site;
    const pages = dataSource.getRepository(Page);
    const scan = await files.stage(Page, 'scan', 'hello', { name: 'hello.txt' });
    await pages.save(pages.create({ book: 's', number: 1, scan }));
    const page = await pages.findOneByOrFail({ book: 's' });
    const shown = { name: 'hello.txt', size: 5, type: 'text/plain' };
    expect((instanceToPlain(page) as { scan: unknown }).scan).toEqual(shown);
    expect((JSON.parse(JSON.stringify(page)) as { scan: unknown }).scan).toEqual(shown);
    const copy = instanceToInstance(page);
    expect({ ...copy.scan }).toEqual(shown);
    await expect(pages.save(copy)).rejects.toMatchObject({ code: 'invalid_value' });
    const raw = await pages.createQueryBuilder('page').getRawMany();
    expect(JSON.stringify(raw)).toContain(scan.toDescriptor().key);
  });

  it('saves other columns of a row whose file is in a storage that the field named before', async () => {
    const { dataSource, files } = site;
    const pages = dataSource.getRepository(Page);
    const scan = await files.stage(Page, 'scan', 'old place');
    await pages.save(pages.create({ book: 'o', number: 1, scan }));
    const before = JSON.stringify({ ...scan.toDescriptor(), storage: 'before' });
    await dataSource.query(`UPDATE page SET scan = '${before}'`);
    const page = await pages.findOneByOrFail({ book: 'o' });
    page.title = 'changed';
    await pages.save(page);
    const again = await pages.findOneByOrFail({ book: 'o' });
    expect([again.title, again.scan?.toDescriptor().storage]).toEqual(['changed', 'before']);
  });

  it('keeps the file of a row when a partial save omits it', async () => {
    const { dataSource, files, states } = site;
    const pages = dataSource.getRepository(Page);
    await pages.save(pages.create({ book: 'p', number: 1, scan: await files.stage(Page, 'scan', 'kept') }));
    await pages.save({ book: 'p', number: 1, title: 'only this' });
    expect(await states()).toMatchObject([{ state: 'live' }]);
    expect(await (await pages.findOneByOrFail({ book: 'p' })).scan?.text()).toBe('kept');
  });

  it('keeps the new file of an update by criteria, and keeps the old one until a reconcile', async () => {
    const { dataSource, files, states } = site;
    const pages = dataSource.getRepository(Page);
    await pages.save(pages.create({ book: 'u', number: 1, scan: await files.stage(Page, 'scan', 'old') }));
    await pages.update({ book: 'u' }, { scan: await files.stage(Page, 'scan', 'new') } as never);
    await files.sweep();
    expect(await (await pages.findOneByOrFail({ book: 'u' })).scan?.text()).toBe('new');
    expect(await states()).toMatchObject([{ state: 'live' }, { state: 'live', pk: null }]);
  });

  it('refuses values that are not stored files in every write', async () => {
    const pages = site.dataSource.getRepository(Page);
    const forged = {
      v: 1,
      id: 'x',
      storage: 'media',
      key: 'a/b',
      name: 'n',
      size: 1,
      type: 't/t',
      modified: '2026-11-22T07:08:09.000Z',
    };
    for (const scan of ['a/b', forged] as never[]) {
      await expect(pages.save({ book: 'f', number: 1, scan })).rejects.toMatchObject({ code: 'invalid_value' });
      await expect(pages.insert({ book: 'f', number: 1, scan })).rejects.toMatchObject({ code: 'invalid_value' });
      await expect(pages.update({ book: 'f' }, { scan })).rejects.toMatchObject({ code: 'invalid_value' });
      await expect(pages.upsert({ book: 'f', number: 1, scan }, ['book', 'number'])).rejects.toMatchObject({
        code: 'invalid_value',
      });
    }
    expect(await pages.count()).toBe(0);
  });
});

describe('attachFiles for TypeORM', () => {
  function entity(options: FileFieldOptions) {
    return new EntitySchema<Invoice>({
      name: 'Parcel',
      columns: { id: { type: 'int', primary: true }, file: fileColumn(options) },
    });
  }
  const storages = new StorageRegistry({ media: new MemoryStorage() });

  it('throws when a field names a storage that is not registered, and lists those that are', async () => {
    const { dataSource, close } = await openDataSource('sqlite', {
      entities: [entity({ storage: 'medai' })],
      logging: false,
    });
    await expect(attachFiles(dataSource, { storages })).rejects.toThrow(
      'Parcel.file names the storage "medai", which is not registered; the registry has: media.',
    );
    await close();
  });

  it('throws invalid_option when a size cannot be parsed', async () => {
    const options = { storage: 'media', maxSize: '20 megs' } as unknown as FileFieldOptions;
    const { dataSource, close } = await openDataSource('sqlite', { entities: [entity(options)], logging: false });
    await expect(attachFiles(dataSource, { storages })).rejects.toMatchObject({ code: 'invalid_option' });
    await close();
  });

  it('throws invalid_option before the data source is initialised', async () => {
    const dataSource = new DataSource({ type: 'sqljs', entities: [entity({ storage: 'media' })] });
    await expect(attachFiles(dataSource, { storages })).rejects.toMatchObject({ code: 'invalid_option' });
  });

  it.each(databases)('throws on %s when the ledger has no tables, and when it is called twice', async (database) => {
    const { dataSource, close } = await openDataSource(database, {
      entities: [entity({ storage: 'media' })],
      logging: false,
    });
    await expect(attachFiles(dataSource, { storages })).rejects.toMatchObject({
      code: 'database_failed',
      message: expect.stringContaining('run the migration that calls createLedger()') as string,
    });
    await createLedger(dataSource);
    await attachFiles(dataSource, { storages });
    await expect(attachFiles(dataSource, { storages })).rejects.toThrow('attached to this data source already');
    await close();
  });

  it('lets a file that was loaded before it reject with "attach before you query"', async () => {
    const { dataSource, close } = await openDataSource('sqlite', {
      entities: [entity({ storage: 'media' })],
      logging: false,
    });
    const descriptor = {
      v: 1,
      id: 'x',
      storage: 'media',
      key: 'a/b',
      name: 'n',
      size: 1,
      type: 't/t',
      modified: '2026-11-22T07:08:09.000Z',
    };
    await dataSource.query('INSERT INTO parcel (id, file) VALUES (1, ?)', [JSON.stringify(descriptor)]);
    const parcel = (await dataSource.getRepository('Parcel').findOneByOrFail({ id: 1 })) as Invoice;
    await expect(parcel.file?.text()).rejects.toThrow('attach before you query');
    await close();
  });
});
