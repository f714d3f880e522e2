import type { IncomingMessage } from 'node:http';
import type { ColumnKind, EntityRef, FileFieldOf, ObjectFinder } from '../file/entity.js';
import { FileFieldError } from '../errors.js';
import type { FileEvents, FilesEvents } from '../events.js';
import type { LedgerConnection } from '../ledger/connection.js';
import type { Ledger } from '../ledger/ledger.js';
import { Reconciler, type ReconcileOptions, type ReconcileReport } from '../ledger/reconciler.js';
import { References } from '../ledger/references.js';
import { Sweeper, type SweepOptions, type SweepReport } from '../ledger/sweeper.js';
import type { StorageRegistry } from '../file/registry.js';
import { StoredFile, type StoredFileContext } from '../file/stored-file.js';
import { toUpload, type UploadSource } from '../file/upload.js';
import { duration, wholeNumber, type Duration } from '../options.js';
import { Copies } from './copies.js';
import { checkField, type FileField } from './field.js';
import { receiveForm, type Received, type ReceiveOptions } from './receive.js';
import { recordDeletes, type DeletedRows } from './slots.js';
import { settleAll } from './stage-all.js';
import { stageUpload, type StageOptions } from './stage.js';

/** What one ORM knows that the other must be asked for differently. */
export interface EntityPort extends Omit<ObjectFinder, 'checkFileField'> {
  readonly fields: readonly FileField[];
  /** Throws `invalid_option` when the entity has no such file field. */
  fileField(entity: EntityRef, property: string): FileField;
  /** Deletes the rows in one transaction, and tells of them in it. Resolves to their number. */
  deleteRows(entity: EntityRef, where: Readonly<Record<string, unknown>>, deleted: OnDeleted): Promise<number>;
}

export type OnDeleted = (transaction: LedgerConnection, rows: DeletedRows) => Promise<void>;

export interface StageInfo extends StageOptions {
  /**
   * The name people will see.
   * @default that of the source, else "file"
   */
  readonly name?: string;
}

export interface StageAllOptions extends StageOptions {
  /**
   * Uploads at one time.
   * @default 4
   */
  readonly concurrency?: number;
}

const maximumReceived = 100 * 2 ** 20;

/**
 * The file fields of one data source and their storages: what `attachFiles` gives. Stage a file, assign it, save the
 * row; the rest follows the row.
 */
export class Files implements ObjectFinder {
  readonly #sweeper: Sweeper;
  readonly #reconciler: Reconciler;
  readonly #context: StoredFileContext;
  /** For the ORM packages. */
  readonly copies: Copies;

