import { randomUUID } from 'node:crypto';
import type { Bucket, File, FileMetadata } from '@google-cloud/storage';
import { abortable, unlessAborted, wasAborted } from '../../file/abortable.js';
import { FileFieldError, isFileFieldError } from '../../errors.js';
import type { ObjectInfo, WriteOptions } from '../../file/storage.js';
import { partsOf, type Part } from '../shared/part.js';
import { largestObject } from '../shared/part-size.js';
import { cleanUpPatience, publish, source, within } from '../shared/write-steps.js';
import { infoOf, type GoogleBucket } from './google-bucket.js';
import { failureOf, googleError, isUncertain, noBucket, otherBytes, tooLarge } from './google-error.js';
import { UploadSession } from './upload-session.js';

/** Name of the metadata by which a write recognises its own object after an answer was lost. */
const writeMark = 'filefield-write';

/** What all writes of a storage have in common. */
export interface UploadSettings {
  /** Bytes. */
  readonly chunkSize: number;
  readonly cacheControl: string | undefined;
  readonly storageClass: string | undefined;
  readonly kmsKeyName: string | undefined;
}

/** One write of one object, from its first byte to the answer that it is there. */
export class GoogleUpload {
  /** Kept with the object: by it the write recognises its own object after an answer was lost. */
  readonly #mark = randomUUID();
  readonly #ended = new AbortController();
  readonly #until: AbortSignal;
  readonly #file: File;

  constructor(
    private readonly bucket: GoogleBucket,
    private readonly key: string,
    private readonly settings: UploadSettings,
    private readonly options: WriteOptions,
  ) {
    const { signal } = options;
    const { kmsKeyName } = settings;
    this.#until = signal ? AbortSignal.any([signal, this.#ended.signal]) : this.#ended.signal;
    this.#file = bucket.at(key, kmsKeyName ? { kmsKeyName } : {});
  }

  async write(body: AsyncIterable<Uint8Array>): Promise<ObjectInfo> {
    const { signal, size } = this.options;
    if (signal?.aborted) throw wasAborted(signal);
    const checksum = runningChecksum(this.bucket.client);
    const parts = partsOf(abortable(source(body), this.#until), () => this.settings.chunkSize, checksum, size);
    try {
      if (size !== undefined && size > largestObject) throw new FileFieldError('storage_failed', tooLarge);
      const first = (await parts.next()).value as Part;
      return await (first.last ? this.#put(first) : this.#sendInChunks([first], parts));
    } catch (cause) {
      if (isFileFieldError(cause) || !signal?.aborted) throw googleError(cause, 'write an object', this.key, noBucket);
      throw wasAborted(signal);
    } finally {
      this.#ended.abort();
      await parts.return().catch(() => undefined);
    }
  }

  async #put({ bytes, digest }: Part): Promise<ObjectInfo> {
    return this.#publish(digest, async () => {
      await this.#file.save(bytes as Buffer, {
        resumable: false,
        // The service compares the checksum before it makes the object.
        validation: false,
        metadata: { ...this.#kept, crc32c: digest },
        preconditionOpts: { ifGenerationMatch: 0 },
      });
      return this.#file.metadata;
    });
  }

  /** The first part is taken out of an array: a parameter would keep its memory until the end. */
  async #sendInChunks(first: Part[], rest: AsyncIterable<Part>): Promise<ObjectInfo> {
    const { signal } = this.options;
    const preconditionOpts = { ifGenerationMatch: 0 };
    // Not cut by an abort: without its answer the session could not be cancelled.
    const opened = this.#file.createResumableUpload({ metadata: this.#kept, preconditionOpts });
    const started = opened.then(([uri]) => new UploadSession(this.bucket.client, uri));
    let sending: Promise<void> | undefined;
    let failure: unknown;
    try {
      const session = await unlessAborted(started, signal);
      const send = (part: Part) =>
        session.send(part.bytes).catch((cause: unknown) => {
          failure ??= cause;
          // Ends the body too, which may have stalled.
          this.#ended.abort();
        });
      sending = send(first.pop()!);
      // One chunk is on its way while the next one is filled.
      for await (const part of rest) {
        await unlessAborted(sending, signal);
        if (failure) throw failure;
        if (part.last) return await this.#publish(part.digest, () => session.finish(part.bytes));
        sending = send(part);
      }
      throw new FileFieldError('storage_failed', 'The body has no end.');
    } catch (error) {
      await within(cleanUpPatience, async () => (await started).cancel());
      // The end of the body is not the first failure.
      throw failure ?? error;
    }
  }

  /** What is kept with the object. */
  get #kept(): FileMetadata {
    const { cacheControl, storageClass } = this.settings;
    const { disposition, type } = this.options;
    return {
      // Otherwise the SDK guesses one from the key.
      contentType: type || 'application/octet-stream',
      ...(disposition && { contentDisposition: disposition }),
      ...(cacheControl && { cacheControl }),
      ...(storageClass && { storageClass }),
      metadata: { [writeMark]: this.#mark },
    };
  }

  async #publish(digest: string, send: () => Promise<FileMetadata>): Promise<ObjectInfo> {
    const remove = ({ etag }: ObjectInfo) => this.bucket.delete(this.key, etag);
    const sent = async () => {
      const resource = await send().catch((cause: unknown) => this.#afterFailure(cause));
      const info = infoOf(resource);
      if (resource.crc32c === undefined || resource.crc32c === digest) return info;
      await remove(info).catch(() => undefined);
      throw new FileFieldError('storage_failed', otherBytes, { key: this.key });
    };
    return publish(sent, remove, this.options.signal);
  }

  /** After a retry or a lost answer, only the object itself shows who made it. */
  async #afterFailure(cause: unknown): Promise<FileMetadata> {
    if (isFileFieldError(cause) || !isUncertain(cause)) throw cause;
    const found = await this.bucket.head(this.key).catch(() => undefined);
    if (found?.metadata?.[writeMark] === this.#mark) return found;
    if (!found && failureOf(cause).status !== 412) throw cause;
    throw new FileFieldError('already_exists', 'The key is taken.', { key: this.key, cause });
  }
}

/** The checksum of all bytes until the end of each part. */
function runningChecksum(bucket: Bucket) {
  const sum = bucket.crc32cGenerator();
  const checksum = { update: (bytes: Uint8Array) => sum.update(bytes as Buffer), digest: () => sum.toString() };
  return () => checksum;
}
