import { createFileObjects } from 'filefield/typeorm';
import { DataSource } from 'typeorm';
import type { LedgerConnection, SqlResult } from '../../src/ledger/connection.js';
import type { Sql } from '../../src/ledger/sql.js';
import { databaseOf } from '../../src/orm/typeorm/database.js';
import { DatabaseStorage } from '../../src/storages/database.js';

const chunk = 256 * 1024;

async function* bytes(size: number) {
  for (let left = size; left > 0; left -= 65_536) yield Buffer.alloc(Math.min(left, 65_536), 7);
}

/** What happens around a statement. */
type Around = (text: string, run: () => Promise<SqlResult>) => Promise<SqlResult>;

const lost = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });

describe('a write of an object to a database', () => {
  let dataSource: DataSource;
  let database: LedgerConnection;
  beforeAll(async () => {
    dataSource = await new DataSource({ type: 'sqlite', database: ':memory:' }).initialize();
    await createFileObjects(dataSource);
    database = databaseOf(dataSource);
  });
  afterAll(() => dataSource.destroy());
  beforeEach(() => dataSource.query('DELETE FROM file_object'));

  const around = (work: Around) => {
    const execute = (statement: Sql) => work(statement.text(), () => database.execute(statement));
    return new DatabaseStorage({ dialect: database.dialect, execute });
  };
  const plain = () => around((_, run) => run());
  const left = async () =>
    (await dataSource.query('SELECT id FROM file_object UNION ALL SELECT object_id FROM file_chunk')) as unknown[];

  it.each([10, 3 * chunk])('of %i bytes succeeds where a connection runs every statement twice', async (size) => {
    const twice = around(async (_, run) => {
      await run();
      return run();
    });
    expect(await twice.write('twice', bytes(size))).toEqual({ size });
    await expect(twice.write('twice', bytes(size))).rejects.toMatchObject({ code: 'already_exists' });
    expect(await plain().stat('twice')).toMatchObject({ size });
  });

  it('succeeds where the last statement changed nothing the second time', async () => {
    const again = around(async (text, run) => ({
      ...(await run()),
      ...(text.startsWith('UPDATE') && { affected: 0 }),
    }));
    expect(await again.write('again', bytes(2 * chunk))).toEqual({ size: 2 * chunk });
  });

  it('fails where the key is deleted before the last statement', async () => {
    const torn = around(async (text, run) => {
      if (text.startsWith('UPDATE')) await plain().delete('torn');
      return run();
    });
    await expect(torn.write('torn', bytes(2 * chunk))).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('was deleted while it was written') as string,
    });
    expect(await left()).toEqual([]);
  });

  it.each([10, 3 * chunk])(
    'of %i bytes leaves nothing, whichever statement fails or has its answer lost',
    async (size) => {
      for (const arrives of [false, true]) {
        for (let failing = 0, done = false; !done; failing += 1) {
          let statements = 0;
          const broken = around(async (text, run) => {
            // The clean-up succeeds.
            if (text.startsWith('DELETE') || statements++ !== failing) return run();
            if (arrives) await run();
            throw lost();
          });
          const outcome = await broken.write('broken', bytes(size)).catch((error: { code: string }) => error.code);
          done = outcome !== 'unavailable';
          if (done) expect({ outcome, statements }).toEqual({ outcome: { size }, statements: failing });
          else expect({ failing, arrives, left: await left() }).toEqual({ failing, arrives, left: [] });
          await plain().delete('broken');
        }
      }
    },
  );

  it.each([10, 3 * chunk])(
    'of %i bytes that is aborted leaves nothing, also where its statement runs later',
    async (size) => {
      for (const slow of ['INSERT INTO file_object', ...(size > chunk ? ['INSERT INTO file_chunk', 'UPDATE'] : [])]) {
        const controller = new AbortController();
        let late: Promise<SqlResult> | undefined;
        const held = around(async (text, run) => {
          if (!text.startsWith(slow)) return run();
          controller.abort();
          return (late = new Promise((resolve) => setTimeout(resolve, 50)).then(run));
        });
        const write = held.write('held', bytes(size), { signal: controller.signal });
        await expect(write).rejects.toMatchObject({ code: 'aborted' });
        await late?.catch(() => undefined);
        expect({ slow, left: await left() }).toEqual({ slow, left: [] });
      }
    },
  );

  it('rejects with the first error where the clean-up fails, too, and its key deletes the rest', async () => {
    const dead = around(async (text, run) => {
      if (/file_chunk|DELETE/.test(text)) throw lost();
      return run();
    });
    const body = async function* () {
      yield* bytes(2 * chunk);
    };
    await expect(dead.write('dead', body())).rejects.toMatchObject({ code: 'unavailable', context: { key: 'dead' } });
    expect(await left()).toHaveLength(1);
    expect(await plain().stat('dead')).toBeNull();
    await plain().write('dead', bytes(5));
    await plain().delete('dead');
    expect(await left()).toEqual([]);
  });

  it('fails its readers where the tables have fewer bytes than they should', async () => {
    await plain().write('short', bytes(2 * chunk));
    await plain().write('tiny', bytes(100));
    await dataSource.query(`UPDATE file_chunk SET bytes = x'00' WHERE number = 1`);
    await dataSource.query(`UPDATE file_object SET bytes = x'00' WHERE object_key = 'tiny'`);
    for (const key of ['short', 'tiny']) {
      const read = async () => {
        for await (const part of (await plain().read(key)).stream()) expect(part.byteLength).toBe(chunk);
      };
      await expect(read()).rejects.toMatchObject({ code: 'incomplete' });
    }
    const beyond = await plain().read('short', { start: 10, end: 3 * chunk });
    await expect(beyond.stream()[Symbol.asyncIterator]().next()).resolves.toMatchObject({ done: false });
  });

  it('keeps chunks of another size readable', async () => {
    await plain().write('old', bytes(chunk + 1));
    await dataSource.query(`DELETE FROM file_chunk`);
    await dataSource.query(`UPDATE file_object SET chunk_size = 3, size = 8`);
    for (const [number, part] of ['abc', 'def', 'gh'].entries()) {
      await dataSource.query(
        `INSERT INTO file_chunk SELECT id, ${number}, ${`CAST('${part}' AS blob)`} FROM file_object`,
      );
    }
    const text = async (range?: { start: number; end: number }) => {
      const parts: Uint8Array[] = [];
      for await (const part of (await plain().read('old', range)).stream()) parts.push(part);
      return Buffer.concat(parts).toString();
    };
    expect(await text()).toBe('abcdefgh');
    expect(await text({ start: 2, end: 6 })).toBe('cdefg');
    expect(await text({ start: 4, end: 4 })).toBe('e');
  });
});
