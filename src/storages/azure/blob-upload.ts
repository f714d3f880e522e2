import { createHash, randomUUID } from 'node:crypto';
import type { BlobHTTPHeaders, BlockBlobCommitBlockListOptions } from '@azure/storage-blob';
import { abortable, wasAborted } from '../../file/abortable.js';
import { FileFieldError, isFileFieldError } from '../../errors.js';
import type { ObjectInfo, WriteOptions } from '../../file/storage.js';
import { partsOf, type Part } from '../shared/part.js';
import { largestObject, sizeOfPart } from '../shared/part-size.js';
import { publish, source } from '../shared/write-steps.js';
import { azureError, failureOf, isUncertain, tooLarge } from './azure-error.js';
import { etagOf, infoOf, type Container } from './container.js';

/** Name of the metadata by which a write recognises its own object after an answer was lost. */
const writeMark = 'filefield_write';

/** What all writes of a storage have in common. */
export interface UploadSettings {
  /** Bytes. */
  readonly blockSize: number;
  /** Blocks of one object that are sent at the same time. */
  readonly concurrency: number;
  readonly cacheControl: string | undefined;
  readonly tier: string | undefined;
  readonly encryptionScope: string | undefined;
}

/** One write of one object, from its first byte to the answer that it is there. */
export class BlobUpload {
  /** Kept with the object: by it the write recognises its own object after an answer was lost. */
  readonly #mark = randomUUID();
  readonly #ended = new AbortController();
  readonly #until: AbortSignal;
  readonly #running = new Set<Promise<void>>();
  readonly #blocks: string[] = [];
  /** The first failure of a block. */
  #failure: unknown;
  #size = 0;

  constructor(
    private readonly container: Container,
    private readonly key: string,
    private readonly settings: UploadSettings,
    private readonly options: WriteOptions,
  ) {
    const { signal } = options;
    this.#until = signal ? AbortSignal.any([signal, this.#ended.signal]) : this.#ended.signal;
  }

  async write(body: AsyncIterable<Uint8Array>): Promise<ObjectInfo> {
    const { signal, size } = this.options;
    if (signal?.aborted) throw wasAborted(signal);
    const sizeOf = (number: number) => sizeOfPart(number, this.settings.blockSize, size);
    const parts = partsOf(abortable(source(body), this.#until), sizeOf, () => createHash('md5'), size);
    try {
      if (size !== undefined && size > largestObject) throw new FileFieldError('storage_failed', tooLarge);
      const first = (await parts.next()).value as Part;
      if (!first.last) return await this.#sendInBlocks([first], parts);
      return await this.#put(first).catch((cause: unknown) => {
        // There is no such object, so it has blocks of a write that failed, which Azurite takes for one.
        if (failureOf(cause).code === 'BlobAlreadyExists') return this.#sendInBlocks([first], parts);
        throw cause;
      });
    } catch (error) {
      // The end of the write makes other blocks fail too.
      const cause = this.#failure ?? error;
      if (isFileFieldError(cause) || !signal?.aborted) throw azureError(cause, 'write an object', this.key);
      throw wasAborted(signal);
    } finally {
      this.#ended.abort();
      await parts.return().catch(() => undefined);
      await Promise.all(this.#running);
    }
  }

  async #put({ bytes, digest }: Part): Promise<ObjectInfo> {
    const md5 = Buffer.from(digest, 'base64');
    const blob = this.container.at(this.key);
    return this.#publish(async (abortSignal) => {
      const options = this.#kept({ blobContentMD5: md5 });
      const answer = await blob.upload(bytes, bytes.byteLength, { ...options, abortSignal });
      const got = answer.contentMD5;
      if (!got || md5.equals(got)) return this.#made(answer, bytes.byteLength);
      await this.container.delete(this.key, answer.etag).catch(() => undefined);
      const text = 'The service stored other bytes than were sent: try again.';
      throw new FileFieldError('storage_failed', text, { key: this.key });
    });
  }

  /** The first part is taken out of an array: a parameter would keep its memory until the end. */
  async #sendInBlocks(first: Part[], rest: AsyncIterable<Part>): Promise<ObjectInfo> {
    await this.#add(first.pop()!);
    for await (const part of rest) await this.#add(part);
    await Promise.all(this.#running);
    if (this.#failure) throw this.#failure;
    const blob = this.container.at(this.key);
    return this.#publish(async (abortSignal) => {
      const answer = await blob.commitBlockList(this.#blocks, { ...this.#kept(), abortSignal });
      return this.#made(answer, this.#size);
    });
  }

  /** Resolves when the block is being sent, which may be before it has arrived. */
  async #add({ bytes, digest, number }: Part): Promise<void> {
    while (this.#running.size >= this.settings.concurrency) await Promise.race(this.#running);
    if (this.#failure) throw this.#failure;
    // All blocks of an object have names of one length. Two writes of one key must not have the same names.
    const id = Buffer.from(`${this.#mark}${String(number).padStart(8, '0')}`).toString('base64');
    this.#blocks.push(id);
    this.#size += bytes.byteLength;
    const { encryptionScope } = this.settings;
    const sent = this.container
      .at(this.key)
      .stageBlock(id, bytes, bytes.byteLength, {
        abortSignal: this.#until,
        transactionalContentMD5: Buffer.from(digest, 'base64'),
        ...(encryptionScope && { encryptionScope }),
      })
      .then(
        () => undefined,
        (cause: unknown) => {
          this.#failure ??= cause;
          // Ends the body too, which may have stalled.
          this.#ended.abort();
        },
      )
      .finally(() => this.#running.delete(sent));
    this.#running.add(sent);
  }

  /** What is kept with the object, and the condition that there is none. */
  #kept(headers: BlobHTTPHeaders = {}): BlockBlobCommitBlockListOptions {
    const { cacheControl, encryptionScope, tier } = this.settings;
    const { disposition, type } = this.options;
    return {
      blobHTTPHeaders: {
        ...headers,
        ...(type && { blobContentType: type }),
        ...(disposition && { blobContentDisposition: disposition }),
        ...(cacheControl && { blobCacheControl: cacheControl }),
      },
      metadata: { [writeMark]: this.#mark },
      conditions: { ifNoneMatch: '*' },
      ...(tier && { tier }),
      ...(encryptionScope && { encryptionScope }),
    };
  }

  #made(answer: { readonly etag?: string; readonly lastModified?: Date }, size: number): ObjectInfo {
    return { size, modified: answer.lastModified, etag: etagOf(answer.etag) };
  }

  async #publish(send: (cut: AbortSignal) => Promise<ObjectInfo>): Promise<ObjectInfo> {
    const sent = (cut: AbortSignal) => send(cut).catch((cause: unknown) => this.#afterFailure(cause));
    const remove = async (made: ObjectInfo) => this.container.delete(this.key, made.etag && `"${made.etag}"`);
    return publish(sent, remove, this.options.signal);
  }

  /** After a retry or a lost answer, only the object itself shows who made it. */
  async #afterFailure(cause: unknown): Promise<ObjectInfo> {
    if (isFileFieldError(cause) || !isUncertain(cause)) throw cause;
    const found = await this.container.head(this.key).catch(() => undefined);
    // A write that was committed meanwhile has removed our blocks.
    if (!found) throw cause;
    if (found.metadata?.[writeMark] === this.#mark) return infoOf(found);
    throw new FileFieldError('already_exists', 'The key is taken.', { key: this.key, cause });
  }
}
