import { randomUUID } from 'node:crypto';
import { FileFieldError, isFileFieldError } from '../errors.js';
import type { FileEvents, ObjectName } from '../events.js';
import { abortable, hearing, unlessAborted, wasAborted } from '../file/abortable.js';
import { whole } from '../file/body.js';
import type { FileDescriptor } from '../file/descriptor.js';
import { makeKey } from '../file/key.js';
import type { StorageRegistry } from '../file/registry.js';
import type { ObjectInfo, Storage, WriteOptions } from '../file/storage.js';
import type { Upload } from '../file/upload.js';
import { contentDisposition } from '../http/disposition.js';
import type { LedgerConnection } from '../ledger/connection.js';
import type { Ledger } from '../ledger/ledger.js';
import { invalidOption, type ByteSize } from '../options.js';
import { refuse, type FileField } from './field.js';
import type { CheckedUpload, FileFieldOptions, StorageQuestion } from './field-options.js';
import { Measured } from './measure.js';
import type { RecognisedUpload, Refusal, Rule } from './rule.js';
import * as rules from './rules/index.js';
import { limitOf, tooLarge } from './rules/max-size.js';
import { headBytes, readHead } from './types/head.js';
import { recogniseType } from './types/recognise.js';
import { withCharset } from './types/text.js';

/** What staging works with. */
export interface StageContext {
  readonly storages: StorageRegistry;
  readonly ledger: Ledger;
  readonly events: FileEvents;
  /**
   * The connection on which intents are recorded.
   * @default the ledger's own connection, which commits at once
   */
  readonly intents?: LedgerConnection;
}

/** How one upload is staged. */
export interface StagingOptions {
  /** Ends the upload: it rejects with `aborted` at once, and what was stored is given up. */
  readonly signal?: AbortSignal | undefined;
  /** Largest file, where the field itself sets no limit. */
  readonly maxSize?: ByteSize | undefined;
  /** What the field's `storage.choose` gets, such as the tenant. */
  readonly context?: unknown;
}

/** How one file is staged. */
export interface StageOptions extends StagingOptions {
  /**
   * The name that people will see.
   * @default the name of the source, else "file"
   */
  readonly name?: string | undefined;
}

const allRules: readonly Rule[] = Object.values(rules);

/**
 * Stores an upload for a field and records it as staged. In this order: the rules that need only the name and the declared
 * size; the first bytes and the rules that need them; the intent; the bytes, in one pass; the rules that need all of them.
 * Whatever fails, nothing is kept; the caller closes the source. It rejects with the first failure; those of the clean-up
 * are `fault` events. An abort is not held up by a database or a storage that does not answer: the clean-up follows.
 */
export async function stageUpload(
  context: StageContext,
  field: FileField,
  upload: Upload,
  options: StagingOptions = {},
): Promise<FileDescriptor> {
  const { signal } = options;
  const staging = new Staging(context, field, upload, options);
  const work = staging.run();
  try {
    return await unlessAborted(work, signal);
  } catch (error) {
    // An abort may come after the last moment at which the work hears it.
    if (signal?.aborted) {
      void work.then(
        ({ id }) => staging.giveUp(id),
        () => undefined,
      );
    }
    throw error;
  }
}

/** One upload on its way into a storage. */
class Staging {
  readonly #options: FileFieldOptions;
  readonly #measured = new Measured();
  #began = 0;

  constructor(
    private readonly context: StageContext,
    private readonly field: FileField,
    private readonly upload: Upload,
    private readonly staging: StagingOptions,
  ) {
    const { options } = field;
    const { maxSize } = staging;
    this.#options = maxSize === undefined || options.maxSize !== undefined ? options : { ...options, maxSize };
  }

