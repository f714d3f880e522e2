import { FileFieldError } from '../errors.js';
import type { FileEvents, FilesEvents } from '../events.js';
import type { EntityRef, FileFieldOf } from '../file/entity.js';
import type { StorageRegistry } from '../file/registry.js';
import { StoredFile, type StoredFileContext } from '../file/stored-file.js';
import type { Ledger } from '../ledger/ledger.js';
import { Reconciler, type ReconcileOptions, type ReconcileReport } from '../ledger/reconcile.js';
import { References } from '../ledger/references.js';
import { ledgerStatus, type LedgerStatus, type StatusOptions } from '../ledger/status.js';
import { Sweeper, type ForgetOptions, type SweepOptions, type SweepReport } from '../ledger/sweep.js';
import type { SigningKey } from '../keys.js';
import { duration, type Duration } from '../options.js';
import { Copies } from './copies.js';
import { deleteMatching, isRestrictive, type Conditions, type RowConditions } from './delete-many.js';
import type { Entities } from './entities.js';
import { checkField, type FileField } from './field.js';
import { BulkFiles } from './bulk-files.js';
import type { Upload } from '../file/upload.js';
import { receiver, type Receive } from './forms/receive.js';
import { repeat } from './repeat.js';
import { stageAll, type StageAllOptions } from './stage-all.js';
import { stageUpload, type StageContext, type StageOptions, type StagingOptions } from './stage.js';
import { Tickets, type TicketOptions } from './tickets.js';
import { toUpload, type UploadSource } from './upload-source.js';

/** What a `Files` works with. */
export interface FilesParts {
  readonly storages: StorageRegistry;
  readonly ledger: Ledger;
  readonly entities: Entities;
  readonly events: FileEvents;
  readonly ticketKeys?: readonly SigningKey[];
}

/**
 * The file fields of one data source and their storages; `attachFiles` resolves to it. Stage a file, assign it to the field,
 * save the row: the file then shares the fate of the row.
 */
export class Files extends BulkFiles {
  /** The storages by name. */
  readonly storages: StorageRegistry;
  /** Receives the files of a form. */
  readonly receive: Receive;
  /** Columns, as `table.column`, that were not protected by `protectFiles` when the files were attached. */
  readonly unprotected: readonly string[] = [];
  /** @internal */
  readonly ledger: Ledger;
  /** Makes stored files out of descriptors; the ORM's column uses it. @internal */
  readonly context: StoredFileContext;
  /** @internal */
  readonly copies: Copies;
  readonly #entities: Entities;
  readonly #events: FileEvents;
  readonly #references: References;
  readonly #sweeper: Sweeper;
  readonly #reconciler: Reconciler;
  readonly #tickets: Tickets;
  #protection: 'warn' | 'off' = 'warn';

