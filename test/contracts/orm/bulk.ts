import { setTimeout as delay } from 'node:timers/promises';
import type { StoredFile } from 'filefield';
import type { DatabaseName } from '../../support/databases.js';
import { expectInvariants, OrmContext, type OrmHarness } from './context.js';

/** A harness for writes that bypass the unit of work. */
export interface BulkHarness extends OrmHarness {
  readonly database: DatabaseName;
  /** Runs raw SQL in one transaction. */
  sql(work: (query: (sql: string) => Promise<unknown>) => Promise<void>): Promise<void>;
}

/** One way to write the row with this slug. A delete ignores the staged file. */
export interface Way<Harness> {
  readonly does: 'insert' | 'replace' | 'delete';
  run(harness: Harness, slug: string, file: StoredFile): Promise<unknown>;
}

export type Ways<Harness> = Readonly<Record<string, Way<Harness>>>;

const json = (file: StoredFile) => `'${JSON.stringify(file.toDescriptor())}'`;
const where = (slug: string) => `WHERE slug = '${slug}'`;

/** Writes without an ORM, which every database has. */
const raw: Ways<BulkHarness> = {
  'a raw INSERT': {
    does: 'insert',
    run: ({ query }, slug, file) =>
      query(`INSERT INTO contract_document (slug, title, file) VALUES ('${slug}', '', ${json(file)})`),
  },
  'a raw UPDATE': {
    does: 'replace',
    run: ({ query }, slug, file) => query(`UPDATE contract_document SET file = ${json(file)} ${where(slug)}`),
  },
  'a raw DELETE': { does: 'delete', run: ({ query }, slug) => query(`DELETE FROM contract_document ${where(slug)}`) },
};

export class BulkContext extends OrmContext {
  constructor(private readonly currentBulk: () => BulkHarness) {
    super(currentBulk);
  }

  override get harness(): BulkHarness {
    return this.currentBulk();
  }

  /** Ends every lease, then sweeps. */
  async expire(): Promise<void> {
    await this.harness.query(`UPDATE file_ledger SET lease_until = 0 WHERE state = 'pending'`);
    await delay(5);
    await this.files.sweep();
  }

  async reconcile(): Promise<void> {
    await this.files.reconcile({ repair: true });
    await this.expire();
  }

  rows(slug: string): Promise<readonly unknown[]> {
    return this.harness.query(`SELECT id FROM contract_document ${where(slug)}`);
  }
}

/** Claims for every way of writing, with triggers and without. */
export function bulkClaims<Harness extends BulkHarness>(
  open: (triggers: boolean) => Promise<Harness>,
  ways: Ways<Harness>,
): void {
  const all: [string, Way<Harness>][] = Object.entries({ ...raw, ...ways });
  describe.each([
    ['with triggers', true],
    ['without triggers, by sweep and reconcile', false],
  ])('%s', (_, triggers) => {
    let harness: Harness;
    beforeAll(async () => {
      harness = await open(triggers);
    });
    afterAll(() => harness?.close());
    afterEach(() => expectInvariants(harness));
    const t = new BulkContext(() => harness);

    it.each(all)('binds and releases the files of %s', async (name, { does, run }) => {
      const slug = name.replace(/\W/g, '-');
      if (does !== 'insert') await t.inserted(slug, `old ${slug}`);
      const file = await t.stage(`new ${slug}`);
      await run(harness, slug, file);
      const expected = does === 'delete' ? undefined : `new ${slug}`;
      // Before the ledger has recorded the write, the row's file is safe from a sweep too.
      await t.expire();
      expect(await t.textOf(slug)).toBe(expected);
      if (!triggers) await t.reconcile();
      expect(await t.countStored(`old ${slug}`)).toBe(0);
      expect(await t.textOf(slug)).toBe(expected);
      expect(await t.rows(slug)).toHaveLength(does === 'delete' ? 0 : 1);
      // A file that a trigger or a sweep has bound is released like any other.
      await t.harness.query(`DELETE FROM contract_document ${where(slug)}`);
      if (triggers) await t.expire();
      else await t.reconcile();
      expect(await t.countStored(`new ${slug}`)).toBe(0);
    });

    if (triggers) goneClaims(t, all);

    it('changes nothing when the writes are rolled back', async () => {
      await t.inserted('undone-replace', 'replaced, not');
      await t.inserted('undone-delete', 'deleted, not');
      const [one, two] = [await t.stage('never'), await t.stage('never')];
      const work = harness.sql(async (query) => {
        await query(`UPDATE contract_document SET file = ${json(one)} ${where('undone-replace')}`);
        await query(`DELETE FROM contract_document ${where('undone-delete')}`);
        await query(`INSERT INTO contract_document (slug, title, file) VALUES ('undone', '', ${json(two)})`);
        throw new Error('no');
      });
      await expect(work).rejects.toThrow('no');
      await t.reconcile();
      expect(await t.textOf('undone-replace')).toBe('replaced, not');
      expect(await t.textOf('undone-delete')).toBe('deleted, not');
      expect(await t.countStored('never')).toBe(0);
    });

    it('keeps the file of a row whose primary key changes', async () => {
      const { id } = await t.inserted('renumbered', 'renumbered');
      await harness.query(`UPDATE contract_document SET id = ${id + 100_000} ${where('renumbered')}`);
      await t.reconcile();
      expect(await t.textOf('renumbered')).toBe('renumbered');
      if (!triggers) return;
      const owners = await harness.query(`SELECT owner_pk AS pk FROM file_ledger WHERE owner_pk = '${id + 100_000}'`);
      expect(owners).toHaveLength(1);
    });

    cascadeClaims(t, triggers);
    untriggeredClaims(t);
  });
}

