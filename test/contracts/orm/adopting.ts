import { Readable } from 'node:stream';
import { FileFieldError, type AdoptOptions, type AdoptProgress, type StoredFile } from 'filefield';
import type { FileFieldOptions } from '../../../src/fields/field-options.js';
import { adoptingTakenClaims } from './adopting-taken.js';
import { siteOf, type OpenSite, type SiteOptions } from './site.js';

/** A row of the table `paper`, which had paths before it had files. */
export interface PaperRow {
  id: number;
  path: string | null;
  original: string | null;
  file: StoredFile | null;
  common: StoredFile | null;
}

/** The options of its fields. */
export const paper = {
  file: { storage: 'media' },
  common: { storage: 'media', copies: 'share' },
} as const satisfies Readonly<Record<string, FileFieldOptions>>;

export type Options = Partial<AdoptOptions<PaperRow>>;

/** `files.adopt`: rows with paths get a file field over the objects in their places. */
export function adoptingClaims(open: OpenSite<PaperRow>, protect: Pick<SiteOptions, 'protect'>): void {
  const site = siteOf(open, 'paper', { grace: 0, ...protect });
  const put = (key: string, text: string | Uint8Array) => site().media.write(key, Readable.from([Buffer.from(text)]));
  const insert = (path: string | null, original: string | null = null) => site().unit().insert({ path, original });
  const placed = async (path: string, text: string) => {
    await put(path, text);
    return insert(path);
  };
  const adopt = (options: Options = {}) =>
    site().files.adopt(site().Entity, 'file', { key: (row: PaperRow) => row.path, ...options });
  const find = (id: number) => site().unit().find(id);
  const remove = async (id: number) => {
    const unit = site().unit();
    await unit.remove(await unit.find(id));
  };
  const entries = () => site().query('SELECT id, object_key, state, owner_pk, size, adopter FROM file_ledger');
  const nothing = { adopted: 0, bytes: 0, changed: 0, skipped: 0, missing: [], shared: [], odd: [], failed: [] };

  it('gives rows their files in their places, with size, type, hashes and names, and no byte is written', async () => {
    await put('2019/03/a b.txt', 'grüße');
    await put('x7f3', Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ', 'base64'));
    const first = await insert('/srv/uploads/2019/03/a b.txt');
    const second = await insert('/srv/uploads/x7f3', 'été.png');
    const third = await insert(null);
    const { media } = site();
    const write = media.write.bind(media);
    const written: string[] = [];
    media.write = async (key, ...rest) => {
      written.push(key);
      return write(key, ...rest);
    };
    const progress: AdoptProgress[] = [];
    const report = await adopt({
      key: (row) => row.path?.replace(/^\/srv\/uploads\//, ''),
      name: (row) => row.original,
      onProgress: (step) => progress.push(step),
    }).finally(() => (media.write = write));
    expect(report).toEqual({ ...nothing, adopted: 2, bytes: 7 + 33, skipped: 1 });
    expect(written).toEqual([]);
    expect(progress.at(-1)).toEqual({ files: 3, bytes: 40, totalFiles: 3 });
    const { file } = await find(first.id);
    expect([file!.name, file!.size, file!.type, await file!.text()]).toEqual(['a b.txt', 7, 'text/plain', 'grüße']);
    expect(file!.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(file!.toDescriptor()).toMatchObject({ storage: 'media', key: '2019/03/a b.txt', crc32: expect.any(String) });
    const image = (await find(second.id)).file!;
    expect([image.name, image.type]).toEqual(['été.png', 'image/png']);
    expect((await find(third.id)).file).toBeNull();
    expect(await entries()).toHaveLength(2);
    expect(await site().files.reconcile()).toMatchObject({ unreferenced: [], missing: [], unrecorded: [] });
    expect(await adopt({ key: (row) => row.path })).toEqual({ ...nothing, skipped: 1 });
  });

  it('keeps the times and names that objects have, and mends names that multer left as Latin-1', async () => {
    const { id } = await placed('9f8e', 'text');
    const info = await site().media.stat('9f8e');
    const { adopted } = await adopt({ name: () => Buffer.from('ü.txt').toString('latin1') });
    const { file } = await find(id);
    expect([adopted, file!.name, file!.modified.toISOString()]).toEqual([1, 'ü.txt', info!.modified!.toISOString()]);
  });

  it('lets a sweep delete an adopted object once its row is deleted or has another file, and no other object', async () => {
    const gone = await placed('gone.txt', 'gone');
    const replaced = await placed('replaced.txt', 'replaced');
    await placed('kept.txt', 'kept');
    await put('nobody.txt', 'of nobody');
    await adopt();
    await remove(gone.id);
    const unit = site().unit();
    const row = await unit.find(replaced.id);
    row.file = await site().files.stage(site().Entity, 'file', 'new');
    await unit.save(row);
    expect(await site().files.sweep()).toMatchObject({ deleted: 2 });
    expect(site().media.keys.slice(0, 2)).toEqual(['kept.txt', 'nobody.txt']);
    expect(site().media.keys).toHaveLength(3);
    expect((await site().query('SELECT id FROM file_trash')).length).toBe(0);
  });

  it('lets an adopted object be erased', async () => {
    const row = await placed('secret.txt', 'secret');
    await adopt();
    const { file } = await find(row.id);
    await expect(site().files.erase(file!)).rejects.toMatchObject({ code: 'in_use' });
    await remove(row.id);
    await site().files.erase(file!);
    expect(site().media.keys).toEqual([]);
    await site().files.erase(file!);
  });

  it('deletes nothing that another database has adopted', async () => {
    const row = await placed('original.txt', 'of the original');
    await adopt();
    // What `filefield copied` does to a copy.
    await site().query(`UPDATE file_ledger SET adopter = 'another0id00'`);
    const { file } = await find(row.id);
    await remove(row.id);
    await expect(site().files.erase(file!)).rejects.toMatchObject({ code: 'in_use' });
    expect(await site().files.sweep()).toMatchObject({ deleted: 0 });
    expect(site().media.keys).toEqual(['original.txt']);
    expect(await site().query('SELECT id FROM file_trash')).toEqual([]);
  });

  it.each([200, 1])('reports the second row of an object, and keeps its bytes for it (batch %i)', async (batch) => {
    const first = await placed('both.txt', 'both');
    const second = await insert('both.txt');
    const report = await adopt({ batch });
    expect(report).toEqual({ ...nothing, adopted: 1, bytes: 4, shared: [{ pk: String(second.id), key: 'both.txt' }] });
    expect((await find(second.id)).file).toBeNull();
    expect((await entries()).map((entry) => [entry.owner_pk, !entry.adopter])).toEqual([[String(first.id), true]]);
    await remove(first.id);
    await site().files.sweep();
    expect(site().media.keys).toEqual(['both.txt']);
    // The bytes belong to the second row now.
    expect(await adopt()).toMatchObject({ adopted: 1 });
    await remove(second.id);
    await site().files.sweep();
    expect(site().media.keys).toEqual([]);
  });

  it.each([200, 1])('gives one file to all rows where the field shares files (batch %i)', async (batch) => {
    const first = await placed('both.txt', 'both');
    const second = await insert('both.txt', 'other.txt');
    const common = { key: (row: PaperRow) => row.path, name: (row: PaperRow) => row.original, batch };
    const { files, Entity, media } = site();
    expect(await files.adopt(Entity, 'common', common)).toEqual({ ...nothing, adopted: 2, bytes: 8 });
    const [one, other] = [(await find(first.id)).common!, (await find(second.id)).common!];
    expect([one.id, one.name, other.name]).toEqual([other.id, 'both.txt', 'other.txt']);
    expect((await entries()).map(({ owner_pk }) => owner_pk)).toEqual([null]);
    await remove(first.id);
    await files.reconcile({ repair: true });
    await files.sweep();
    expect(await (await find(second.id)).common!.text()).toBe('both');
    await remove(second.id);
    await files.reconcile({ repair: true });
    await files.sweep();
    expect(media.keys).toEqual([]);
  });

  it('reports objects that are missing, keys that no storage can have, and keys of the ledger', async () => {
    const missing = await insert('missing.txt');
    const odd = ['', '../secret', '/etc/passwd', 'a//b', 'a\\b', '.env', 'x'.repeat(600), 'filefield-fence/a/0-media'];
    const rows = [];
    for (const path of odd) rows.push(await insert(path));
    const stored = await site().files.stage(site().Entity, 'file', 'of another row');
    const { key } = stored.toDescriptor();
    rows.push(await insert(key));
    const report = await adopt();
    expect(report).toMatchObject({ adopted: 0, missing: [{ pk: String(missing.id), key: 'missing.txt' }] });
    expect(report.odd.map((row) => row.pk)).toEqual(rows.map(({ id }) => String(id)));
    expect(report.odd.every(({ reason }) => reason?.endsWith('.'))).toBe(true);
    expect(site().media.keys).toEqual([key]);
  });

  it('reports objects that cannot be read, and goes on', async () => {
    const bad = await placed('bad.txt', 'bad');
    const worse = await placed('worse.txt', 'worse');
    await placed('good.txt', 'good');
    const { media } = site();
    const read = media.read.bind(media);
    media.read = async (key, range) => {
      if (key === 'worse.txt') throw new FileFieldError('storage_failed', 'bad disk');
      if (key !== 'bad.txt') return read(key, range);
      const body = await read(key, range);
      return { ...body, stream: () => ({ async *[Symbol.asyncIterator]() {} }) };
    };
    const report = await adopt({ concurrency: 1 }).finally(() => (media.read = read));
    const failed = [
      { pk: String(bad.id), key: 'bad.txt' },
      { pk: String(worse.id), key: 'worse.txt', reason: 'bad disk' },
    ];
    expect(report).toMatchObject({ adopted: 1, failed });
    expect(await entries()).toHaveLength(1);
    expect(await adopt()).toMatchObject({ adopted: 2, failed: [] });
  });

  it('ends at a storage that does not answer, and goes on when it is called again', async () => {
    for (let index = 0; index < 6; index += 1) await placed(`${index}.txt`, 'text');
    const { media } = site();
    const read = media.read.bind(media);
    media.read = async (key, range) => {
      if (key === '4.txt') throw Object.assign(new Error('away'), { name: 'FileFieldError', code: 'unavailable' });
      return read(key, range);
    };
    await expect(adopt({ batch: 2 }).finally(() => (media.read = read))).rejects.toMatchObject({ message: 'away' });
    expect(await entries()).toHaveLength(4);
    expect(await adopt()).toMatchObject({ adopted: 2 });
  });

  it('lets a row win that gets a file, another path or is deleted while its object is read', async () => {
    const [filled, moved, deleted, still] = [
      await placed('filled.txt', 'a'),
      await placed('moved.txt', 'b'),
      await placed('deleted.txt', 'c'),
      await placed('still.txt', 'd'),
    ];
    const { media } = site();
    const stage = await site().files.stage(site().Entity, 'file', 'the winner');
    const read = media.read.bind(media);
    let changes: Promise<void> | undefined;
    media.read = async (key, range) => {
      await (changes ??= (async () => {
        const unit = site().unit();
        const row = await unit.find(filled.id);
        row.file = stage;
        await unit.save(row);
        const other = await unit.find(moved.id);
        other.path = 'elsewhere.txt';
        await unit.save(other);
        await unit.remove(await unit.find(deleted.id));
      })());
      return read(key, range);
    };
    const report = await adopt().finally(() => (media.read = read));
    expect(report).toEqual({ ...nothing, adopted: 1, bytes: 1, changed: 3 });
    expect(await (await find(filled.id)).file!.text()).toBe('the winner');
    expect((await find(moved.id)).file).toBeNull();
    expect(await (await find(still.id)).file!.text()).toBe('d');
    expect((await entries()).map((entry) => entry.object_key).sort()).toEqual(
      [stage.toDescriptor().key, 'still.txt'].sort(),
    );
    await site().files.sweep();
    expect(media.keys).toHaveLength(5);
  });

  it('adopts everything once when two adopt at the same time', async () => {
    for (let index = 0; index < 30; index += 1) await placed(`${index}.txt`, `${index}`);
    const both = [await Promise.all([adopt({ batch: 7 }), adopt({ batch: 5 })])].flat();
    expect(both.map(({ shared, missing, failed }) => [shared, missing, failed]).flat(2)).toEqual([]);
    expect(both[0]!.adopted + both[1]!.adopted).toBe(30);
    expect((await entries()).filter(({ adopter }) => !adopter)).toEqual([]);
    expect(await site().files.reconcile()).toMatchObject({ unreferenced: [], missing: [], unrecorded: [] });
  });

  it('goes on with an entry whose row was not written when the process was killed', async () => {
    const { id } = await placed('begun.txt', 'begun');
    await adopt();
    await site().query('UPDATE file_ledger SET adopter = NULL');
    const [entry] = await entries();
    await site().query(`UPDATE paper SET file = NULL`);
    await site().query(`UPDATE file_ledger SET state = 'live', not_before = NULL, released_at = NULL`);
    await site().files.sweep();
    expect(await adopt()).toMatchObject({ adopted: 1 });
    expect((await find(id)).file!.id).toBe(entry!.id);
    await remove(id);
    expect(await site().files.sweep()).toMatchObject({ deleted: 1 });
    expect(site().media.keys).toEqual([]);
  });

  it('changes nothing in a dry run, and says what would be adopted', async () => {
    const { id } = await placed('dry.txt', 'dry');
    const second = await insert('dry.txt');
    expect(await adopt({ dryRun: true, batch: 1 })).toEqual({
      ...nothing,
      adopted: 1,
      bytes: 3,
      shared: [{ pk: String(second.id), key: 'dry.txt' }],
    });
    expect((await find(id)).file).toBeNull();
    expect(await entries()).toEqual([]);
  });

  it('reads only the first bytes without hashes', async () => {
    const { id } = await placed('large.txt', 'a line of text\n'.repeat(100_000));
    const empty = await placed('empty.txt', '');
    const ranges: unknown[] = [];
    const { media } = site();
    const read = media.read.bind(media);
    media.read = async (key, range) => {
      ranges.push(range);
      return read(key, range);
    };
    expect(await adopt({ dryRun: true })).toMatchObject({ adopted: 2 });
    const report = await adopt({ hash: false }).finally(() => (media.read = read));
    expect(report).toMatchObject({ adopted: 2, bytes: 1_500_000 });
    expect(ranges).toEqual(Array.from({ length: 2 }, () => ({ start: 0, end: 262_143 })));
    const { file } = await find(id);
    expect([file!.size, file!.type, file!.sha256]).toEqual([1_500_000, 'text/plain', undefined]);
    expect((await find(empty.id)).file!.size).toBe(0);
  });

  it('ends with aborted when its signal aborts', async () => {
    for (let index = 0; index < 6; index += 1) await placed(`${index}.txt`, 'text');
    const controller = new AbortController();
    const aborted = adopt({ batch: 2, signal: controller.signal, onProgress: () => controller.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    expect(await entries()).toHaveLength(2);
    expect(await adopt()).toMatchObject({ adopted: 4 });
    await placed('empty.txt', '');
    const late = adopt({ hash: false, signal: AbortSignal.abort() });
    await expect(late).rejects.toMatchObject({ code: 'aborted' });
  });

  it('ends with what "key" throws, and refuses options that cannot work', async () => {
    await insert('a.txt');
    const key = () => {
      throw new TypeError('the key is wrong');
    };
    await expect(adopt({ key })).rejects.toThrow('the key is wrong');
    for (const options of [{ storage: 'cellar' }, { batch: 0 }, { concurrency: 101 }]) {
      await expect(adopt(options)).rejects.toMatchObject({ code: 'invalid_option' });
    }
    await expect(site().files.adopt(site().Entity, 'path' as 'file', { key: () => 'x' })).rejects.toMatchObject({
      code: 'invalid_option',
    });
  });

  it('adopts objects of a storage that the field does not name', async () => {
    await site().attic.write('old.txt', Readable.from([Buffer.from('old')]));
    const { id } = await insert('old.txt');
    expect(await adopt({ storage: 'attic' })).toMatchObject({ adopted: 1 });
    expect(await (await find(id)).file!.text()).toBe('old');
    expect(await site().files.move({ from: 'attic', to: 'media' })).toMatchObject({ moved: 1 });
    await site().files.sweep();
    expect(site().attic.keys).toEqual([]);
    expect(await (await find(id)).file!.text()).toBe('old');
  });

  adoptingTakenClaims(site, { insert, placed, adopt, find, entries });
}
