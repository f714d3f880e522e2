import { randomUUID } from 'node:crypto';
import { FileFieldError, isFileFieldError } from '../errors.js';
import type { FileEvents } from '../events.js';
import { wasAborted } from '../file/abortable.js';
import type { FileDescriptor } from '../file/descriptor.js';
import type { EntityRef } from '../file/entity.js';
import { cleanName, mendName } from '../file/name.js';
import { isOwnName } from '../file/own-name.js';
import type { StorageRegistry } from '../file/registry.js';
import type { Storage } from '../file/storage.js';
import { claim, recordAdopted, takenObjects, unclaim, withdrawAdopted } from '../ledger/adoption.js';
import type { LedgerConnection } from '../ledger/connection.js';
import { ownerKey } from '../ledger/file-reference.js';
import type { Ledger } from '../ledger/ledger.js';
import { fillRows, unchangedColumns } from '../ledger/relocation.js';
import { invalidOption, wholeNumber } from '../options.js';
import type { AdoptOptions, AdoptReport } from './adopt-report.js';
import { placesOf, type Place } from './adopt-source.js';
import { emptyRows } from './empty-rows.js';
import type { Entities, KeyedRow } from './entities.js';
import { examine } from './examine.js';
import type { FileField } from './field.js';

/** What an adoption works with. */
export interface AdoptContext {
  readonly storages: StorageRegistry;
  readonly ledger: Ledger;
  readonly entities: Entities;
  readonly events: FileEvents;
}

/** A row and the object that it is to have. */
interface Candidate {
  readonly row: KeyedRow;
  /** The primary key as the ledger has it. */
  readonly pk: string;
  readonly key: string;
}

interface Found extends Candidate {
  readonly descriptor: FileDescriptor;
}

type Writable<Report> = {
  -readonly [Member in keyof Report]: Report[Member] extends readonly (infer One)[] ? One[] : Report[Member];
};

/**
 * Gives rows without a file the objects to which a column of their own leads. Objects are examined outside of a transaction;
 * then one transaction per batch looks at the rows again, and writes rows and ledger entries. Where all share one connection
 * (TypeORM on SQLite), a transaction would take in the writes of others; there each statement is a condition, and a crash
 * leaves at most an entry without a row, with which the next adoption goes on, or an object that no sweep deletes.
 */
export async function adoptFiles<Entity extends object>(
  context: AdoptContext,
  entity: EntityRef<Entity>,
  property: string,
  options: AdoptOptions<Entity>,
): Promise<AdoptReport> {
  const field = context.entities.fileField(entity, property);
  if (!context.ledger.recorded) {
    throw new FileFieldError(
      'unsupported',
      'Objects are adopted by the ledger: attach the files without "ledger: false".',
    );
  }
  return new Adoption(context, field, entity, options as AdoptOptions<object>).run();
}