  async run(): Promise<FileDescriptor> {
    const { signal } = this.staging;
    if (signal?.aborted) throw wasAborted(signal);
    const declared = { name: this.upload.name ?? 'file', size: this.upload.size };
    for (const rule of allRules) this.#refuse(rule, rule.declared?.(declared, this.#options));
    const rest = this.#chunks();
    const { head, complete, chunks } = await readHead(rest, this.upload.size);
    const size = complete ? head.byteLength : this.upload.size;
    const type = await recogniseType({ head, name: declared.name, size, readAt: this.upload.readAt });
    // A check may keep it: not the 256 KiB of a container.
    const start = head.byteLength > headBytes ? Buffer.from(head.subarray(0, headBytes)) : head;
    const recognised = { ...declared, size, head: start, type };
    for (const rule of allRules) this.#refuse(rule, rule.recognised?.(recognised, this.#options));
    const body = this.#measured.body(chunks, rest, this.#check());
    return this.#store(recognised, hearing(body, this.staging.signal));
  }

  /** The bytes of the source: exactly as many as it promised, or an error. */
  #chunks(): AsyncIterator<Uint8Array> {
    const { size } = this.upload;
    const chunks = this.upload.open();
    return abortable(size === undefined ? chunks : whole(chunks, size), this.staging.signal)[Symbol.asyncIterator]();
  }

  #check(): (size: number) => void {
    const limit = limitOf(this.#options);
    const { signal } = this.staging;
    return (size) => {
      if (signal?.aborted) throw wasAborted(signal);
      if (limit !== undefined && size > limit) this.#refuse(rules.maxSize, tooLarge(limit));
    };
  }

  /** Records the intent, writes the bytes, and applies the rules that need all of them. */
  async #store(
    { name, type: recognised, head }: RecognisedUpload,
    body: AsyncIterable<Uint8Array>,
  ): Promise<FileDescriptor> {
    const storage = await this.#choose({ name, type: recognised, size: this.upload.size });
    this.#began = performance.now();
    await this.context.ledger.fence?.enter(storage, this.context.intents !== undefined);
    const object = await intend(this.context, this.field, storage);
    const release = this.context.ledger.keepAlive(object.id);
    let taken = false;
    try {
      await this.#write(object, { name, type: recognised }, body).catch((error: unknown) => {
        taken = isFileFieldError(error, 'already_exists');
        throw error;
      });
      const { size, sha256, crc32, isUtf8 } = this.#measured;
      const type = isUtf8 ? recognised : withCharset(recognised, 'unknown-8bit');
      const checked = { name, type, size, sha256, head };
      await this.#judge(checked);
      if (this.#isLate) await this.#secure(object);
      const stored: FileDescriptor = {
        v: 1,
        ...object,
        name,
        size,
        type,
        sha256,
        crc32,
        modified: new Date().toISOString(),
      };
      this.context.events.emit('stored', stored);
      return stored;
    } catch (error) {
      await this.giveUp(object.id, taken);
      throw error;
    } finally {
      release();
    }
  }

  async #choose(upload: Omit<StorageQuestion, 'context'>): Promise<string> {
    const { storage } = this.field.options;
    if (typeof storage === 'string') return storage;
    const { context, signal } = this.staging;
    const asked = Promise.resolve(storage.choose({ ...upload, context }));
    const chosen = await unlessAborted(asked, signal);
    if (storage.among.includes(chosen)) return chosen;
    const { entity, property } = this.field;
    throw invalidOption(
      `"choose" of ${entity}.${property} returned ${JSON.stringify(chosen)}, which is not in "among": ${storage.among.join(', ')}.`,
    );
  }

  async #judge(upload: CheckedUpload): Promise<void> {
    const { signal } = this.staging;
    for (const rule of allRules) {
      const refusal = rule.stored?.(upload, this.#options, signal);
      if (refusal) this.#refuse(rule, await unlessAborted(refusal, signal));
    }
  }

  async #write(
    { id, storage, key }: ObjectName,
    { name, type }: Pick<RecognisedUpload, 'name' | 'type'>,
    body: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { signal } = this.staging;
    const { size } = this.upload;
    // Whoever serves the object without a view must not let a browser run it.
    const disposition = contentDisposition('attachment', name);
    const options = { type, disposition, ...(size !== undefined && { size }), ...(signal && { signal }) };
    const written = await this.#keep(this.context.storages.resolve(storage), key, body, options).catch(
      async (error: unknown) => {
        // The storage can only report a source that failed as a failure of its own.
        if (this.#measured.failure) throw this.#measured.failure.error;
        // A sweep that ended the lease also deletes what is written so far, which the storage can only report as a failure.
        const swept = isStorageFailure(error) && this.#isLate && !(await this.#isLeased(id));
        throw swept ? leaseEnded(storage, key, error) : error;
      },
    );
    if (this.#measured.complete && written.size === this.#measured.size) return;
    throw new FileFieldError('storage_failed', 'The storage has not kept all bytes of the file.', { storage, key });
  }

  /** Lets the storage move the file if it can, and gives it the bytes otherwise. */
  async #keep(
    storage: Storage,
    key: string,
    body: AsyncIterable<Uint8Array>,
    options: WriteOptions,
  ): Promise<ObjectInfo> {
    const { movable } = this.upload;
    const measure = async () => {
      for await (const chunk of body) void chunk;
    };
    const taken = movable && (await storage.take?.(key, { ...movable, measure }, options));
    return taken ?? storage.write(key, body, options);
  }

  /**
   * Renews the lease once more, so that after a long upload the row has a full lease to be saved in. If a sweep was faster,
   * the object is deleted here: no sweep will come back for it.
   */
  async #secure({ id, storage, key }: ObjectName): Promise<void> {
    let failure: unknown;
    try {
      if (await this.context.ledger.renew(id)) return;
      failure = leaseEnded(storage, key);
    } catch (error) {
      failure = error;
    }
    await this.context.storages
      .resolve(storage)
      .delete(key)
      .catch((error: unknown) => this.context.events.emit('fault', error));
    throw failure;
  }

  /**
   * Ends the lease. The entry stays until the bytes are surely deleted: if this fails too, a sweep does it when the lease
   * ends. But a key that was taken names the bytes of another object, which no sweep may delete.
   */
  async giveUp(id: string, taken = false): Promise<void> {
    const { ledger, events, intents } = this.context;
    await (taken ? ledger.withdraw(id, intents) : ledger.abandon(id, intents)).catch((error: unknown) =>
      events.emit('fault', error),
    );
  }

  /** True once a sweep may have ended the lease, if the renewals failed. */
  get #isLate(): boolean {
    return performance.now() - this.#began > this.context.ledger.lease / 3;
  }

  async #isLeased(id: string): Promise<boolean> {
    // If the database does not answer, the failure keeps its name.
    return this.context.ledger.renew(id).catch(() => true);
  }

  #refuse(rule: Rule, refusal: Refusal | undefined): void {
    refuse(rule, refusal, this.field.property);
  }
}

/** Records what will be stored, under a key that no other entry of the ledger has. */
async function intend(
  { ledger, intents }: StageContext,
  { reference }: FileField,
  storage: string,
): Promise<ObjectName> {
  for (let tries = 0; tries < 3; tries += 1) {
    const object = { id: randomUUID(), storage, key: makeKey(await ledger.identity(intents)) };
    if (await ledger.intend({ ...reference, ...object }, intents)) return object;
  }
  throw new FileFieldError('already_exists', 'Three random keys in a row were taken; nothing was stored.', { storage });
}

const isStorageFailure = (error: unknown) =>
  isFileFieldError(error, 'storage_failed') || isFileFieldError(error, 'unavailable');

function leaseEnded(storage: string, key: string, cause?: unknown): FileFieldError {
  const message = 'The lease ended while the file was uploaded; raise the option "lease" of attachFiles().';
  return new FileFieldError('staged_expired', message, { storage, key, cause });
}
