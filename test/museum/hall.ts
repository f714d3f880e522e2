import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Files, ReconcileReport, StoredFile, SweepReport } from 'filefield';
import { expectNoOrphans, type FailingStorage } from 'filefield/testing';
import type { DatabaseName } from '../support/databases.js';

/** A row with files. Deleting its wing deletes it by a cascade of the database. */
export interface ExhibitRow {
  id: number;
  slug: string;
  room: string;
  file: StoredFile | null;
  /** May belong to several rows. */
  shared: StoredFile | null;
  /** Is copied when it is assigned to another row. */
  copied: StoredFile | null;
  /** A PNG or JPEG of at most 10 KB. */
  image: StoredFile | null;
  wing: WingRow | null;
}

export interface WingRow {
  id: number;
}

export type NewExhibit = Partial<Omit<ExhibitRow, 'id'>> & { readonly slug: string };

/** Work with one ORM, inside or outside a transaction. */
export interface Unit {
  insert(values: NewExhibit): Promise<ExhibitRow>;
  save(row: ExhibitRow): Promise<void>;
  find(slug: string): Promise<ExhibitRow | null>;
  remove(row: ExhibitRow): Promise<void>;
  transaction<Result>(work: (unit: Unit) => Promise<Result>): Promise<Result>;
}

/** One ORM on one database, with the bytes in a folder: where accidents are replayed. */
export interface Hall {
  readonly database: DatabaseName;
  readonly files: Files;
  readonly Exhibit: new () => ExhibitRow;
  readonly storage: FailingStorage;
  /** The folder of the storage. */
  readonly folder: string;
  /** A new unit, as each request would have. */
  unit(): Unit;
  /** The ORM's own bulk delete, which loads no rows. */
  bulkDelete(where: { readonly room: string }): Promise<unknown>;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** The tables of the entities, each before those that its rows refer to. */
const tables = ['loan', 'exhibit', 'wing'];

/** What the accidents do again and again in a hall. */
export class Replay {
  constructor(private readonly current: () => Hall) {}

  get hall(): Hall {
    return this.current();
  }

  get files(): Files {
    return this.hall.files;
  }

  stage(text: string, field: 'file' | 'shared' | 'copied' = 'file', name = 'photo.txt'): Promise<StoredFile> {
    return this.files.stage(this.hall.Exhibit, field, text, { name });
  }

  async insert(slug: string, text: string, values: Partial<NewExhibit> = {}): Promise<ExhibitRow> {
    return this.hall.unit().insert({ slug, ...values, file: await this.stage(text) });
  }

  async textOf(slug: string, field: 'file' | 'shared' | 'copied' = 'file'): Promise<string | undefined> {
    return (await this.hall.unit().find(slug))?.[field]?.text();
  }

  /** The contents of all files in the folder of the storage, unfinished ones included; not the markers of the ledger. */
  async onDisk(): Promise<string[]> {
    const entries = await readdir(this.hall.folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes('filefield-fence'));
    return (await Promise.all(files.map((file) => readFile(path.join(file.parentPath, file.name), 'utf8')))).sort();
  }

  /** Ends every lease and every grace, and sweeps. */
  async sweep(): Promise<SweepReport> {
    await this.hall.query(`UPDATE file_ledger SET lease_until = 1 WHERE state = 'pending'`);
    await this.hall.query(`UPDATE file_ledger SET not_before = 1 WHERE state = 'released'`);
    await delay(5);
    return this.files.sweep();
  }

  /** Reconciles everything, page by page, and sweeps. Returns the first page, which has all entries of the ledger here. */
  async repair(): Promise<ReconcileReport> {
    const first = await this.files.reconcile({ repair: true });
    for (let { next } = first; next; { next } = await this.files.reconcile({ repair: true, from: next }));
    await this.sweep();
    return first;
  }

  /** Deletes all rows behind the ORM's back. Nothing may stay on disk, whatever an accident has left. */
  async leave(): Promise<void> {
    await expectNoOrphans(this.files);
    for (const table of tables) await this.hall.query(`DELETE FROM ${table}`);
    await this.repair();
    expect(await this.onDisk()).toEqual([]);
  }
}
