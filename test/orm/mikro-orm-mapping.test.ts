import { instanceToPlain } from 'class-transformer';
import { wrap, type EntityManager } from '@mikro-orm/core';
import type { StoredFile } from 'filefield';
import { Document, Film, Invoice, Media, NoteSchema, Page, Person, type Note } from '../support/mikro-entities.js';
import { mikroFixture, type MikroFixture } from '../support/mikro-fixture.js';
import { major } from '../support/mikro-orm.js';
import { reachableDatabases } from '../support/databases.js';

describe.each(await reachableDatabases())(`MikroORM ${major} with %s, mapping`, (database) => {
  let fixture: MikroFixture;
  let em: EntityManager;

  beforeAll(async () => {
    fixture = await mikroFixture(database);
  });
  afterAll(() => fixture?.close());
  beforeEach(() => {
    em = fixture.em;
  });

  test('finds rows with and without a file', async () => {
    const { id } = await fixture.saved();
    const empty = await fixture.saved({ file: null });
    const withFile = await em.find(Document, { file: { $ne: null } });
    const withoutFile = await em.find(Document, { file: null });
    expect(withFile.map((document) => document.id)).toContain(id);
    expect(withFile.map((document) => document.id)).not.toContain(empty.id);
    expect(withoutFile.map((document) => document.id)).toContain(empty.id);
    expect(withoutFile.map((document) => document.id)).not.toContain(id);
  });

  test('serialises a file as name, size and type', async () => {
    const { id } = await fixture.saved();
    const document = await em.findOneOrFail(Document, id);
    const shown = { name: 'hello.txt', size: 5, type: 'text/plain' };
    expect(JSON.parse(JSON.stringify(document)).file).toEqual(shown);
    expect(JSON.parse(JSON.stringify(wrap(document).toObject())).file).toEqual(shown);
    expect(wrap(document).toJSON().cover).toBeNull();
    expect(JSON.parse(JSON.stringify(wrap(document).toPOJO())).file).toEqual(shown);
    expect(JSON.parse(JSON.stringify(wrap(document).serialize())).file).toEqual(shown);
    expect((instanceToPlain(document) as { file: unknown }).file).toEqual(shown);
  });

  test('keeps the file of a row that was loaded without it', async () => {
    const { id, file } = await fixture.saved();
    const partial = await em.findOneOrFail(Document, id, { fields: ['title'] });
    (partial as Document).title = 'partial';
    await em.flush();
    expect((await fixture.em.findOneOrFail(Document, id)).file?.id).toBe(file?.id);
  });

  test('saves files of entities made by defineEntity and EntitySchema', async () => {
    const one = await fixture.files.stage(Invoice, 'file', 'invoice');
    const two = await fixture.files.stage(NoteSchema, 'file', 'note');
    const invoice = em.create(Invoice, { file: one });
    const note = em.create(NoteSchema, { file: two } as Note);
    await em.flush();
    expect(await (await fixture.em.findOneOrFail(Invoice, invoice.id)).file?.text()).toBe('invoice');
    expect(await (await fixture.em.findOneOrFail(NoteSchema, note.id)).file?.text()).toBe('note');
    expect(await fixture.stateOf(one)).toBe('live');
    expect(await fixture.stateOf(two)).toBe('live');
    expect((await fixture.rows('SELECT data FROM note')).length).toBe(1);
  });

  test('binds and releases the file of an embedded entity', async () => {
    const file = await fixture.files.stage(Person, 'profile.avatar' as never, 'me');
    const person = new Person();
    person.id = '9d3f8e0c-4c5b-4f43-9a6e-0d1f2a3b4c5d';
    person.profile.avatar = file;
    await em.persist(person).flush();
    expect(await fixture.stateOf(file)).toBe('live');
    const fork = fixture.em;
    const loaded = await fork.findOneOrFail(Person, person.id);
    expect(await loaded.profile.avatar?.text()).toBe('me');
    expect(JSON.parse(JSON.stringify(loaded)).profile.avatar).toEqual({ name: 'file', size: 2, type: 'text/plain' });
    const next = await fixture.files.stage(Person, 'profile.avatar' as never, 'you');
    loaded.profile.avatar = next;
    await fork.flush();
    expect(await fixture.stateOf(file)).toBe('released');
    fork.remove(loaded);
    await fork.flush();
    expect(await fixture.stateOf(next)).toBe('released');
  });

  test('binds and releases the files of a class and its parent in one table', async () => {
    const [source, poster] = [
      await fixture.files.stage(Film, 'source', 's'),
      await fixture.files.stage(Film, 'poster', 'p'),
    ];
    const film = em.create(Film, { source, poster } as Film);
    await em.flush();
    expect(await fixture.stateOf(source)).toBe('live');
    expect(await fixture.stateOf(poster)).toBe('live');
    const fork = fixture.em;
    fork.remove(fork.getReference(Media, film.id));
    await fork.flush();
    expect(await fixture.stateOf(source)).toBe('released');
    expect(await fixture.stateOf(poster)).toBe('released');
  });

  test('binds the file of a row whose composite key has a reference', async () => {
    const file = await fixture.files.stage(Page, 'scan', 'scan');
    const page = em.create(Page, { document: await fixture.saved(), number: 2, scan: file } as Page);
    await em.flush();
    const [row] = await fixture.rows(`SELECT owner_pk FROM file_ledger WHERE id = '${file.id}'`);
    expect(row?.owner_pk).toBe(JSON.stringify([String(page.document.id), '2']));
    const fork = fixture.em;
    fork.remove(fork.getReference(Page, [page.document.id, 2]));
    await fork.flush();
    expect(await fixture.stateOf(file)).toBe('released');
    expect(() => fixture.files.primaryKey(Page)).toThrow('no single primary key');
  });

  test('deletes with deleteMany() only the rows of a composite key that match, and their files', async () => {
    const document = await fixture.saved();
    const scans = [1, 2].map((number) => fixture.files.stage(Page, 'scan', `page ${number}`));
    const [first, second] = (await Promise.all(scans)) as [StoredFile, StoredFile];
    for (const [index, scan] of [first, second].entries()) {
      em.create(Page, { document: em.getReference(Document, document.id), number: index + 1, scan } as Page);
    }
    await em.flush();
    expect(await fixture.files.deleteMany(Page, { document: document.id as never, number: 2 })).toBe(1);
    expect([await fixture.stateOf(first), await fixture.stateOf(second)]).toEqual(['live', 'released']);
    expect(await fixture.em.count(Page, { document: document.id })).toBe(1);
  });

  test('finds objects for views, and refuses unknown columns, fields and entities', async () => {
    const { id } = await fixture.saved();
    expect(fixture.files.primaryKey(Document)).toBe('id');
    expect(fixture.files.columnKind(Document, 'id')).toBe(database === 'sqlite' ? 'bigint' : 'integer');
    expect(fixture.files.columnKind(Document, 'title')).toBe('text');
    expect(fixture.files.columnKind(Person, 'id')).toBe('uuid');
    expect(() => fixture.files.columnKind(Document, 'nothing')).toThrow('no column');
    expect(() => fixture.files.checkFileField(Document, 'title')).toThrow('not a file field');
    expect(() => fixture.files.checkFileField(class Other {}, 'file')).toThrow('not part of');
    const document = await fixture.files.findObject(Document, { id: database === 'sqlite' ? String(id) : id });
    expect(document?.file?.name).toBe('hello.txt');
    expect(await fixture.files.findObject(Document, { id: -1 })).toBeNull();
    expect(await fixture.files.findObject(Invoice, { id: -1 })).toBeNull();
  });

  test('makes JSON columns, and no changes to the ledger, by the schema generator', async () => {
    expect(await fixture.orm.schema.getUpdateSchemaSQL()).toBe('');
    const columns = await fixture.orm.schema.getCreateSchemaSQL();
    const json = { sqlite: 'json', postgres: 'jsonb', mariadb: 'json' }[database];
    expect(columns).toMatch(new RegExp('file\\W ' + json + ' null'));
    expect(columns).toMatch(new RegExp('cover_json\\W ' + json + ' null'));
  });
});
