import { objectView, type FileBody, type Files, type Storage, type StoredFile } from 'filefield';
import { expectDownload, runView, storageContract } from 'filefield/testing';
import type { DatabaseName } from '../../support/databases.js';
import type { SiteUnit } from './site.js';

/** A row of the table `leaflet`. */
export interface LeafletRow {
  id: number;
  file: StoredFile | null;
}

/** An ORM whose database keeps the bytes, too. */
export interface ObjectsSite {
  readonly files: Files;
  readonly Entity: new () => LeafletRow;
  readonly storage: Storage;
  /** Another storage of the same database. */
  other(name: string): Storage;
  unit(): SiteUnit<LeafletRow>;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** The SELECTs since the last call. */
  selects(): readonly string[];
  /** Drops the tables of the storage. */
  drop(): Promise<void>;
  /** Makes them, unless they exist. */
  create(): Promise<void>;
  close(): Promise<void>;
}

const chunk = 256 * 1024;

async function* body(size: number, fill = 7, step = 100_000): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; left -= step) yield Buffer.alloc(Math.min(left, step), fill);
}

/** Bytes of which each says where it is. */
const numbered = (size: number) => Buffer.from(Uint8Array.from({ length: size }, (_, index) => (index * 7) % 253));

async function bytesOf(file: FileBody): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const part of file.stream()) chunks.push(Buffer.from(part));
  file.close();
  return Buffer.concat(chunks);
}

