import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { FileDescriptor } from '../file/descriptor.js';
import { FileFieldError, isFileFieldError } from '../errors.js';
import type { FileEvents } from '../events.js';
import { makeKey } from '../file/key.js';
import type { LedgerConnection } from '../ledger/connection.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StorageRegistry } from '../file/registry.js';
import type { Upload } from '../file/upload.js';
import { byteSize, type ByteSize } from '../options.js';
import type { FileField } from './field.js';
import { Measured, readHead, tooLarge } from './measure.js';
import { sniffType, typeMatches } from './sniff.js';

export interface StageContext {
  readonly storages: StorageRegistry;
  readonly ledger: Ledger;
  readonly events: FileEvents;
  /**
   * Where intents are written.
   * @default the ledger's own connection, committed at once
   */
  readonly intents?: LedgerConnection;
}

export interface StageOptions {
  /** Gives the upload up; nothing is kept. */
  readonly signal?: AbortSignal;
  /** Bytes at most, where the field itself sets no limit. */
  readonly maxSize?: ByteSize;
}

/**
 * Stores an upload for a field and records it as staged: rules that the name and the first bytes can break, then the
 * intent, then the bytes in one pass, then the rules that need all of them. Whatever fails, nothing is kept.
 */
export async function stageUpload(
  context: StageContext,
  field: FileField,
  upload: Upload,
  options: StageOptions = {},
): Promise<FileDescriptor> {
  const { storage: storageName, maxSize, check } = field.options;
  const storage = context.storages.resolve(storageName);
  const allowed = maxSize ?? options.maxSize;
  const limit = allowed === undefined ? undefined : byteSize('maxSize', allowed);
  const chunks = upload.body[Symbol.asyncIterator]();
  const name = upload.name ?? 'file';
  let started = false;
  try {
    checkExtension(field, name);
    if (limit !== undefined && upload.size !== undefined && upload.size > limit) throw tooLarge(field.property, limit);
    const { head, read } = await readHead(chunks);
    const type = await sniffType(head, name);
    checkType(field, type);

    const began = performance.now();
    const { id, key } = await intend(context, storageName);
    const release = context.ledger.keepAlive(id);
    const late = () => performance.now() - began > context.ledger.lease / 3;
    let taken = false;
    try {
      const measured = new Measured();
      started = true;
      const body = measured.body(read, chunks, limit, field.property);
      await storage
        .write(key, body, {
          type,
          ...(upload.size !== undefined && { size: upload.size }),
          ...(options.signal && { signal: options.signal }),
        })
        .catch(async (error: unknown) => {
          taken = isFileFieldError(error, 'already_exists');
          // A sweep that was faster takes what is written so far, which the storage can only call a failure.
          const swept = isFileFieldError(error, 'storage_failed') && late() && !(await isLeased(context, id));
          throw swept ? leaseEnded(storageName, key, error) : error;
        });
      const { size, sha256 } = measured;
      await runCheck(field, check && (() => check({ name, type, size, sha256, head })));
      // After a long upload the row has a full lease to be saved in; and if a sweep was faster, the object must not stay.
      if (late()) await secure(context, id, storageName, key);
      const modified = new Date().toISOString();
      const stored = { v: 1 as const, id, storage: storageName, key, name, size, type, sha256, modified };
      context.events.emit('stored', stored);
      return stored;
    } catch (error) {
      // The intent stays until the bytes are surely gone: if this fails too, the sweep does it when the lease ends. But
      // a key that was taken names bytes of somebody else, which no sweep may touch.
      await (taken ? context.ledger.withdraw(id) : context.ledger.abandon(id)).catch((fault: unknown) =>
        context.events.emit('fault', fault),
      );
      throw error;
    } finally {
      release();
    }
  } finally {
    // A source that nobody began to read would stay open.
    if (!started) await chunks.return?.();
  }
}

/** Records what will be stored, under a key that no other entry of the ledger has. */
async function intend({ ledger, intents }: StageContext, storage: string): Promise<{ id: string; key: string }> {
  for (let tries = 0; tries < 3; tries += 1) {
    const name = { id: randomUUID(), key: makeKey() };
    if (await ledger.intend(name.id, storage, name.key, intents)) return name;
  }
  throw new FileFieldError('already_exists', 'Three fresh keys were taken; is the source of random numbers broken?', {
    storage,
  });
}

/** Renews the lease once more, or removes the bytes again: a sweep that was faster will not come back for them. */
async function secure(context: StageContext, id: string, storage: string, key: string): Promise<void> {
  let failure: unknown;
  try {
    if (await context.ledger.renew(id)) return;
    failure = leaseEnded(storage, key);
  } catch (error) {
    failure = error;
  }
  // Nobody has been told of these bytes yet.
  await context.storages
    .resolve(storage)
    .delete(key)
    .catch((fault: unknown) => context.events.emit('fault', fault));
  throw failure;
}

async function isLeased({ ledger }: StageContext, id: string): Promise<boolean> {
  // Where the database cannot tell, the failure stays what it was called.
  return ledger.renew(id).catch(() => true);
}

function leaseEnded(storage: string, key: string, cause?: unknown): FileFieldError {
  const message = 'The lease ended while the file was uploaded; raise it.';
  return new FileFieldError('staged_expired', message, { storage, key, cause });
}

function checkExtension({ options, property }: FileField, name: string): void {
  const { extensions } = options;
  const extension = path.extname(name).toLowerCase();
  if (!extensions || extensions.some((one) => one.toLowerCase() === extension)) return;
  throw new FileFieldError(
    'wrong_type',
    `A file named "*${extension}" is not accepted; accepted are ${extensions.join(', ')}.`,
    {
      field: property,
      rule: 'extensions',
      limit: extensions,
    },
  );
}

function checkType({ options, property }: FileField, type: string): void {
  const { accept } = options;
  if (!accept || typeMatches(type, accept)) return;
  throw new FileFieldError(
    'wrong_type',
    `The bytes are ${type}, which is not accepted; accepted are ${accept.join(', ')}.`,
    {
      field: property,
      rule: 'accept',
      limit: accept,
    },
  );
}

async function runCheck(
  { property }: FileField,
  check: (() => string | void | Promise<string | void>) | undefined,
): Promise<void> {
  const refusal = await check?.();
  if (refusal) throw new FileFieldError('rejected', refusal, { field: property, rule: 'check' });
}
