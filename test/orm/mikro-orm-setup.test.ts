import { ledgerSchema, StorageRegistry, StoredFile } from 'filefield';
import { attachFiles, FileField, fileType } from 'filefield/mikro-orm';
import { MemoryStorage } from 'filefield/storages/memory';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import ts from 'typescript';
import { Document, Invoice } from '../support/mikro-entities.js';
import { legacy, major, migrate, openMikro } from '../support/mikro-orm.js';

const { Embeddable, Embedded, Entity, PrimaryKey } = legacy;

@Embeddable()
class Packed {
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

@Entity()
class Parcel {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Embedded(() => Packed, { object: true }) packed = new Packed();
}

@Entity({ inheritance: 'tpt' } as object)
class Work {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'documents' }) source!: StoredFile | null;
}

@Entity()
class Song extends Work {
  @FileField({ storage: 'documents' }) lyrics!: StoredFile | null;
}

@Entity({ schema: '*' })
class Leaflet {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
}

@Entity()
class Draft {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'documents', onSoftDelete: 'delete' }) file!: StoredFile | null;
}

// The decorator compiles only on properties that can hold a file.
class Wrong {
  // @ts-expect-error a text is not a file
  @FileField({ storage: 'documents' }) text!: string;
  // @ts-expect-error nor are several files
  @FileField({ storage: 'documents' }) files!: StoredFile[];
}
// @ts-expect-error misspelt options do not compile
const misspelt = (): unknown => fileType({ storage: 'documents', maxsize: 1 });

interface StandardEntity {
  id: number;
  file: StoredFile | null;
}
/** Classes that are compiled in another mode and with the types of another major, so that this file cannot import them. */
interface StandardDecorators {
  readonly Letter: new () => StandardEntity & { scan: StoredFile | null };
  readonly Parcel: new () => StandardEntity;
}

async function standardDecorators(): Promise<StandardDecorators> {
  const source = await readFile('compat/mikro-7/es-decorators.ts', 'utf8');
  const { config } = ts.readConfigFile('compat/mikro-7/tsconfig.json', (file) => ts.sys.readFile(file));
  const { outputText } = ts.transpileModule(source, config as ts.TranspileOptions);
  const folder = await mkdtemp(path.join(tmpdir(), 'filefield-'));
  await writeFile(path.join(folder, 'es-decorators.mjs'), outputText);
  try {
    return (await import(path.join(folder, 'es-decorators.mjs'))) as StandardDecorators;
  } finally {
    await rm(folder, { recursive: true });
  }
}

// Features that MikroORM 6 lacks are declared only for 7: a skipped test would fail CI.
const on7 = (title: string, run: () => void) => void (major === 7 && test(title, run));

