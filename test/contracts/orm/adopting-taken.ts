import { Readable } from 'node:stream';
import type { AdoptReport } from 'filefield';
import type { Options, PaperRow } from './adopting.js';
import type { Site } from './site.js';

/** What the claims do with rows and ledger. */
export interface Papers {
  insert(path: string): Promise<PaperRow>;
  /** Writes an object, and inserts a row with its path. */
  placed(path: string, text: string): Promise<PaperRow>;
  adopt(options?: Options): Promise<AdoptReport>;
  find(id: number): Promise<PaperRow>;
  entries(): Promise<readonly Record<string, unknown>[]>;
}

/** `files.adopt`, where the ledger, the trash or another row has the object already. */
export function adoptingTakenClaims(site: () => Site<PaperRow>, papers: Papers): void {
  const { insert, placed, adopt, find, entries } = papers;

  it('gives a field that shares files what another field has adopted', async () => {
    const { id } = await placed('once.txt', 'once');
    await adopt();
    const { files, Entity } = site();
    expect(await files.adopt(Entity, 'common', { key: (row: PaperRow) => row.path })).toMatchObject({ adopted: 1 });
    const row = await find(id);
    expect(row.common!.id).toBe(row.file!.id);
  });

  it('does not give a file back to a row that has released it', async () => {
    const { id } = await placed('released.txt', 'released');
    await adopt();
    const unit = site().unit();
    const row = await unit.find(id);
    row.file = null;
    await unit.save(row);
    expect(await adopt()).toMatchObject({ adopted: 0, changed: 1, shared: [] });
    expect(await site().files.sweep()).toMatchObject({ deleted: 1 });
    expect(await adopt()).toMatchObject({ adopted: 0, missing: [{ key: 'released.txt' }] });
  });

  it('leaves the object of another row to that row in a dry run', async () => {
    await placed('a.txt', 'a');
    await adopt();
    await insert('a.txt');
    expect(await adopt({ dryRun: true })).toMatchObject({ shared: [{ key: 'a.txt' }] });
    expect((await entries()).map(({ adopter }) => !adopter)).toEqual([false]);
  });

  it('leaves an object in the trash, also where the field shares files', async () => {
    const { files, Entity } = site();
    await placed('old.txt', 'old');
    await site().query(
      `INSERT INTO file_trash (id, storage, object_key, retired_at, not_before, attempts) VALUES ('gone', 'media', 'old.txt', 0, 0, 0)`,
    );
    const report = await files.adopt(Entity, 'common', { key: (row: PaperRow) => row.path });
    expect(report).toMatchObject({ adopted: 0, odd: [{ key: 'old.txt' }] });
  });

  it('asks the ledger before the trash', async () => {
    await placed('a.txt', 'a');
    await adopt();
    await site().query(
      'INSERT INTO file_trash (id, storage, object_key, retired_at, not_before, attempts) SELECT id, storage, object_key, 0, 0, 0 FROM file_ledger',
    );
    await insert('a.txt');
    expect(await adopt()).toMatchObject({ shared: [{ key: 'a.txt' }], odd: [] });
  });

  it('tells objects of two storages with one key apart', async () => {
    await site().attic.write('same.txt', Readable.from([Buffer.from('in the attic')]));
    const first = await placed('same.txt', 'in the media');
    expect(await adopt({ storage: 'attic' })).toMatchObject({ adopted: 1 });
    const second = await insert('same.txt');
    expect(await adopt()).toMatchObject({ adopted: 1, shared: [] });
    expect(await (await find(first.id)).file!.text()).toBe('in the attic');
    expect(await (await find(second.id)).file!.text()).toBe('in the media');
  });

  it('keeps an object that two rows adopt at the same time for both', async () => {
    const [one, other] = [await placed('a.txt', 'a'), await insert('a.txt')];
    const only = (id: number) => ({ key: (row: PaperRow) => (row.id === id ? row.path : null) });
    const { media } = site();
    const read = media.read.bind(media);
    let inner: Promise<unknown> | undefined;
    media.read = async (key, range) => {
      if (!inner) await (inner = adopt(only(one.id)));
      return read(key, range);
    };
    const report = await adopt(only(other.id)).finally(() => (media.read = read));
    expect(report).toMatchObject({ adopted: 0, shared: [{ pk: String(other.id), key: 'a.txt' }] });
    expect((await entries()).map(({ owner_pk, adopter }) => [owner_pk, !adopter])).toEqual([[String(one.id), true]]);
  });

  it('does not claim a shared object that another database has adopted', async () => {
    const { files, Entity } = site();
    const common = { key: (row: PaperRow) => row.path };
    await placed('a.txt', 'a');
    await files.adopt(Entity, 'common', common);
    await site().query(`UPDATE file_ledger SET adopter = 'another0id00'`);
    await insert('a.txt');
    expect(await files.adopt(Entity, 'common', common)).toMatchObject({ adopted: 1 });
    expect((await entries()).map(({ adopter }) => adopter)).toEqual(['another0id00']);
  });

  it('goes on with an entry to which the path of another row leads, unless its row has released it', async () => {
    const { id } = await placed('a.txt', 'a');
    await adopt();
    await site().query('UPDATE paper SET file = NULL');
    await site().query(`UPDATE file_ledger SET adopter = '', state = 'released', not_before = 0`);
    expect(await adopt()).toMatchObject({ adopted: 0, changed: 1 });
    await site().query(`UPDATE file_ledger SET state = 'live', not_before = NULL, released_at = NULL`);
    expect(await adopt()).toMatchObject({ adopted: 1, changed: 0 });
    expect(await (await find(id)).file!.text()).toBe('a');
  });
}