  /** For the ORM packages; users call `attachFiles`. */
  constructor(
    readonly storages: StorageRegistry,
    readonly ledger: Ledger,
    private readonly entities: EntityPort,
    private readonly events: FileEvents,
  ) {
    for (const field of entities.fields) checkField(field, storages);
    const references = new References(entities.fields.map((field) => field.reference));
    this.#sweeper = new Sweeper(ledger.database, storages, references, events);
    this.#reconciler = new Reconciler(ledger, storages, references, events);
    this.#context = { storages, onMissing: (file, cause) => events.emit('missing', { file, cause }) };
    this.copies = new Copies(this.#staging, this.#context);
  }

  /** Makes stored files out of descriptors; the ORM's column uses it. */
  get context(): StoredFileContext {
    return this.#context;
  }

  /**
   * Stores bytes for a field, ahead of the row: assign what it resolves to and save. A staged file that no row takes
   * within the lease is swept. Rejects with `too_large`, `wrong_type` or `rejected` when the field's rules are broken,
   * and keeps nothing then. Costs one pass over the bytes and one INSERT; call it before you open a transaction.
   */
  async stage<Entity extends object>(
    entity: EntityRef<Entity>,
    field: FileFieldOf<Entity>,
    source: UploadSource,
    info: StageInfo = {},
  ): Promise<StoredFile> {
    const target = this.entities.fileField(entity, field);
    const upload = await toUpload(source, info.name);
    return new StoredFile(await stageUpload(this.#staging, target, upload, info), this.#context);
  }

  /**
   * Stages many files for the same field of as many rows, a few at a time, in the order of the sources. All or nothing:
   * when one is refused or fails, those that run are waited for, all are given up, and it rejects with the first error.
   * Sources that were not begun by then are left unread.
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
    const { concurrency = 4, ...info } = options;
    wholeNumber('concurrency', concurrency, { from: 1 });
    return settleAll(
      sources,
      concurrency,
      (source) => this.stage(entity, field, source, info),
      // Else its lease ends by itself.
      (file) => this.discard(file).catch((error: unknown) => this.events.emit('fault', error)),
    );
  }

  /**
   * Takes a multipart form whose file part is named like the field, straight into its storage: nothing is buffered and
   * every limit is an error. Resolves once the whole form has arrived; `file` is null when none was chosen. Rejects with
   * `limit_exceeded`, `malformed_upload`, `aborted` and what `stage` rejects with; nothing is kept then.
   */
  async receive<Entity extends object>(
    request: IncomingMessage,
    entity: EntityRef<Entity>,
    field: FileFieldOf<Entity>,
    options: ReceiveOptions = {},
  ): Promise<Received<StoredFile>> {
    const target = this.entities.fileField(entity, field);
    const maxSize = options.maxSize ?? maximumReceived;
    return receiveForm(
      request,
      target.property,
      async (upload, signal) => {
        const descriptor = await stageUpload(this.#staging, target, upload, { signal, maxSize });
        return new StoredFile(descriptor, this.#context);
      },
      (file) => this.discard(file),
      options,
    );
  }

  /**
   * Gives up a staged file that will not be saved after all, without waiting for its lease. Harmless when a row has it.
   */
  async discard(file: StoredFile): Promise<void> {
    await this.ledger.abandon(file.id);
  }

  /**
   * Deletes what nobody can reach any more: staged files whose lease ended, files that were replaced or whose row is
   * gone, after their grace. Run it from cron or a timer; any number may run at once.
   */
  async sweep(options: SweepOptions = {}): Promise<SweepReport> {
    if (!this.ledger.recorded) return { expired: 0, revived: 0, deleted: 0, failed: 0 };
    return this.#sweeper.sweep(options);
  }

  /**
   * Sweeps now and then until the returned function is called. The timer does not keep the process alive, one sweep ends
   * before the next begins, and a failure is a `fault` event.
   */
  sweepEvery(interval: Duration, options: SweepOptions = {}): () => void {
    const milliseconds = duration('interval', interval, { from: 1 });
    let timer: NodeJS.Timeout | undefined;
    let stopped = false;
    const wait = () => {
      if (!stopped) timer = setTimeout(run, milliseconds).unref();
    };
    const run = () => {
      this.sweep(options)
        .catch((error: unknown) => this.events.emit('fault', error))
        .finally(wait);
    };
    wait();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }

  /**
   * Looks for what the protocol cannot see: files whose row went by bulk SQL or a cascade, rows whose bytes are gone,
   * objects that nobody knows. Reports; mends and deletes only when told to. Goes in pieces: call it with `from: next`
   * until there is no `next`.
   */
  async reconcile(options: ReconcileOptions = {}): Promise<ReconcileReport> {
    return this.#reconciler.reconcile(options);
  }

  /**
   * Deletes all rows that match and lets go of their files, in one transaction of its own, 500 rows at a time. What
   * `repository.delete()` and `em.nativeDelete()` do to rows they have not loaded only triggers or a reconcile see; this
   * needs neither. Hooks and cascades of the ORM do not run. Throws `invalid_option` when the condition would match all.
   */
  async deleteMany<Entity extends object>(
    entity: EntityRef<Entity>,
    where: Readonly<Partial<Record<keyof Entity & string, unknown>>>,
  ): Promise<number> {
    const conditions: [string, unknown][] = Object.entries(where);
    if (conditions.length === 0 || conditions.some(([, value]) => value === undefined)) {
      throw new FileFieldError('invalid_option', 'deleteMany() needs a condition, and none that is undefined.');
    }
    return this.entities.deleteRows(entity, Object.fromEntries(conditions), (transaction, rows) =>
      recordDeletes(this.ledger, transaction, rows),
    );
  }

  on<Event extends keyof FilesEvents>(event: Event, listener: (...values: FilesEvents[Event]) => void): this {
    this.events.on(event, listener);
    return this;
  }

  off<Event extends keyof FilesEvents>(event: Event, listener: (...values: FilesEvents[Event]) => void): this {
    this.events.off(event, listener);
    return this;
  }

  findObject<Entity extends object>(
    entity: EntityRef<Entity>,
    where: Readonly<Record<string, unknown>>,
    relations?: readonly string[],
    scope?: Readonly<Record<string, unknown>>,
  ): Promise<Entity | null> {
    return this.entities.findObject(entity, where, relations, scope);
  }

  columnKind(entity: EntityRef, property: string): ColumnKind {
    return this.entities.columnKind(entity, property);
  }

  primaryKey(entity: EntityRef): string {
    return this.entities.primaryKey(entity);
  }

  checkFileField(entity: EntityRef, property: string): void {
    this.entities.fileField(entity, property);
  }

  get #staging() {
    return { storages: this.storages, ledger: this.ledger, events: this.events };
  }
}
