import { defineEntity, EntitySchema, p, PrimaryKeyProp, wrap, type EntityManager } from '@mikro-orm/core';
import { ledgerSchema, isFileFieldError, type FileFieldErrorCode, StorageRegistry, StoredFile } from 'filefield';
import { attachFiles, FileField, fileProperty, fileType, type Files } from 'filefield/mikro-orm';
import { MemoryStorage } from 'filefield/storages/memory';
import { legacy, major, migrate, openMikro, type MikroDatabase, type OpenMikro } from '../support/mikro-orm.js';

const { Embeddable, Embedded, Entity, ManyToOne, PrimaryKey, Property } = legacy;

@Entity()
class Document {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', nullable: true }) title?: string;
  @FileField({ storage: 'documents', maxSize: 1000 }) file!: StoredFile | null;
  @FileField({ storage: 'documents', column: 'cover_json' }) cover!: StoredFile | null;
}

@Embeddable()
class Profile {
  @Property({ type: 'string', nullable: true }) name?: string;
  @FileField({ storage: 'documents' }) avatar!: StoredFile | null;
}

@Entity()
class Person {
  @PrimaryKey({ type: 'uuid' }) id!: string;
  @Embedded(() => Profile) profile = new Profile();
}

@Entity({ discriminatorColumn: 'kind', discriminatorValue: 'media' })
class Media {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'documents' }) source!: StoredFile | null;
}

@Entity({ discriminatorValue: 'film' })
class Film extends Media {
  @FileField({ storage: 'documents' }) poster!: StoredFile | null;
}

