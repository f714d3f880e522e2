import { StorageRegistry, type StoredFile } from 'filefield';
import { attachFiles, FileField, protectFiles, unprotectFiles, type Files } from 'filefield/mikro-orm';
import { MemoryStorage } from 'filefield/storages/memory';
import { reachableDatabases, type DatabaseName } from '../support/databases.js';
import { Document, Film, mikroEntities, Page, Person } from '../support/mikro-entities.js';
import { legacy, major, openMikro, type OpenMikro } from '../support/mikro-orm.js';

const { Entity, PrimaryKey } = legacy;

@Entity({ inheritance: 'tpt' } as object)
class Work {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'documents' }) source!: StoredFile | null;
}

@Entity()
class Song extends Work {
  @FileField({ storage: 'documents' }) lyrics!: StoredFile | null;
}

interface Opened extends OpenMikro {
  readonly files: Files;
}

async function opened(database: DatabaseName, entities: typeof mikroEntities): Promise<Opened> {
  const open = await openMikro(database, entities);
  await protectFiles(open.orm, { grace: 0 });
  const storages = new StorageRegistry({ documents: new MemoryStorage() });
  const files = await attachFiles(open.orm, { storages, grace: 0 });
  return Object.assign(Object.create(open) as OpenMikro, { files });
}

const entries = (open: OpenMikro) =>
  open.rows(`SELECT state, owner_pk AS pk, slot FROM file_ledger WHERE owner_type NOT LIKE '%document' ORDER BY 3, 2`);

describe.each(await reachableDatabases())(`MikroORM ${major} on %s, triggers`, (database) => {
  let open: Opened;
  beforeAll(async () => {
    open = await opened(database, mikroEntities);
  });
  afterAll(() => open?.close());

  test('records the keys that hooks record, with composite keys, embedded columns and single table inheritance', async () => {
    const { files, em } = open;
    const document = em.create(Document, { file: null, cover: null } as Document);
    await em.persist(document).flush();
    const id = '0b0bb0b0-1111-4222-8333-abcdefabcdef';
    await em.insert(Page, { document: document.id, number: 7, scan: await files.stage(Page, 'scan', 'scan') } as never);
    await em.insert(Person, {
      id,
      profile: { avatar: await files.stage(Person, 'profile.avatar' as never, 'a') },
    } as never);
    await em.insert(Film, { kind: 'film', poster: await files.stage(Film, 'poster', 'p') } as never);
    const triggered = await entries(open);
    expect(triggered).toEqual([
      { state: 'live', pk: '1', slot: 'poster' },
      { state: 'live', pk: id, slot: 'profile_avatar' },
      { state: 'live', pk: `["${document.id}","7"]`, slot: 'scan' },
    ]);
    expect(await files.deleteMany(Page, { number: 7 })).toBe(1);
    expect(await files.deleteMany(Person, { id })).toBe(1);
    expect(await files.deleteMany(Film, { poster: null })).toBe(0);
    expect((await entries(open)).map(({ state }) => state)).toEqual(['live', 'released', 'released']);
  });

  test('drops all triggers, after which a delete is not recorded', async () => {
    await unprotectFiles(open, { entity: Page });
    await unprotectFiles(open.orm);
    const em = open.em;
    em.create(Document, { file: await open.files.stage(Document, 'file', 'x'), cover: null } as Document);
    await em.flush();
    await open.em.nativeDelete(Document, { file: { $ne: null } });
    expect(
      await open.rows(`SELECT slot FROM file_ledger WHERE owner_type LIKE '%document' AND state = 'live'`),
    ).toEqual([{ slot: 'file' }]);
  });
});

// MikroORM 6 has no such inheritance.
for (const database of major === 7 ? await reachableDatabases() : [])
  test(`deleteMany deletes the row in each table of a class with one table per class, on ${database}`, async () => {
    const open = await opened(database, [Work, Song]);
    const em = open.em;
    const song = new Song();
    song.source = await open.files.stage(Song, 'source', 'source');
    song.lyrics = await open.files.stage(Song, 'lyrics', 'lyrics');
    await em.persist(song).flush();
    expect(await open.files.deleteMany(Song, { id: song.id })).toBe(1);
    expect(await open.rows('SELECT id FROM work')).toEqual([]);
    expect((await entries(open)).map(({ state }) => state)).toEqual(['released', 'released']);
    await open.close();
  });
