import { createHash, randomUUID } from 'node:crypto';
import { PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3';
import { abortable, unlessAborted, wasAborted } from '../../file/abortable.js';
import { FileFieldError, isFileFieldError } from '../../errors.js';
import type { ObjectInfo, WriteOptions } from '../../file/storage.js';
import { writeMark, type Bucket } from './bucket.js';
import { etagOf, infoOf } from './object-body.js';
import { largestObject, sizeOfPart } from '../shared/part-size.js';
import { partsOf, type Part } from '../shared/part.js';
import { cleanUpPatience, source, within } from '../shared/write-steps.js';
import { failureOf, isUncertain, s3Error, tooLarge } from './s3-error.js';

/** By which checksum the server compares what it received with what was sent. */
export type S3Checksum = 'md5' | 'sha256';

/** What all writes of a storage have in common. */
export interface UploadSettings {
  /** Bytes. */
  readonly partSize: number;
  /** Parts of one object that are sent at the same time. */
  readonly concurrency: number;
  readonly checksum: S3Checksum;
  /** False if the server ignores or refuses `If-None-Match`. */
  conditional: boolean;
  /** Caching, storage class and encryption. */
  readonly headers: Pick<
    PutObjectCommandInput,
    'CacheControl' | 'StorageClass' | 'ServerSideEncryption' | 'SSEKMSKeyId'
  >;
}

/**
 * Sends the parts of an object that has more than one. The first is taken out of an array: a parameter would keep its memory
 * until the end.
 */
export type SendParts = (upload: ObjectUpload, first: Part[], rest: AsyncIterable<Part>) => Promise<ObjectInfo>;

/** The headers by which the server refuses to replace an object. */
type Condition = Pick<PutObjectCommandInput, 'IfNoneMatch'>;

/** One write of one object, from its first byte to the answer that it is there. */
export class ObjectUpload {
  /** Kept with the object: by it the write recognises its own object after an answer was lost. */
  readonly #mark = randomUUID();
  readonly #ended = new AbortController();
  readonly #until: AbortSignal;

  constructor(
    readonly bucket: Bucket,
    readonly key: string,
    readonly settings: UploadSettings,
    readonly options: WriteOptions,
  ) {
    const { signal } = options;
    this.#until = signal ? AbortSignal.any([signal, this.#ended.signal]) : this.#ended.signal;
  }

  /** Where the object will be, and what is kept with it. */
  get input() {
    const { settings, options } = this;
    return {
      ...this.bucket.at(this.key),
      ...settings.headers,
      ...(options.type && { ContentType: options.type }),
      ...(options.disposition && { ContentDisposition: options.disposition }),
      Metadata: { [writeMark]: this.#mark },
    };
  }

  /** Aborts when nothing more is to be sent: the caller has aborted, or a part has failed. */
  get until(): AbortSignal {
    return this.#until;
  }

  /** Ends the body, which may have stalled, and all requests for parts. */
  end(): void {
    this.#ended.abort();
  }

  async write(body: AsyncIterable<Uint8Array>, sendParts: SendParts): Promise<ObjectInfo> {
    const { signal, size } = this.options;
    if (signal?.aborted) throw wasAborted(signal);
    const { partSize, checksum } = this.settings;
    const sizeOf = (number: number) => sizeOfPart(number, partSize, size);
    const parts = partsOf(abortable(source(body), this.until), sizeOf, () => createHash(checksum), size);
    try {
      if (size !== undefined && size > largestObject) throw new FileFieldError('storage_failed', tooLarge);
      const first = (await parts.next()).value as Part;
      return await (first.last ? this.#put(first) : sendParts(this, [first], parts));
    } catch (cause) {
      if (isFileFieldError(cause) || !signal?.aborted) throw s3Error(cause, 'write an object', this.key);
      throw wasAborted(signal);
    } finally {
      this.end();
      await parts.return().catch(() => undefined);
    }
  }

  /** Rejects with `already_exists` if there is an object by now. */
  async expectFree(): Promise<void> {
    const { bucket, key, options } = this;
    if (await unlessAborted(bucket.head(key, this.until), options.signal)) throw this.taken();
  }

  /**
   * Sends the request that makes the object, on the condition that there is none. An abort does not cut it, since the server
   * might have got it: the write waits for the answer and deletes the object again.
   */
  async publish(send: (condition: Condition, signal: AbortSignal) => Promise<ObjectInfo>): Promise<ObjectInfo> {
    const { settings, options } = this;
    const { conditional } = settings;
    if (!conditional) await this.expectFree();
    if (options.signal?.aborted) throw wasAborted(options.signal);
    const cut = new AbortController();
    const condition = conditional ? { IfNoneMatch: '*' } : {};
    const sent = send(condition, cut.signal).catch((cause: unknown) => this.#afterFailure(cause));
    try {
      return await unlessAborted(sent, options.signal);
    } catch (error) {
      if (options.signal?.aborted) {
        await within(cleanUpPatience, async () => {
          if (await sent.catch(() => undefined)) await this.bucket.delete(this.key);
        });
        cut.abort();
        throw error;
      }
      if (!conditional || !lacksConditions(error)) throw error;
      // This server knows no conditions: from now on there is only the look before each write.
      settings.conditional = false;
      return this.publish(send);
    }
  }

  /** Compares what the server says that it has with what was sent. A server that says nothing has compared it itself. */
  verify(
    part: Part,
    answer: { readonly ETag?: string; readonly ChecksumSHA256?: string; readonly ServerSideEncryption?: string },
  ) {
    if (this.settings.checksum === 'sha256') {
      if (answer.ChecksumSHA256 === part.digest) return;
      const text = answer.ChecksumSHA256
        ? 'The server stored other bytes than were sent: try again.'
        : 'The server does not check SHA-256: set the option "checksum" to "md5".';
      throw new FileFieldError('storage_failed', text, { key: this.key });
    }
    const etag = etagOf(answer.ETag) ?? '';
    // Only with these encryptions is the entity-tag of one request the MD5 of its bytes.
    const isDigest = /^[\da-f]{32}$/.test(etag) && (answer.ServerSideEncryption ?? 'AES256') === 'AES256';
    if (!isDigest || etag === Buffer.from(part.digest, 'base64').toString('hex')) return;
    throw new FileFieldError('storage_failed', 'The server stored other bytes than were sent: try again.', {
      key: this.key,
    });
  }

  /** True if the object carries the mark of this write, false if that of another, undefined if it has none. */
  made(found: { readonly Metadata?: Record<string, string> | undefined }): boolean | undefined {
    const mark = found.Metadata?.[writeMark];
    return mark === undefined ? undefined : mark === this.#mark;
  }

  taken(cause?: unknown): FileFieldError {
    return new FileFieldError('already_exists', 'The key is taken.', { key: this.key, cause });
  }

  async #put(part: Part): Promise<ObjectInfo> {
    const { bucket, key, settings } = this;
    return this.publish(async (condition, abortSignal) => {
      const input = { ...this.input, ...condition, ...checksumOf(part, settings.checksum), Body: part.bytes };
      const answer = await bucket.client.send(new PutObjectCommand(input), { abortSignal });
      try {
        this.verify(part, answer);
      } catch (error) {
        await bucket.delete(key).catch(() => undefined);
        throw error;
      }
      return { size: part.bytes.byteLength, etag: etagOf(answer.ETag) };
    });
  }

  /** After a retry or a lost answer, only the object itself shows who made it. */
  async #afterFailure(cause: unknown): Promise<ObjectInfo> {
    const { status } = failureOf(cause);
    const conflict = status === 412 || status === 409;
    if (isFileFieldError(cause) || lacksConditions(cause) || !(conflict || isUncertain(cause))) throw cause;
    const found = await this.bucket.head(this.key).catch(() => undefined);
    if (found && this.made(found)) return infoOf(found);
    throw status === 412 || (conflict && found) ? this.taken(cause) : cause;
  }
}

/** The checksum of a part as the header by which the server verifies it. */
export function checksumOf(
  { digest }: Part,
  checksum: S3Checksum,
): { readonly ContentMD5?: string; readonly ChecksumSHA256?: string } {
  return checksum === 'md5' ? { ContentMD5: digest } : { ChecksumSHA256: digest };
}

/** True for the answer of a server that knows no conditions for writes. */
function lacksConditions(cause: unknown): boolean {
  const { code, status } = failureOf(cause);
  return status === 501 || code === 'NotImplemented';
}
