import { isFileFieldError, type StoredFile } from 'filefield';
import { sql } from '../../../src/ledger/sql.js';
import { expectCode } from './context.js';
import { siteOf, type OpenSite, type SiteUnit } from './site.js';

/** A row of the table `poster`. */
export interface PosterRow {
  id: number;
  /** With `copies: 'copy'`. */
  image: StoredFile | null;
  plain: StoredFile | null;
}

const poolSize = 3;
const times = <Value>(count: number, make: (index: number) => Promise<Value>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

/**
 * A pool with few connections and as many callers, or more. A caller that holds one connection while it waits for a second
 * one would wait for ever, so a timeout is a failure.
 */
export function poolClaims(open: OpenSite<PosterRow>): void {
  const site = siteOf(open, 'poster', { poolSize, grace: 0 });
  const stage = (text: string) => site().files.stage(site().Entity, 'image', text);
  const textOf = async ({ id }: PosterRow) => (await site().unit().find(id)).image?.text();
  type Work = (unit: SiteUnit<PosterRow>) => Promise<PosterRow>;

  describe.each([
    ['in transactions of their own', (work: Work) => work(site().unit())],
    ['in transactions of the application', (work: Work) => site().unit().transaction(work)],
  ])('rows that are saved %s', (_, within) => {
    it.each([poolSize, 4 * poolSize])('binds the new files of %i rows at once', async (count) => {
      const staged = await times(count, (index) => stage(`new ${index}`));
      const saved = await times(count, (index) => within((unit) => unit.insert({ image: staged[index]! })));
      expect(saved.map(({ image }) => image?.id)).toEqual(staged.map(({ id }) => id));
    });

    it.each([poolSize, 4 * poolSize])('copies the file of one row for %i rows at once', async (count) => {
      const first = await site()
        .unit()
        .insert({ image: await stage('common') });
      const copies = await times(count, () => within((unit) => unit.insert({ image: first.image })));
      expect(new Set([first, ...copies].map(({ image }) => image?.id)).size).toBe(count + 1);
      for (const copy of copies) expect(await textOf(copy)).toBe('common');
    });

    it.each([poolSize, 4 * poolSize])('replaces and releases the files of %i rows at once', async (count) => {
      const rows = await times(count, async (index) =>
        site()
          .unit()
          .insert({ image: await stage(`old ${index}`) }),
      );
      const files = await times(count, (index) => stage(`new ${index}`));
      await times(count, (index) =>
        within(async (unit) => {
          const row = await unit.find(rows[index]!.id);
          row.image = files[index]!;
          await unit.save(row);
          return row;
        }),
      );
      expect(await site().files.sweep()).toMatchObject({ deleted: count, failed: 0 });
      expect(await times(count, (index) => textOf(rows[index]!))).toEqual(files.map((_file, index) => `new ${index}`));
    });
  });

  it('rejects with busy when every connection is in a transaction that stages, and goes on', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: poolSize }, () =>
        site()
          .unit()
          .transaction(async (unit) => {
            await unit.select('SELECT 1 AS one');
            await stage('inside');
          }),
      ),
    );
    const reasons = results.map((result) => (result.status === 'rejected' ? (result.reason as unknown) : undefined));
    expect(reasons.some((reason) => isFileFieldError(reason, 'busy'))).toBe(true);
    // All connections of the pool can be used again.
    expect(await times(poolSize, () => site().query('SELECT 1 AS one'))).toHaveLength(poolSize);
    expect(await stage('after')).toMatchObject({ size: 5 });
  }, 30_000);

  it('refuses a file that another transaction has bound since this one began to read', async () => {
    const plain = await site().files.stage(site().Entity, 'plain', 'wanted');
    const late = site()
      .unit()
      .transaction(async (unit) => {
        // The snapshot of MariaDB's REPEATABLE READ: here the file is still staged.
        await unit.select('SELECT state FROM file_ledger');
        await site().unit().insert({ plain });
        await unit.insert({ plain });
      });
    await expectCode(late, 'already_bound');
  });

  it('discards a file inside the transaction that has saved it', async () => {
    const image = await stage('given up');
    const work = site()
      .unit()
      .transaction(async (unit) => {
        await unit.insert({ image });
        await site().files.discard(image);
        throw new Error('the application changed its mind');
      });
    await expect(work).rejects.toThrow('changed its mind');
    await site().files.discard(image);
    expect(await site().files.sweep()).toMatchObject({ expired: 1 });
  });

  it('leaves no connection of the pool inside a transaction after it has looked at every row', async () => {
    const { database } = site().files.ledger;
    await times(poolSize, () => database.execute(sql`SELECT 1 AS one`, { unfiltered: true }));
    // Row level security, for which the look needs a transaction, is a matter of PostgreSQL.
    if (database.dialect.name !== 'postgres') return;
    // The connection of this statement too would be in a transaction that began before it.
    const inside = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND xact_start < query_start`;
    expect(await times(poolSize, () => site().query(inside))).toEqual([[], [], []]);
  });

  it('deletes other files while a transaction holds one whose lease has ended', async () => {
    const held = await stage('held');
    const others = [await stage('one'), await stage('two')];
    await site().query(`UPDATE file_ledger SET lease_until = 0`);
    await site()
      .unit()
      .transaction(async (unit) => {
        await unit.insert({ image: held });
        expect(await site().files.sweep()).toMatchObject({ expired: others.length });
      });
    await site().files.sweep();
    expect(await held.text()).toBe('held');
  });
}