/** With triggers the database itself refuses a row whose bytes are gone, whoever writes it. */
function goneClaims<Harness extends BulkHarness>(t: BulkContext, all: readonly [string, Way<Harness>][]): void {
  const writes = all.filter(([, { does }]) => does !== 'delete');
  it.each(writes)('refuses a file whose bytes are gone in %s', async (name, { does, run }) => {
    const slug = `gone-${name.replace(/\W/g, '-')}`;
    if (does === 'replace') await t.inserted(slug, `kept ${slug}`);
    const file = await t.stage(`gone ${slug}`);
    await t.expire();
    expect(await t.countStored(`gone ${slug}`)).toBe(0);
    await expect(run(t.harness as Harness, slug, file)).rejects.toThrow();
    expect(await t.textOf(slug)).toBe(does === 'replace' ? `kept ${slug}` : undefined);
  });
}

function cascadeClaims(t: BulkContext, triggers: boolean): void {
  it('deletes the files of rows that a cascade deleted; on MariaDB, whose cascades run no triggers, after a reconcile', async () => {
    const { harness } = t;
    const reference = 'REFERENCES shelf (id) ON DELETE CASCADE';
    await harness.query(`CREATE TABLE shelf (id integer NOT NULL PRIMARY KEY)`);
    await harness.query(
      harness.database === 'mariadb'
        ? `ALTER TABLE contract_document ADD COLUMN shelf integer, ADD FOREIGN KEY (shelf) ${reference}`
        : `ALTER TABLE contract_document ADD COLUMN shelf integer ${reference}`,
    );
    await t.inserted('cascade', 'on the shelf');
    await harness.query(`INSERT INTO shelf (id) VALUES (1)`);
    await harness.query(`UPDATE contract_document SET shelf = 1 ${where('cascade')}`);
    await harness.query(`DELETE FROM shelf`);
    expect(await t.rows('cascade')).toEqual([]);
    await t.expire();
    const byTrigger = triggers && harness.database !== 'mariadb';
    expect(await t.countStored('on the shelf')).toBe(byTrigger ? 0 : 1);
    await t.reconcile();
    expect(await t.countStored('on the shelf')).toBe(0);
  });
}

/** Writes that run no triggers, and that a reconcile finds. */
function untriggeredClaims(t: BulkContext): void {
  it('deletes the files that REPLACE INTO and TRUNCATE leave behind, after a reconcile', async () => {
    const { harness } = t;
    const { id } = await t.inserted('blind', 'left behind');
    const file = await t.stage('replacement');
    if (harness.database !== 'postgres') {
      await harness.query(
        `REPLACE INTO contract_document (id, slug, title, file) VALUES (${id}, 'blind', '', ${json(file)})`,
      );
      await t.expire();
      expect(await t.textOf('blind')).toBe('replacement');
    } else {
      await harness.query('TRUNCATE contract_document');
    }
    await t.reconcile();
    expect(await t.countStored('left behind')).toBe(0);
  });
}