  /** @internal */
  constructor({ storages, ledger, entities, events, ticketKeys }: FilesParts) {
    const references = new References(entities.fields.map((field) => field.reference));
    super({ storages, ledger, entities, events, references });
    for (const field of entities.fields) checkField(field, storages);
    this.#references = references;
    this.storages = storages;
    this.ledger = ledger;
    this.#entities = entities;
    this.#events = events;
    this.#sweeper = new Sweeper(ledger, storages, this.#references, events);
    this.#reconciler = new Reconciler(ledger, storages, this.#references, events);
    this.context = { storages, onMissing: (file, cause) => events.emit('missing', { file, cause }) };
    this.copies = new Copies(this.#staging, this.context);
    this.#tickets = new Tickets(ledger, entities.fields, ticketKeys);
    this.receive = receiver((entity, property) => entities.fileField(entity, property), {
      keep: (field, upload, options) => this.#keep(() => field, upload, options),
      discard: (file) => this.#giveUp(file),
    });
  }

  /** @internal */
  noteUnprotected(columns: readonly string[], protection: 'warn' | 'off'): void {
    Object.assign(this, { unprotected: columns });
    this.#protection = protection;
    if (columns.length > 0) this.#events.emit('unprotected', { columns });
  }

  /**
   * Stores bytes for a field before the row is saved: assign the result to the field, then save. A staged file that no
   * row has when its lease ends is deleted by a sweep. Costs one pass over the bytes and one INSERT. Call it before you
   * open a transaction, so that no row is locked while the bytes travel.
   *
   * The source is read once and closed in any case, whatever fails: a stream is destroyed or cancelled, a generator ended, a
   * file with `temporary` deleted. Give it as soon as you have it: from then on an error of a stream ends no process.
   *
   * @throws `too_large`, `wrong_type` or `rejected` if a rule of the field refuses the upload; `invalid_value` for a source of
   * which bytes may be missing, such as a stream that was read before; `incomplete` for one that has other bytes than it
   * promised; `aborted`; and the source's own error if it fails. Nothing is kept then.
   *
   * @example
   * ```ts
   * import type { Files, StoredFile } from 'filefield';
   *
   * declare const files: Files;
   * declare class Document { file: StoredFile | null }
   * const file = await files.stage(Document, 'file', { path: 'invoices/2026-11.pdf' });
   * ```
   */
  async stage<Entity extends object>(
    entity: EntityRef<Entity>,
    field: FileFieldOf<Entity>,
    source: UploadSource,
    options: StageOptions = {},
  ): Promise<StoredFile> {
    const { name, ...staging } = options;
    const upload = await toUpload(source, name, { opens: true });
    return this.#keep(() => this.#entities.fileField(entity, field), upload, staging);
  }

  /**
   * Stages one file per source for the same field of as many rows, in the order of the sources. All or nothing: when one
   * fails, uploads under way are waited for, all are discarded, and it rejects with the first error. Sources that were not
   * begun by then are not read, but closed. Nothing is stored if one of the sources cannot be used.
   *
   * @example
   * ```ts
   * import type { Files, StoredFile } from 'filefield';
   *
   * declare const files: Files;
   * declare class Photo { image: StoredFile | null }
   * const images = await files.stageAll(Photo, 'image', [{ path: 'a.png' }, { path: 'b.png' }]);
   * ```
   */
  async stageAll<Entity extends object>(
    entity: EntityRef<Entity>,
    field: FileFieldOf<Entity>,
    sources: readonly UploadSource[],
    options: StageAllOptions = {},
  ): Promise<StoredFile[]> {
    const fieldOf = () => this.#entities.fileField(entity, field);
    const keep = (upload: Upload, staging: StagingOptions) => this.#keep(fieldOf, upload, staging);
    return stageAll(sources, { keep, discard: (file) => this.#giveUp(file), onFault: this.#fault }, options);
  }

  /**
   * A text that stands for a staged file until its lease ends: a client can upload the file now and send the form later. It
   * tells nothing of the storage. Renews the lease; needs `ticketKeys` of `attachFiles`.
   *
   * @throws `already_bound` if a row has the file; `staged_expired`.
   *
   * @example
   * ```ts
   * import type { Files, StoredFile } from 'filefield';
   *
   * declare const files: Files, file: StoredFile, user: { id: number };
   * declare class Document { file: StoredFile | null }
   * const ticket = await files.ticket(file, { for: String(user.id) }); // the answer to the upload
   * const redeemed = await files.redeem(Document, 'file', ticket, { for: String(user.id) }); // when the form is sent
   * ```
   */
  async ticket(file: StoredFile, options: TicketOptions): Promise<string> {
    return this.#tickets.issue(file, options);
  }

  /**
   * The staged file that a ticket stands for, as often as it is asked for until a row has it. All rules of the field are
   * applied again if it was staged for another one.
   *
   * @throws `forbidden` (403) for a ticket that was changed or made for somebody else; `staged_expired`, `already_bound`.
   */
  async redeem<Entity extends object>(
    entity: EntityRef<Entity>,
    field: FileFieldOf<Entity>,
    ticket: string,
    options: TicketOptions,
  ): Promise<StoredFile> {
    const target = this.#entities.fileField(entity, field);
    return this.#tickets.redeem(ticket, target, this.#contextOf(target), options);
  }

  /**
   * Lets the next sweep delete a staged file that will not be saved, instead of when its lease ends. Does nothing to a file
   * that a row has.
   */
  async discard(file: StoredFile): Promise<void> {
    await this.ledger.abandon(file.id);
  }

  /**
   * Deletes the bytes of a file now, as a person may demand, instead of after the grace: delete its row, or set its field to
   * null, then erase it. Does nothing if the bytes are gone already.
   *
   * @throws `in_use` if a row may still have the file; `contested` or `wrong_storage` if the storage is not surely the one of
   * this database; the storage's own error if it fails: then a sweep deletes the bytes later.
   *
   * @example
   * ```ts
   * import type { Files, StoredFile } from 'filefield';
   *
   * declare const files: Files;
   * declare const contacts: { remove(row: object): Promise<unknown> };
   * declare const contact: { file: StoredFile };
   * const { file } = contact;
   * await contacts.remove(contact);
   * await files.erase(file);
   * ```
   */
  async erase(file: StoredFile): Promise<void> {
    const { id, storage, key } = file.toDescriptor();
    return this.#sweeper.erase({ id, storage, key });
  }

  /**
   * Deletes bytes that no row refers to: staged files whose lease has ended, and files that were released, once their grace is
   * over. Run it from cron or with `sweepEvery`; any number of processes may sweep at once.
   */
  async sweep(options: SweepOptions = {}): Promise<SweepReport> {
    return this.#sweeper.sweep(options);
  }

  /**
   * Sweeps regularly, for the first time after one interval. The timer does not keep the process alive, one sweep ends
   * before the next begins, and a failure is a `fault` event. Call the returned function to stop: it resolves once a sweep
   * that is under way has ended, so that the database can be closed.
   *
   * @throws `invalid_option` for an interval that is not a duration above 0.
   *
   * @example
   * ```ts
   * import type { Files } from 'filefield';
   *
   * declare const files: Files;
   * const stop = files.sweepEvery('5m');
   * await stop(); // when the application ends, before its database is closed; the README has the rest
   * ```
   */
  sweepEvery(interval: Duration, options: SweepOptions = {}): () => Promise<void> {
    const milliseconds = duration('interval', interval, { from: 1 });
    return repeat(milliseconds, () => this.sweep(options).catch((error: unknown) => this.#events.emit('fault', error)));
  }

  /**
   * Finds files whose row was deleted by bulk SQL or a cascade, rows whose bytes are gone, and objects that the ledger does
   * not know. It only reports, unless `repair` or `deleteUnknown` is set. Call it with `from: next` until there is none.
   */
  async reconcile(options: ReconcileOptions = {}): Promise<ReconcileReport> {
    return this.#reconciler.reconcile(options);
  }

  /** What waits, and whether storages and database are as they should be. Reads the whole ledger; changes nothing. */
  async status(options?: StatusOptions): Promise<LedgerStatus> {
    return ledgerStatus(this.ledger, this.storages, this.#references, { ...options, protection: this.#protection });
  }

  /**
   * Deletes the files of a column that is not in the database any more, after the grace: a reconcile reports them as foreign
   * for ever, since nobody sees their rows. `column` is `table.column` as the ledger has it, which the reconcile's events and
   * `filefield status` show. Resolves to the number of files.
   *
   * @throws `in_use` while the column exists, or may exist and is not seen.
   */
  async forget(column: string, options: ForgetOptions = {}): Promise<number> {
    return this.#sweeper.forget(column, options);
  }

  /**
   * Deletes all rows that match and releases their files, in a transaction of its own, 500 rows at a time. Resolves to their
   * number. `repository.delete()` and `em.nativeDelete()` need triggers or a reconcile. The ORM's hooks and cascades do not run.
   *
   * @throws `invalid_option` if there is no condition, or if one is empty or undefined, at any depth, or null below the
   * first level: such a condition could match rows that were not meant.
   */
  async deleteMany<Entity extends object>(entity: EntityRef<Entity>, where: RowConditions<Entity>): Promise<number> {
    const conditions = { ...(where as Conditions) };
    if (!isRestrictive(conditions)) {
      throw new FileFieldError('invalid_option', 'deleteMany() needs a condition, and every condition needs a value.');
    }
    return this.#entities.deleteRows(entity, conditions, (rows) => deleteMatching(this.ledger, rows));
  }

  /**
   * Calls a listener for every event of one kind. A listener that throws causes a `fault` and nothing else.
   *
   * @example
   * ```ts
   * import type { Files } from 'filefield';
   *
   * declare const files: Files;
   * files.on('missing', ({ file }) => console.error('bytes are missing', file.storage, file.key));
   * ```
   */
  on<Event extends keyof FilesEvents>(event: Event, listener: (...values: FilesEvents[Event]) => void): this {
    this.#events.on(event, listener);
    return this;
  }

  /** Removes a listener of `on`. */
  off<Event extends keyof FilesEvents>(event: Event, listener: (...values: FilesEvents[Event]) => void): this {
    this.#events.off(event, listener);
    return this;
  }

  async #keep(fieldOf: () => FileField, upload: Upload, options: StagingOptions): Promise<StoredFile> {
    try {
      const field = fieldOf();
      return StoredFile.of(await stageUpload(this.#staging, field, upload, options), this.#contextOf(field));
    } finally {
      await upload.close(this.#fault);
    }
  }

  /** Discards a file because of an error, which stays the one that is thrown. If it fails, the lease ends by itself. */
  async #giveUp(file: StoredFile): Promise<void> {
    await this.discard(file).catch(this.#fault);
  }

  readonly #fault = (error: unknown) => this.#events.emit('fault', error);

  #contextOf({ options }: FileField): StoredFileContext {
    return { ...this.context, acceptedBy: options };
  }

  get #staging(): StageContext {
    return { storages: this.storages, ledger: this.ledger, events: this.#events };
  }
}