class Adoption {
  readonly #report: Writable<AdoptReport> = {
    adopted: 0,
    bytes: 0,
    changed: 0,
    skipped: 0,
    missing: [],
    shared: [],
    odd: [],
    failed: [],
  };
  readonly #progress = { files: 0, bytes: 0, totalFiles: 0 };
  readonly #batch: number;
  readonly #concurrency: number;
  readonly #name: string;
  readonly #storage: Storage;
  /** The names under which the ledger may have an object of the storage. */
  readonly #names: readonly string[];
  /** The keys of a dry run, which leaves nothing in the ledger. */
  readonly #seen = new Set<string>();
  #placeOf!: (row: object) => Place;
  #unchanged = '';
  #admitted = false;

  constructor(
    private readonly context: AdoptContext,
    private readonly field: FileField,
    private readonly entity: EntityRef,
    private readonly options: AdoptOptions<object>,
  ) {
    const { storages } = context;
    this.#batch = wholeNumber('batch', options.batch ?? 200, { from: 1, to: 500 });
    this.#concurrency = wholeNumber('concurrency', options.concurrency ?? 4, { from: 1, to: 100 });
    const name = options.storage ?? field.options.storage;
    if (typeof name !== 'string') {
      throw invalidOption(`${field.entity}.${field.property} has several storages: name one in the option "storage".`);
    }
    this.#name = name;
    this.#storage = storages.resolve(name);
    this.#names = storages.everyName.filter((other) => isSamePlace(storages.resolve(other), this.#storage));
  }

  async run(): Promise<AdoptReport> {
    const { signal, dryRun = false } = this.options;
    const { ledger, entities } = this.context;
    const { reference } = this.field;
    this.#placeOf = await placesOf(this.options, this.#storage, this.#name);
    if (dryRun) await ledger.fence?.look(this.#name);
    this.#unchanged = await unchangedColumns(ledger.database, reference);
    const rows = emptyRows(ledger.database, this.field, this.#batch);
    this.#progress.totalFiles = await rows.count();
    for await (const keys of rows.pages()) {
      if (signal?.aborted) throw wasAborted(signal);
      await this.#adopt(this.#candidates(await entities.rowsOf(this.entity, keys)));
      this.#progress.files += keys.length;
      this.options.onProgress?.({ ...this.#progress });
    }
    return this.#report;
  }

  /** The rows that have a key which a storage can have. */
  #candidates(rows: readonly KeyedRow[]): Candidate[] {
    return rows.flatMap((row) => {
      const place = this.#placeOf(row.entity);
      const pk = ownerKey(row.key);
      if (!place) this.#report.skipped += 1;
      else if ('reason' in place) this.#report.odd.push({ pk, key: place.given, reason: place.reason });
      else return [{ row, pk, key: place.key }];
      return [];
    });
  }

  async #adopt(candidates: readonly Candidate[]): Promise<void> {
    const free = await this.#free(candidates);
    const shared = candidates.filter((one) => !free.includes(one)).map(({ key }) => key);
    const found: Found[] = [];
    const waiting = free.values();
    let failure: { readonly error: unknown } | undefined;
    const worker = async () => {
      for (const candidate of waiting) {
        if (failure) return;
        try {
          const descriptor = await this.#examine(candidate);
          if (descriptor) found.push({ ...candidate, descriptor });
        } catch (error) {
          failure ??= { error };
        }
      }
    };
    await Promise.all(Array.from({ length: this.#concurrency }, worker));
    if (failure) throw failure.error;
    if (found.length > 0) await this.#write(found, new Set(shared));
  }

  /** Those whose object no other row has; the report tells of the others, and no sweep deletes their objects any more. */
  async #free(candidates: readonly Candidate[]): Promise<readonly Candidate[]> {
    const { database } = this.context.ledger;
    const { dryRun = false } = this.options;
    const keys = [...new Set(candidates.map(({ key }) => key))];
    const taken = await takenObjects(database, this.#names, this.field.reference, keys);
    const seen = dryRun ? this.#seen : new Set<string>();
    const shared: string[] = [];
    const free = candidates.filter(({ pk, key }) => {
      const entry = taken.get(key);
      if (entry?.pk === pk) {
        if (!entry.isBegun) this.#report.changed += 1;
        return entry.isBegun;
      }
      const isFree = entry ? !entry.inTrash && this.#isShared : this.#isShared || !seen.has(key);
      seen.add(key);
      if (isFree) return true;
      shared.push(key);
      const row = { pk, key };
      if (entry?.inTrash) this.#report.odd.push({ ...row, reason: inTrash });
      else this.#report.shared.push(row);
      return false;
    });
    if (!dryRun) await unclaim(database, this.#names, shared);
    return free;
  }

  /** Resolves to undefined if the object cannot be adopted; the report says why. */
  async #examine({ row, pk, key }: Candidate): Promise<FileDescriptor | undefined> {
    const { hash = true, dryRun = false, signal } = this.options;
    const given = this.options.name?.(row.entity) ?? undefined;
    const last = key.slice(key.lastIndexOf('/') + 1);
    const name = cleanName(given === undefined ? last : mendName(given)) ?? cleanName(last) ?? 'file';
    try {
      if (!(await isOwnName(this.#storage, key))) {
        this.#report.odd.push({ pk, key, reason: secondName });
        return undefined;
      }
      const facts = await examine(this.#storage, key, { name, hash: hash && !dryRun, signal });
      return { v: 1, id: randomUUID(), storage: this.#name, key, name, ...facts };
    } catch (error) {
      if (isFileFieldError(error, 'not_found')) this.#report.missing.push({ pk, key });
      else if (isFileFieldError(error, 'storage_failed') || isFileFieldError(error, 'incomplete')) {
        this.#report.failed.push({ pk, key, reason: error.message });
      } else throw error;
      return undefined;
    }
  }

  async #write(found: readonly Found[], shared: ReadonlySet<string>): Promise<void> {
    const { ledger, entities, events } = this.context;
    const { dryRun = false } = this.options;
    if (!dryRun) await ledger.fence?.enter(this.#name, false);
    if (!this.#admitted) {
      if (!dryRun) await ledger.fence?.confirm(this.#name);
      await ledger.fence?.lookForOthers(this.#name);
    }
    this.#admitted = true;
    if (dryRun) return found.forEach((one) => this.#count(one));
    const identity = await ledger.identity();
    const keys = found.map(({ row }) => row.key);
    const write = async (rows: readonly KeyedRow[], connection: LedgerConnection) => {
      const ends = await this.#bind(connection, found, rows);
      const adopted = ends.flatMap(([one, end]) => (typeof end === 'object' && !shared.has(one.key) ? [end.id] : []));
      await claim(connection, adopted, identity);
      return ends;
    };
    const ends = ledger.database.transaction
      ? await entities.changeRows(this.entity, keys, write)
      : await write(await entities.rowsOf(this.entity, keys), ledger.database);
    for (const [one, end] of ends) {
      if (end === 'changed') this.#report.changed += 1;
      else if (end === 'shared') this.#report.shared.push({ pk: one.pk, key: one.key });
      else {
        this.#count(one);
        const { owner, slot } = this.field.reference;
        events.emit('bound', { id: end.id, storage: this.#name, key: one.key, owner, pk: one.pk, slot });
      }
    }
  }

  /** `rows`: those of `found` that still exist, as they are now. */
  async #bind(connection: LedgerConnection, found: readonly Found[], rows: readonly KeyedRow[]) {
    const { reference } = this.field;
    const current = new Map(rows.map((row) => [ownerKey(row.key), this.#placeOf(row.entity)]));
    const isSame = ({ pk, key }: Found) => {
      const place = current.get(pk);
      return place !== undefined && 'key' in place && place.key === key;
    };
    const same = found.filter(isSame);
    const recorded = await recordAdopted(connection, reference, same);
    const fresh = same.filter(({ descriptor }) => recorded.has(descriptor.id));
    const isFilled = await this.#fill(connection, fresh);
    const ends: (readonly [Found, End])[] = [];
    for (const one of found) {
      if (!isSame(one)) ends.push([one, 'changed']);
      else if (!recorded.has(one.descriptor.id)) ends.push([one, await this.#bindTaken(connection, one)]);
      else if (isFilled || (await this.#fill(connection, [one]))) ends.push([one, one.descriptor]);
      else {
        await withdrawAdopted(connection, reference, one.row.key, one.descriptor.id);
        ends.push([one, 'changed']);
      }
    }
    return ends;
  }

  /** Writes the cells of all of these rows, or of none. */
  #fill(connection: LedgerConnection, found: readonly Found[]): Promise<boolean> {
    const rows = found.map(({ row, descriptor }) => ({ key: row.key, file: descriptor }));
    return fillRows(connection, this.field.reference, rows, this.#unchanged);
  }

  /** The ledger has the object already. */
  async #bindTaken(connection: LedgerConnection, one: Found): Promise<End> {
    const { reference } = this.field;
    const { pk, key, descriptor } = one;
    const entry = (await takenObjects(connection, this.#names, reference, [key])).get(key);
    const isOfRow = entry?.pk === pk;
    if (!entry || (!isOfRow && (!this.#isShared || entry.inTrash))) {
      await unclaim(connection, this.#names, [key]);
      return 'shared';
    }
    if (isOfRow && !entry.isBegun) return 'changed';
    const file = { ...descriptor, id: entry.id };
    if (!(await this.#fill(connection, [{ ...one, descriptor: file }]))) return 'changed';
    if (!isOfRow) await this.context.ledger.bind(connection, { ...reference, pk }, file, { copies: 'share' });
    return file;
  }

  #count({ descriptor }: Found): void {
    this.#report.adopted += 1;
    this.#report.bytes += descriptor.size;
    this.#progress.bytes += descriptor.size;
  }

  get #isShared(): boolean {
    return this.field.options.copies === 'share';
  }
}

/** What has become of a row: the file that it has now, or why it has none. */
type End = FileDescriptor | 'changed' | 'shared';

const inTrash =
  'The object is in the trash, since its row was deleted: adopt again after the next sweep, which leaves it.';
const secondName =
  'The path leads to its file by a symbolic link or in other letters: give the folder with the file a storage of its own.';

function isSamePlace(one: Storage, other: Storage): boolean {
  return one === other || (one.root !== undefined && one.root === other.root);
}
