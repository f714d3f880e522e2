import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isFileFieldError, type FileFieldErrorCode, type Files, type StoredFile, type SweepReport } from 'filefield';
import type { CountingStorage } from '../../support/counting-storage.js';

/** The owner of a document: a relation that every ORM under test maps. */
export interface OwnerRow {
  id: number;
  name: string;
  tenant: string;
}

/** The entity that every ORM under test maps: two file fields, a unique slug, a generated integer key, a relation. */
export interface DocumentRow {
  id: number;
  slug: string;
  title: string;
  file: StoredFile | null;
  cover: StoredFile | null;
  owner: OwnerRow | null;
}

export interface NewDocument {
  readonly slug: string;
  readonly title?: string;
  /** Saved with the document. */
  readonly owner?: Omit<OwnerRow, 'id'>;
  readonly file?: StoredFile | null;
  readonly cover?: StoredFile | null;
}

/** Work with one ORM, inside or outside a transaction. */
export interface Unit {
  insert(values: NewDocument): Promise<DocumentRow>;
  /** Writes the changes made to rows that this unit loaded or inserted. */
  save(row: DocumentRow): Promise<void>;
  find(slug: string): Promise<DocumentRow | null>;
  remove(row: DocumentRow): Promise<void>;
  /** A transaction; within one, a savepoint. */
  transaction<Result>(work: (unit: Unit) => Promise<Result>): Promise<Result>;
}

export interface OrmHarness {
  readonly files: Files;
  readonly Document: new () => DocumentRow;
  readonly documents: CountingStorage;
  readonly covers: CountingStorage;
  /** A new unit, as each request would have. */
  unit(): Unit;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** How many UPDATE statements on documents the ORM has sent. */
  updates(): number;
  /** The number of rows whose file column is null, found through the ORM's own condition. */
  countWithoutFile(): Promise<number>;
  /** The ORM's own operator for "one of these values". */
  isIn(values: readonly string[]): unknown;
  /** The ORM's own operator for "null". */
  isNull(): unknown;
  close(): Promise<void>;
}

/** Lease and grace of the suite, in milliseconds: short, so that a test can wait until they end. */
export const times = { lease: 400, grace: 0 } as const;

/** Expects that the work rejects with an error of this library that has the code. */
export async function expectCode(work: Promise<unknown>, code: FileFieldErrorCode): Promise<void> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  // An ORM may wrap an error that a hook threw.
  const unwrapped = isFileFieldError(error) ? error : (error as { cause?: unknown } | undefined)?.cause;
  // A trigger refuses before a hook can, with a message that begins with the code.
  if (String(unwrapped ?? error).includes(`${code}: the file ledger`)) return;
  expect(isFileFieldError(unwrapped) ? unwrapped.code : error).toBe(code);
}

/** The harness of one suite, and helpers for its claims. */
export class OrmContext {
  constructor(private readonly current: () => OrmHarness) {}

  get harness(): OrmHarness {
    return this.current();
  }

  get files(): Files {
    return this.harness.files;
  }

  stage(content: string, name = 'note.txt'): Promise<StoredFile> {
    return this.files.stage(this.harness.Document, 'file', content, { name });
  }

  stageCover(content: string): Promise<StoredFile> {
    return this.files.stage(this.harness.Document, 'cover', content, { name: 'cover.txt' });
  }

  async inserted(slug: string, content: string): Promise<DocumentRow> {
    return this.harness.unit().insert({ slug, file: await this.stage(content) });
  }

  async textOf(slug: string): Promise<string | undefined> {
    return (await this.harness.unit().find(slug))?.file?.text();
  }

  /** Waits until every current lease has ended, then sweeps. */
  async sweepAll(): Promise<SweepReport> {
    await delay(times.lease + 50);
    return this.files.sweep();
  }

  /** The number of stored documents with exactly this text. */
  async countStored(contents: string): Promise<number> {
    const { documents } = this.harness;
    const all = await Promise.all(documents.keys.map(async (key) => (await documents.textOf(key)) === contents));
    return all.filter(Boolean).length;
  }
}

/** Every committed reference resolves to the right bytes; every object is referenced or scheduled for deletion. */
export async function expectInvariants({ query, documents, covers, unit }: OrmHarness): Promise<void> {
  const ledger = await query('SELECT storage, object_key AS object_key, state FROM file_ledger');
  const trash = await query('SELECT storage, object_key AS object_key FROM file_trash');
  const known = new Set([...ledger, ...trash].map((row) => `${String(row.storage)}:${String(row.object_key)}`));
  const objects = [...documents.keys.map((key) => `documents:${key}`), ...covers.keys.map((key) => `covers:${key}`)];
  expect(objects.filter((object) => !known.has(object))).toEqual([]);

  const referenced = new Set<string>();
  for (const { slug } of await query('SELECT slug FROM contract_document')) {
    const row = await unit().find(String(slug));
    for (const file of [row?.file, row?.cover]) {
      if (!file) continue;
      expect(
        createHash('sha256')
          .update(await file.bytes())
          .digest('hex'),
      ).toBe(file.sha256);
      referenced.add(`${file.toDescriptor().storage}:${file.toDescriptor().key}`);
    }
  }
  const live = ledger
    .filter((row) => row.state === 'live')
    .map((row) => `${String(row.storage)}:${String(row.object_key)}`);
  expect(new Set(live)).toEqual(referenced);
}
