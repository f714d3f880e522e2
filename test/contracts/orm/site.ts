import type { Files, LedgerOptions } from 'filefield';
import type { MemoryStorage } from 'filefield/storages/memory';
import type { AgedStorage } from '../../support/aged-storage.js';

/** Options of `attachFiles`, and of the pool of connections. */
export interface SiteOptions extends LedgerOptions {
  /** False for a database without the tables of the ledger. */
  readonly ledger?: boolean;
  /** Connections of the pool, at most. */
  readonly poolSize?: number;
  /** Protects the columns. */
  readonly protect?: boolean;
}

/** Work with one entity, inside or outside a transaction. */
export interface SiteUnit<Row> {
  insert(values: Partial<Row>): Promise<Row>;
  /** Writes the changes made to a row that this unit loaded or inserted. */
  save(row: Row): Promise<void>;
  /** Rejects if there is no such row. */
  find(id: number): Promise<Row>;
  remove(row: Row): Promise<void>;
  transaction<Result>(work: (unit: SiteUnit<Row>) => Promise<Result>): Promise<Result>;
  /** Runs a SELECT in the transaction of this unit. */
  select(sql: string): Promise<readonly Record<string, unknown>[]>;
}

/** An ORM with one entity, whose files are in one storage: for claims that need an entity or options of their own. */
export interface Site<Row> {
  readonly files: Files;
  readonly Entity: new () => Row;
  readonly media: AgedStorage;
  /** A storage that no field names. */
  readonly attic: MemoryStorage;
  /** A new unit, as each request would have. */
  unit(): SiteUnit<Row>;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

export type OpenSite<Row> = (options?: SiteOptions) => Promise<Site<Row>>;

/** Opens a site for the claims of one suite and empties it before each claim. The result is called within a claim. */
export function siteOf<Row>(open: OpenSite<Row>, table: string, options: SiteOptions): () => Site<Row> {
  let site: Site<Row>;
  beforeAll(async () => {
    site = await open(options);
  });
  beforeEach(async () => {
    const ledger = options.ledger === false ? [] : ['file_ledger', 'file_trash'];
    for (const name of [table, ...ledger]) await site.query(`DELETE FROM ${name}`);
    await site.media.clear();
    for (const key of site.attic.keys) await site.attic.delete(key);
  });
  afterAll(() => site?.close());
  return () => site;
}