/** What every ORM must do with objects in the tables of a database. */
export function objectsClaims(database: DatabaseName, open: () => Promise<ObjectsSite>): void {
  let site: ObjectsSite;
  beforeAll(async () => {
    site = await open();
  });
  afterAll(() => site?.close());
  const count = async (table: string) => Number((await site.query(`SELECT COUNT(*) AS n FROM ${table}`))[0]!.n);
  const left = async () => ({ objects: await count('file_object'), chunks: await count('file_chunk') });
  beforeEach(() => site.query('DELETE FROM file_object'));

  describe('the contract of storages', () => {
    for (const claim of storageContract(() => site.storage, { large: '1 MiB' })) it(claim.title, claim.run);
  });

  describe('a write', () => {
    it.each([0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 2 * chunk + 1])(
      'keeps %i bytes, and a range of them up to the last',
      async (size) => {
        const bytes = numbered(size);
        const info = await site.storage.write('sized', parts(bytes));
        expect(info).toEqual({ size });
        expect((await bytesOf(await site.storage.read('sized'))).equals(bytes)).toBe(true);
        for (const start of [0, chunk - 1, chunk, size - 1].filter((at) => at >= 0 && at < size)) {
          const range = { start, end: size - 1 };
          const got = await bytesOf(await site.storage.read('sized', range));
          expect({ start, equal: got.equals(bytes.subarray(start)) }).toEqual({ start, equal: true });
        }
        expect(await count('file_chunk')).toBe(size <= chunk ? 0 : Math.ceil(size / chunk));
      },
    );

    it('leaves nothing when its body fails, or its signal aborts, at any step', async () => {
      const size = 3 * chunk;
      const step = chunk / 2;
      for (let at = 0; at <= size; at += step) {
        for (const kind of ['fails', 'aborts'] as const) {
          const controller = new AbortController();
          const source = async function* () {
            let position = 0;
            for await (const part of body(size, 7, step)) {
              if (position === at && kind === 'fails') throw new Error('the source failed');
              if (position === at) controller.abort();
              yield part;
              position += step;
            }
            if (kind === 'fails') throw new Error('the source failed at its end');
            controller.abort();
          };
          const write = site.storage.write('odd', source(), { signal: controller.signal });
          const code = kind === 'fails' ? 'storage_failed' : 'aborted';
          await expect(write).rejects.toMatchObject({ code });
          expect({ at, kind, ...(await left()) }).toEqual({ at, kind, objects: 0, chunks: 0 });
        }
      }
    });

    it('leaves nothing when the signal aborts while a statement runs', async () => {
      for (const delay of [0, 1, 2, 4, 8, 16]) {
        const controller = new AbortController();
        setTimeout(() => controller.abort(), delay);
        const size = 40 * chunk;
        const outcome = await site.storage
          .write('cut', body(size, 7, chunk), { signal: controller.signal })
          .catch((error: { code: string }) => error.code);
        if (outcome === 'aborted') expect(await left()).toEqual({ objects: 0, chunks: 0 });
        else expect(outcome).toEqual({ size });
        await site.storage.delete('cut');
      }
    });

    it.each([100, 3 * chunk])('of two with one key and %i bytes keeps exactly one', async (size) => {
      for (let round = 0; round < 5; round += 1) {
        const settled = await Promise.allSettled([1, 2].map((fill) => site.storage.write('both', body(size, fill))));
        const winner = settled.findIndex(({ status }) => status === 'fulfilled');
        const loser = settled[1 - winner];
        expect(loser).toMatchObject({ status: 'rejected', reason: { code: 'already_exists' } });
        const bytes = await bytesOf(await site.storage.read('both'));
        expect(bytes.equals(Buffer.alloc(size, winner + 1))).toBe(true);
        expect(await left()).toEqual({ objects: 1, chunks: size > chunk ? 3 : 0 });
        await site.storage.delete('both');
      }
    });

    it('fails, and leaves nothing, when its key is deleted meanwhile', async () => {
      for (const after of [1, 2, 3]) {
        const source = async function* () {
          let position = 0;
          for await (const part of body(3 * chunk + 1, 7, chunk)) {
            if (position === after) await site.storage.delete('gone');
            yield part;
            position += 1;
          }
        };
        const write = site.storage.write('gone', source());
        if (after === 1) await expect(write).resolves.toMatchObject({ size: 3 * chunk + 1 });
        else
          await expect(write).rejects.toMatchObject({
            code: 'storage_failed',
            message: expect.stringContaining('was deleted'),
          });
        await site.storage.delete('gone');
        expect(await left()).toEqual({ objects: 0, chunks: 0 });
      }
    });

    it('keeps the type and the disposition in the row', async () => {
      const disposition = `attachment; filename*=UTF-8''%C3%A9.pdf`;
      await site.storage.write('typed', body(3), { type: 'application/pdf', disposition });
      const rows = await site.query('SELECT type, disposition FROM file_object');
      expect(rows.map((row) => ({ ...row }))).toEqual([{ type: 'application/pdf', disposition }]);
    });
  });

  describe('a read', () => {
    it.each([
      ['the middle of one chunk', { start: 5, end: 10 }, 1],
      ['the end of one chunk and the start of the next', { start: chunk - 1, end: chunk }, 2],
      ['all chunks', undefined, 4],
    ])('of %s loads these chunks only, one with each statement', async (_, range, chunks) => {
      const bytes = numbered(3 * chunk + 5);
      await site.storage.write('ranged', parts(bytes));
      site.selects();
      const file = await site.storage.read('ranged', range);
      expect(site.selects()).toHaveLength(1);
      const got = await bytesOf(file);
      expect(got.equals(range ? bytes.subarray(range.start, range.end + 1) : bytes)).toBe(true);
      expect(site.selects()).toHaveLength(chunks);
    });

    it('of an object in one row takes one statement', async () => {
      await site.storage.write('small', body(5000));
      site.selects();
      expect(await bytesOf(await site.storage.read('small', { start: 10, end: 19 }))).toHaveLength(10);
      expect(site.selects()).toHaveLength(1);
    });

    it('fails when the object is deleted meanwhile, and when its body was closed', async () => {
      await site.storage.write('torn', body(3 * chunk));
      const [torn, closed] = [await site.storage.read('torn'), await site.storage.read('torn')];
      const [parts, others] = [torn, closed].map((file) => file.stream()[Symbol.asyncIterator]());
      expect((await parts!.next()).done).toBe(false);
      closed.close();
      await expect(others!.next()).rejects.toMatchObject({ code: 'aborted' });
      await site.storage.delete('torn');
      await expect(parts!.next()).rejects.toMatchObject({
        code: 'not_found',
        message: expect.stringContaining('while it was read'),
      });
    });
  });

  describe('keys', () => {
    it('are told apart by case, accents, and spaces at the end', async () => {
      const names = ['a', 'A', 'ä', 'a\u0308', 'a ', 'a  ', 'ß', 'ss', 'ﬁ', 'fi'];
      for (const name of names) await site.storage.write(name, body(1));
      for (const name of names) await site.storage.delete(name);
      expect(await left()).toEqual({ objects: 0, chunks: 0 });
    });

    it('of 512 bytes are kept, and listed as they are', async () => {
      const long = ['😀'.repeat(60), '😀'.repeat(60), 'x'.repeat(30)].join('/');
      const key = `${long}${'y'.repeat(512 - Buffer.byteLength(long))}`;
      await site.storage.write(key, body(1));
      expect(await listed(site.storage)).toEqual([key]);
    });

    it('of storages with other names are others', async () => {
      const other = site.other('other');
      await site.storage.write('same', body(1));
      await other.write('same', body(2));
      await other.write('theirs', body(2));
      expect(await listed(site.storage)).toEqual(['same']);
      await other.delete('same');
      expect(await site.storage.stat('same')).toMatchObject({ size: 1 });
      expect(() => site.other('a b')).toThrow(/must be 1 to 64/);
    });

    it('are listed once and in order, over several pages', async () => {
      const names = Array.from({ length: 2100 }, (_, index) => `${['é', '～', '😀', 'z', 'a/b'][index % 5]}${index}`);
      for (let at = 0; at < names.length; at += 100) {
        const rows = names
          .slice(at, at + 100)
          .map((name, index) => `('${at + index}', 'default', '${name}', '', 0, 1700000000000, 1)`);
        await site.query(
          `INSERT INTO file_object (id, space, object_key, unfinished, size, modified, chunk_size) VALUES ${rows.join(', ')}`,
        );
      }
      const sorted = [...names].sort();
      expect(await listed(site.storage)).toEqual(sorted);
      expect(await listed(site.storage, sorted[1500])).toEqual(sorted.slice(1501));
    });
  });

  describe('a file field', () => {
    it('is staged, saved, served in ranges, replaced and swept, and leaves nothing', async () => {
      const { files, Entity } = site;
      const [first, second] = [numbered(2 * chunk + 100), numbered(chunk + 1)];
      const row = await site.unit().insert({ file: await files.stage(Entity, 'file', first) });
      const view = objectView(files, Entity, { field: 'file' });
      const ranged = await runView(view, { params: { id: String(row.id) }, headers: { range: `bytes=${chunk - 2}-` } });
      await expectDownload(ranged, { range: `${chunk - 2}-${first.length - 1}/${first.length}` });
      expect(ranged.body.equals(first.subarray(chunk - 2))).toBe(true);

      const unit = site.unit();
      const found = await unit.find(row.id);
      found.file = await files.stage(Entity, 'file', second);
      await unit.save(found);
      await files.sweep();
      expect(await count('file_chunk')).toBe(2);
      const whole = await runView(view, { params: { id: String(row.id) } });
      expect(whole.body.equals(second)).toBe(true);

      await unit.remove(found);
      await files.sweep();
      expect(await count('file_chunk')).toBe(0);
      expect(await site.query(`SELECT id FROM file_object WHERE object_key NOT LIKE 'filefield-fence%'`)).toEqual([]);
    });
  });

  if (database === 'sqlite') {
    it('is busy inside a transaction of the only connection, and goes on after it', async () => {
      const within = site.unit().transaction(() => site.storage.write('inside', body(3)));
      await expect(within).rejects.toMatchObject({ code: 'busy' });
      await site.storage.write('inside', body(3));
    }, 20_000);
  }

  it('says which migration is missing, without its tables', async () => {
    await site.drop();
    const missing = { code: 'storage_failed', message: expect.stringContaining('calls createFileObjects()') as string };
    try {
      await expect(site.storage.write('a', body(1))).rejects.toMatchObject(missing);
      await expect(site.storage.read('a')).rejects.toMatchObject(missing);
      await expect(site.storage.stat('a')).rejects.toMatchObject(missing);
      await expect(site.storage.delete('a')).rejects.toMatchObject(missing);
      await expect(listed(site.storage)).rejects.toMatchObject(missing);
    } finally {
      await site.create();
    }
    // A second time changes nothing.
    await site.create();
  });
}

async function* parts(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.byteLength; at += 65_537) yield bytes.subarray(at, at + 65_537);
}

async function listed(storage: Storage, after?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list!(after === undefined ? {} : { after })) keys.push(key);
  return keys;
}