describe(`MikroORM ${major}, set-up`, () => {
  const memory = () => new StorageRegistry({ documents: new MemoryStorage() });

  test('keeps the files of one entity in the storage of each instance', async () => {
    const [a, b] = [await openMikro('sqlite', [Document, Invoice]), await openMikro('sqlite', [Document, Invoice])];
    const [filesOfA, filesOfB] = [
      await attachFiles(a.orm, { storages: memory() }),
      await attachFiles(b.orm, { storages: memory() }),
    ];
    for (const [files, em, text] of [[filesOfA, a.em, 'one'] as const, [filesOfB, b.em, 'two'] as const]) {
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

  test('refuses a file inside a JSON column or a table of many schemas, onSoftDelete, an unknown storage and a missing ledger when it attaches', async () => {
    const parcels = await openMikro('sqlite', [Parcel, Packed]);
    await expect(attachFiles(parcels.orm, { storages: memory() })).rejects.toThrow(
      'Parcel.packed.file is inside a JSON',
    );
    await parcels.close();
    const drafts = await openMikro('sqlite', [Draft]);
    await expect(attachFiles(drafts.orm, { storages: memory() })).rejects.toThrow('MikroORM has no soft delete');
    await drafts.close();
    const leaflets = await openMikro('sqlite', [Leaflet]);
    await expect(attachFiles(leaflets.orm, { storages: memory() })).rejects.toThrow('in a table of many schemas');
    await leaflets.close();
    const documents = await openMikro('sqlite', [Document]);
    const other = new StorageRegistry({ other: new MemoryStorage() });
    await expect(attachFiles(documents.orm, { storages: other })).rejects.toThrow('names the storage "documents"');
    await documents.orm.em.getConnection().execute('DROP TABLE file_ledger', [], 'run');
    await expect(attachFiles(documents.orm, { storages: memory() })).rejects.toThrow(
      'run the migration that calls createLedger()',
    );
    await documents.close();
    expect([Wrong, misspelt]).toHaveLength(2);
  });

  // MikroORM 6 has no standard decorators.
  on7('saves files of classes with standard decorators and a base class', async () => {
    const { Letter, Parcel } = await standardDecorators();
    const open = await openMikro('sqlite', [Letter, Parcel]);
    const storages = memory();
    const files = await attachFiles(open.orm, { storages });
    const em = open.em;
    const letter = new Letter();
    letter.file = await files.stage(Letter, 'file', 'letter');
    letter.scan = await files.stage(Letter, 'scan', 'scan');
    const parcel = new Parcel();
    parcel.file = await files.stage(Parcel, 'file', 'parcel');
    await em.persist([letter, parcel]).flush();
    const fork = open.em;
    expect(await (await fork.findOneOrFail(Letter, letter.id)).scan?.text()).toBe('scan');
    expect(await (await fork.findOneOrFail(Parcel, parcel.id)).file?.text()).toBe('parcel');
    expect(() => files.checkFileField(Parcel, 'scan')).toThrow('not a file field');
    expect(await open.rows('SELECT DISTINCT state, owner_type, slot FROM file_ledger ORDER BY 2, 3')).toEqual([
      { state: 'live', owner_type: 'letter', slot: 'file' },
      { state: 'live', owner_type: 'letter', slot: 'scan_json' },
      { state: 'live', owner_type: 'parcel', slot: 'file' },
    ]);
    await open.close();
  });

  on7('binds and releases the files of a class and its parent in one table each', async () => {
    const open = await openMikro('sqlite', [Work, Song]);
    const files = await attachFiles(open.orm, { storages: memory() });
    const em = open.em;
    const song = new Song();
    song.source = await files.stage(Song, 'source', 'source');
    song.lyrics = await files.stage(Song, 'lyrics', 'lyrics');
    await em.persist(song).flush();
    song.source = await files.stage(Song, 'source', 'next');
    await em.flush();
    const entries = () => open.rows(`SELECT state, owner_type AS owner, slot FROM file_ledger ORDER BY 2, 3, 1`);
    const [source, lyrics] = [
      { owner: 'work', slot: 'source' },
      { owner: 'song', slot: 'lyrics' },
    ];
    expect(await entries()).toEqual([
      { state: 'live', ...lyrics },
      { state: 'live', ...source },
      { state: 'released', ...source },
    ]);
    em.remove(song);
    await em.flush();
    expect((await entries()).map(({ state }) => state)).toEqual(['released', 'released', 'released']);
    await open.close();
  });

  on7('compiles with the types of MikroORM 7', () => {
    const arguments_ = ['node_modules/typescript/bin/tsc', '-p', 'compat/mikro-7'];
    expect(spawnSync(process.execPath, arguments_, { encoding: 'utf8' }).stdout).toBe('');
  });

  test('makes and drops the ledger by a migration', async () => {
    const open = await openMikro('sqlite', [Document]);
    for (const sql of ledgerSchema('sqlite').drop) await open.orm.em.getConnection().execute(sql, [], 'run');
    await migrate(open.orm, 'up');
    const files = await attachFiles(open.orm, { storages: memory() });
    expect(await files.stage(Document, 'file', 'x')).toBeInstanceOf(StoredFile);
    await migrate(open.orm, 'down');
    expect(await open.rows(`SELECT name FROM sqlite_master WHERE name LIKE 'file_%'`)).toEqual([]);
    await open.close();
  });
});