@Embeddable()
class Packed {
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

@Entity()
class Parcel {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Embedded(() => Packed, { object: true }) packed = new Packed();
}

@Entity()
class Page {
  @ManyToOne(() => Document, { primary: true }) document!: Document;
  @PrimaryKey({ type: 'integer' }) number!: number;
  @FileField({ storage: 'documents' }) scan!: StoredFile | null;
  [PrimaryKeyProp]?: ['document', 'number'];
}

// Only properties that can hold a file take the decorator.
class Wrong {
  // @ts-expect-error a text is not a file
  @FileField({ storage: 'documents' }) text!: string;
  // @ts-expect-error nor are several files
  @FileField({ storage: 'documents' }) files!: StoredFile[];
}
// @ts-expect-error misspelt options do not compile
const misspelt = (): unknown => fileType({ storage: 'documents', maxsize: 1 });

const Invoice = defineEntity({
  name: 'Invoice',
  properties: { id: p.integer().primary(), file: p.type(fileType({ storage: 'documents' })).nullable() },
});

interface Note {
  id: number;
  file: StoredFile | null;
}
const NoteSchema = new EntitySchema<Note>({
  name: 'Note',
  properties: { id: { type: 'integer', primary: true }, file: fileProperty({ storage: 'documents', column: 'data' }) },
});

const databases: MikroDatabase[] = ['sqlite', 'postgres', 'mariadb'];

describe.each(databases)(`MikroORM ${major} with %s`, (database) => {
  let open: OpenMikro;
  let em: EntityManager;
  let files: Files;
  let storage: MemoryStorage;

  beforeAll(async () => {
    open = await openMikro(database, `orm_${database}`, [
      Document,
      Page,
      Profile,
      Person,
      Media,
      Film,
      Invoice,
      NoteSchema,
    ]);
    storage = new MemoryStorage();
    files = await attachFiles(open.orm, { storages: new StorageRegistry({ documents: storage }), grace: 0 });
  });
  afterAll(() => open?.close());
  beforeEach(() => {
    em = open.em;
  });

  const refused = async (code: FileFieldErrorCode, work: Promise<unknown>): Promise<void> => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    expect(isFileFieldError(error, code) ? code : error).toBe(code);
  };
  const stage = (text = 'hello', name = 'hello.txt') => files.stage(Document, 'file', text, { name });
  const stateOf = async (file: StoredFile): Promise<string | undefined> => {
    const rows = await open.rows(`SELECT state FROM file_ledger WHERE id = '${file.id}'`);
    return rows[0]?.state as string | undefined;
  };
  const saved = async (data: Partial<Document> = {}): Promise<Document> => {
    const fork = open.em;
    const document = fork.create(Document, { title: 'a', file: await stage(), cover: null, ...data } as Document);
    await fork.persist(document).flush();
    return document;
  };

  test('a file is saved, read and served with its row', async () => {
    const { id, file } = await saved();
    const found = await em.findOneOrFail(Document, id);
    expect(found.file).toBeInstanceOf(StoredFile);
    expect(await found.file?.text()).toBe('hello');
    expect(found.file?.sha256).toBe(file?.sha256);
    expect(found.cover).toBeNull();
    expect(await stateOf(found.file as StoredFile)).toBe('live');
  });

  test('rows that were not touched are not written', async () => {
    const { id } = await saved();
    const found = await em.findOneOrFail(Document, id);
    open.statements();
    await em.flush();
    expect(open.statements()).toEqual([]);
    // Neither after a save, nor after a refresh.
    found.title = 'b';
    await em.flush();
    await em.refresh(found);
    expect(found.file).toBeInstanceOf(StoredFile);
    open.statements();
    await em.flush();
    expect(open.statements()).toEqual([]);
  });

  test('a write to another column leaves the ledger alone', async () => {
    const { id } = await saved();
    const found = await em.findOneOrFail(Document, id);
    found.title = 'changed';
    open.statements();
    await em.flush();
    expect(open.statements().filter((line) => line.includes('file_ledger'))).toEqual([]);
  });

  test('a replaced file is doomed, and swept', async () => {
    const { id, file } = await saved();
    const found = await em.findOneOrFail(Document, id);
    const next = await stage('next');
    found.file = next;
    await em.flush();
    expect(await stateOf(file as StoredFile)).toBe('doomed');
    expect(await stateOf(next)).toBe('live');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await files.sweep();
    expect(await storage.stat((file as StoredFile).toDescriptor().key)).toBeNull();
    expect(await next.text()).toBe('next');
  });

  test('null dooms the file', async () => {
    const { id, file } = await saved();
    (await em.findOneOrFail(Document, id)).file = null;
    await em.flush();
    expect(await stateOf(file as StoredFile)).toBe('doomed');
  });

  test('a removed reference dooms files that were never loaded', async () => {
    const { id, file, cover } = await saved({ cover: await files.stage(Document, 'cover', 'cover') });
    em.remove(em.getReference(Document, id));
    await em.flush();
    expect(await stateOf(file as StoredFile)).toBe('doomed');
    expect(await stateOf(cover as StoredFile)).toBe('doomed');
  });

  test('a rollback undoes everything', async () => {
    const { id, file } = await saved();
    const next = await stage('next');
    const failing = em.transactional(async (inner) => {
      const found = await inner.findOneOrFail(Document, id);
      found.file = next;
      await inner.flush();
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await stateOf(file as StoredFile)).toBe('live');
    expect(await stateOf(next)).toBe('pending');
  });

  test('the rollback of a savepoint undoes what happened in it, and no more', async () => {
    const { id, file } = await saved();
    const [outer, inner] = [await stage('outer'), await stage('inner')];
    await em.transactional(async (first) => {
      const found = await first.findOneOrFail(Document, id);
      found.file = outer;
      await first.flush();
      const nested = first.transactional(async (second) => {
        await second.nativeUpdate(Document, id, { title: 'nested' });
        const again = await second.findOneOrFail(Document, id, { refresh: true });
        again.file = inner;
        await second.flush();
        throw new Error('only this');
      });
      await expect(nested).rejects.toThrow('only this');
    });
    expect(await stateOf(file as StoredFile)).toBe('doomed');
    expect(await stateOf(outer)).toBe('live');
    expect(await stateOf(inner)).toBe('pending');
    expect((await open.em.findOneOrFail(Document, id)).file?.id).toBe(outer.id);
  });

  test('begin, flush and commit by hand', async () => {
    const next = await stage('by hand');
    await em.begin();
    em.persist(em.create(Document, { file: next, cover: null } as Document));
    await em.flush();
    await em.commit();
    expect(await stateOf(next)).toBe('live');
  });

  test('a second row cannot take the same file', async () => {
    const { file } = await saved();
    await refused('already_bound', saved({ file }));
  });

  test('nothing but a stored file reaches the column', async () => {
    const { id, file } = await saved();
    const forged: unknown[] = [JSON.stringify(file?.toDescriptor()), { ...file?.toDescriptor() }, 'text', 1, {}];
    for (const value of forged as StoredFile[]) {
      await refused('invalid_value', saved({ file: value }));
      const fork = open.em;
      (await fork.findOneOrFail(Document, id)).file = value;
      await refused('invalid_value', fork.flush());
      await refused('invalid_value', em.nativeUpdate(Document, id, { file: value }));
      await refused('invalid_value', em.insertMany(Document, [{ file: value } as Document]));
      await refused('invalid_value', em.insert(Document, { file: value } as Document));
      await refused('invalid_value', open.em.upsert(Document, { id, file: value }));
    }
    const other = new StoredFile({ ...(file as StoredFile).toDescriptor(), storage: 'elsewhere' });
    await refused('invalid_value', saved({ file: other }));
    expect((await open.em.findOneOrFail(Document, id)).file?.id).toBe(file?.id);
  });

  test('a file that was swept meanwhile rolls its row back', async () => {
    const file = await stage();
    await files.discard(file);
    await files.sweep();
    await refused('staged_expired', saved({ file }));
  });

  test('native writes work, and a sweep finds what they reference', async () => {
    const [first, second] = [await stage('1'), await stage('2')];
    const id = await em.insert(Document, { file: first, cover: null } as Document);
    const [more] = await em.insertMany(Document, [{ file: second, cover: null } as Document]);
    await files.discard(first);
    await files.discard(second);
    await files.sweep();
    expect(await stateOf(first)).toBe('live');
    expect(await (await em.findOneOrFail(Document, more as number)).file?.text()).toBe('2');
    const third = await stage('3');
    await em.nativeUpdate(Document, id, { file: third });
    expect(await (await open.em.findOneOrFail(Document, id)).file?.text()).toBe('3');
  });

  test('upserts bind and doom', async () => {
    const { id, file } = await saved();
    const next = await stage('next');
    const result = await em.upsert(Document, { id, file: next, cover: null });
    expect(result.file).toBeInstanceOf(StoredFile);
    expect(await stateOf(file as StoredFile)).toBe('doomed');
    expect(await stateOf(next)).toBe('live');
    const third = await stage('third');
    await open.em.upsertMany(Document, [{ id, file: third, cover: null }]);
    expect(await stateOf(next)).toBe('doomed');
    expect(await stateOf(third)).toBe('live');
    open.statements();
    await em.flush();
    expect(open.statements()).toEqual([]);
  });

  test('queries for rows with and without a file', async () => {
    const { id } = await saved();
    const empty = await saved({ file: null });
    const having = await em.find(Document, { file: { $ne: null } });
    const lacking = await em.find(Document, { file: null });
    expect(having.map((one) => one.id)).toContain(id);
    expect(having.map((one) => one.id)).not.toContain(empty.id);
    expect(lacking.map((one) => one.id)).toContain(empty.id);
    expect(lacking.map((one) => one.id)).not.toContain(id);
  });

  test('JSON shows name, size and type', async () => {
    const { id } = await saved();
    const found = await em.findOneOrFail(Document, id);
    const shown = { name: 'hello.txt', size: 5, type: 'text/plain' };
    expect(JSON.parse(JSON.stringify(found)).file).toEqual(shown);
    expect(JSON.parse(JSON.stringify(wrap(found).toObject())).file).toEqual(shown);
    expect(wrap(found).toJSON().cover).toBeNull();
    expect(JSON.parse(JSON.stringify(wrap(found).toPOJO())).file).toEqual(shown);
    expect(JSON.stringify(wrap(found).serialize())).not.toContain((found.file as StoredFile).toDescriptor().key);
  });

  test('assign() takes a file', async () => {
    const { id, file } = await saved();
    const found = await em.findOneOrFail(Document, id);
    const next = await stage('next');
    em.assign(found, { file: next });
    await em.flush();
    expect(await stateOf(next)).toBe('live');
    expect(await stateOf(file as StoredFile)).toBe('doomed');
  });

  test('partial loading does not touch the file', async () => {
    const { id, file } = await saved();
    const found = await em.findOneOrFail(Document, id, { fields: ['title'] });
    (found as Document).title = 'partial';
    await em.flush();
    expect((await open.em.findOneOrFail(Document, id)).file?.id).toBe(file?.id);
  });

  test('defineEntity and EntitySchema', async () => {
    const one = await files.stage(Invoice, 'file', 'invoice');
    const two = await files.stage(NoteSchema, 'file', 'note');
    const invoice = em.create(Invoice, { file: one });
    const note = em.create(NoteSchema, { file: two } as Note);
    await em.flush();
    expect(await (await open.em.findOneOrFail(Invoice, invoice.id)).file?.text()).toBe('invoice');
    expect(await (await open.em.findOneOrFail(NoteSchema, note.id)).file?.text()).toBe('note');
    expect(await stateOf(one)).toBe('live');
    expect(await stateOf(two)).toBe('live');
    expect((await open.rows('SELECT data FROM note')).length).toBe(1);
  });

  test('embedded', async () => {
    const file = await files.stage(Person, 'profile.avatar' as never, 'me');
    const person = new Person();
    person.id = '9d3f8e0c-4c5b-4f43-9a6e-0d1f2a3b4c5d';
    person.profile.avatar = file;
    await em.persist(person).flush();
    expect(await stateOf(file)).toBe('live');
    const fork = open.em;
    const found = await fork.findOneOrFail(Person, person.id);
    expect(await found.profile.avatar?.text()).toBe('me');
    expect(JSON.parse(JSON.stringify(found)).profile.avatar).toEqual({ name: 'file', size: 2, type: 'text/plain' });
    const next = await files.stage(Person, 'profile.avatar' as never, 'you');
    found.profile.avatar = next;
    await fork.flush();
    expect(await stateOf(file)).toBe('doomed');
    fork.remove(found);
    await fork.flush();
    expect(await stateOf(next)).toBe('doomed');
  });

  test('single table inheritance', async () => {
    const [source, poster] = [await files.stage(Film, 'source', 's'), await files.stage(Film, 'poster', 'p')];
    const film = em.create(Film, { source, poster } as Film);
    await em.flush();
    expect([await stateOf(source), await stateOf(poster)]).toEqual(['live', 'live']);
    const fork = open.em;
    fork.remove(fork.getReference(Media, film.id));
    await fork.flush();
    expect([await stateOf(source), await stateOf(poster)]).toEqual(['doomed', 'doomed']);
  });

  test('composite keys with a reference', async () => {
    const file = await files.stage(Page, 'scan', 'scan');
    const page = em.create(Page, { document: await saved(), number: 2, scan: file } as Page);
    await em.flush();
    const [row] = await open.rows(`SELECT owner_pk FROM file_ledger WHERE id = '${file.id}'`);
    expect(row?.owner_pk).toBe(JSON.stringify([String(page.document.id), '2']));
    const fork = open.em;
    fork.remove(fork.getReference(Page, [page.document.id, 2]));
    await fork.flush();
    expect(await stateOf(file)).toBe('doomed');
    expect(() => files.primaryKey(Page)).toThrow('no single primary key');
  });

  test('staging inside of a transaction', async () => {
    const file = em.transactional(() => stage());
    // SQLite has one connection, which that transaction holds.
    if (database === 'sqlite') await refused('busy', file);
    else expect(await stateOf(await file)).toBe('pending');
  });

  test('objects are found for views', async () => {
    const { id } = await saved();
    expect(files.primaryKey(Document)).toBe('id');
    expect(files.columnKind(Document, 'id')).toBe(database === 'sqlite' ? 'bigint' : 'integer');
    expect(files.columnKind(Document, 'title')).toBe('text');
    expect(files.columnKind(Person, 'id')).toBe('uuid');
    expect(() => files.columnKind(Document, 'nothing')).toThrow('no column');
    expect(() => files.checkFileField(Document, 'title')).toThrow('not a file field');
    expect(() => files.checkFileField(class Other {}, 'file')).toThrow('not part of');
    const found = await files.findObject(Document, { id: database === 'sqlite' ? String(id) : id });
    expect(found?.file?.name).toBe('hello.txt');
    expect(await files.findObject(Document, { id: -1 })).toBeNull();
    expect(await files.findObject(Invoice, { id: -1 })).toBeNull();
  });

  test('the schema generator leaves the ledger alone', async () => {
    expect(await open.orm.schema.getUpdateSchemaSQL()).toBe('');
    const columns = await open.orm.schema.getCreateSchemaSQL();
    const json = { sqlite: 'json', postgres: 'jsonb', mariadb: 'json' }[database];
    expect(columns).toMatch(new RegExp('file\\W ' + json + ' null'));
    expect(columns).toMatch(new RegExp('cover_json\\W ' + json + ' null'));
  });

  test('attaching twice is refused', async () => {
    const storages = new StorageRegistry({ documents: storage });
    await refused('invalid_option', attachFiles(open.orm, { storages }));
  });
});

describe(`MikroORM ${major}, set-up`, () => {
  const memory = () => new StorageRegistry({ documents: new MemoryStorage() });

  test('two instances keep one entity in different storages', async () => {
    const [a, b] = [
      await openMikro('sqlite', 'a', [Document, Invoice]),
      await openMikro('sqlite', 'b', [Document, Invoice]),
    ];
    const [one, two] = [
      await attachFiles(a.orm, { storages: memory() }),
      await attachFiles(b.orm, { storages: memory() }),
    ];
    for (const [files, em, text] of [[one, a.em, 'one'] as const, [two, b.em, 'two'] as const]) {
      em.create(Document, { file: await files.stage(Document, 'file', text), cover: null } as Document);
      em.create(Invoice, { file: await files.stage(Invoice, 'file', text) });
      await em.flush();
    }
    expect(await (await a.em.findOneOrFail(Document, 1)).file?.text()).toBe('one');
    expect(await (await a.em.findOneOrFail(Invoice, 1)).file?.text()).toBe('one');
    expect(await (await b.em.findOneOrFail(Document, 1)).file?.text()).toBe('two');
    expect(await (await b.em.findOneOrFail(Invoice, 1)).file?.text()).toBe('two');
    await a.close();
    await b.close();
  });

  test('what cannot work is refused at the start', async () => {
    const parcels = await openMikro('sqlite', 'parcels', [Parcel, Packed]);
    await expect(attachFiles(parcels.orm, { storages: memory() })).rejects.toThrow(
      'Parcel.packed.file is inside a JSON',
    );
    await parcels.close();
    const documents = await openMikro('sqlite', 'documents', [Document]);
    const other = new StorageRegistry({ other: new MemoryStorage() });
    await expect(attachFiles(documents.orm, { storages: other })).rejects.toThrow('names the storage "documents"');
    await documents.orm.em.getConnection().execute('DROP TABLE file_ledger', [], 'run');
    await expect(attachFiles(documents.orm, { storages: memory() })).rejects.toThrow('has the migration');
    await documents.close();
    expect([Wrong, misspelt]).toHaveLength(2);
  });

  test('the ledger is made by a migration', async () => {
    const open = await openMikro('sqlite', 'migrated', [Document]);
    for (const sql of ledgerSchema('sqlite').drop) await open.orm.em.getConnection().execute(sql, [], 'run');
    await migrate(open.orm, 'up');
    const files = await attachFiles(open.orm, { storages: memory() });
    expect(await files.stage(Document, 'file', 'x')).toBeInstanceOf(StoredFile);
    await migrate(open.orm, 'down');
    expect(await open.rows(`SELECT name FROM sqlite_master WHERE name LIKE 'file_%'`)).toEqual([]);
    await open.close();
  });
});
