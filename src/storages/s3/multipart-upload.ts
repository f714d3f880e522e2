import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { unlessAborted } from '../../file/abortable.js';
import { FileFieldError } from '../../errors.js';
import type { ObjectInfo } from '../../file/storage.js';
import { etagOf, infoOf } from './object-body.js';
import { cleanUpPatience, within } from '../shared/write-steps.js';
import { checksumOf, type ObjectUpload } from './object-upload.js';
import { mostParts } from '../shared/part-size.js';
import type { Part } from '../shared/part.js';
import { tooLarge } from './s3-error.js';

/** Sends an object in several requests. If it fails at any point, the server keeps no part. */
export async function sendInParts(upload: ObjectUpload, first: Part[], rest: AsyncIterable<Part>): Promise<ObjectInfo> {
  const multipart = new MultipartUpload(upload);
  try {
    await multipart.start();
    await multipart.add(first.pop()!);
    for await (const part of rest) await multipart.add(part);
    return await multipart.complete();
  } catch (error) {
    // The clean-up makes other parts fail too.
    const first = multipart.failure ?? error;
    await within(cleanUpPatience, () => multipart.discard());
    throw first;
  }
}

class MultipartUpload {
  /** The first failure of a part. */
  failure: unknown;
  readonly #parts: CompletedPart[] = [];
  readonly #running = new Set<Promise<void>>();
  #size = 0;
  /** Resolves to the id by which the server knows the upload. */
  #started: Promise<string | undefined> | undefined;

  constructor(private readonly upload: ObjectUpload) {}

  async start(): Promise<void> {
    const { bucket, input, options, settings } = this.upload;
    await this.upload.expectFree();
    const algorithm = settings.checksum === 'sha256' ? ({ ChecksumAlgorithm: 'SHA256' } as const) : {};
    const command = new CreateMultipartUploadCommand({ ...input, ...algorithm });
    // Not cut by an abort: without its answer the upload could not be discarded.
    this.#started = bucket.client.send(command).then(({ UploadId }) => UploadId);
    await unlessAborted(this.#started, options.signal);
  }

  /** Resolves when the part is being sent, which may be before it has arrived. */
  async add(part: Part): Promise<void> {
    if (part.number > mostParts) throw new FileFieldError('storage_failed', tooLarge, { key: this.upload.key });
    while (this.#running.size >= this.upload.settings.concurrency) await Promise.race(this.#running);
    if (this.failure) throw this.failure;
    const sent = this.#send(part)
      .catch((cause: unknown) => {
        this.failure ??= cause;
        this.upload.end();
      })
      .finally(() => this.#running.delete(sent));
    this.#running.add(sent);
  }

  async complete(): Promise<ObjectInfo> {
    await Promise.all(this.#running);
    if (this.failure) throw this.failure;
    const { upload } = this;
    // Some servers ignore the condition here, such as Ceph.
    await upload.expectFree();
    const Parts = this.#parts.sort((one, other) => one.PartNumber! - other.PartNumber!);
    const input = { ...(await this.#at()), MultipartUpload: { Parts } };
    return upload.publish(async (condition, abortSignal) => {
      const command = new CompleteMultipartUploadCommand({ ...input, ...condition });
      const { ETag } = await upload.bucket.client.send(command, { abortSignal });
      return this.#verified(etagOf(ETag) || undefined);
    });
  }

  /** Makes the server forget the parts, also those that arrive late. */
  async discard(): Promise<void> {
    this.upload.end();
    if (!this.#started) return;
    const at = await this.#at();
    await Promise.all(this.#running);
    const { client } = this.upload.bucket;
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await client.send(new AbortMultipartUploadCommand(at));
      // A part that was being stored meanwhile may have survived; the listing fails once there is no upload.
      const left = await client.send(new ListPartsCommand(at)).catch(() => undefined);
      if (!left) return;
    }
  }

  async #send(part: Part): Promise<void> {
    const { bucket, settings, until } = this.upload;
    const input = { ...(await this.#at()), PartNumber: part.number, ...checksumOf(part, settings.checksum) };
    const answer = await bucket.client.send(new UploadPartCommand({ ...input, Body: part.bytes }), {
      abortSignal: until,
    });
    this.upload.verify(part, answer);
    const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 } = answer;
    // A server that keeps a checksum of each part wants it again at the end.
    const checksums = { ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 };
    this.#parts.push({ PartNumber: part.number, ETag, ...checksums });
    this.#size += part.bytes.byteLength;
  }

  async #at() {
    return { ...this.upload.bucket.at(this.upload.key), UploadId: await this.#started };
  }

  /** Looks at the object that was made: not every server returns its entity-tag, or refuses to replace another one. */
  async #verified(etag: string | undefined): Promise<ObjectInfo> {
    const { upload } = this;
    const found = await upload.bucket.head(upload.key).catch(() => undefined);
    if (found && upload.made(found) === false) throw upload.taken();
    if (found === undefined) return { size: this.#size, etag };
    if (found?.ContentLength === this.#size) return infoOf(found);
    await upload.bucket.delete(upload.key).catch(() => undefined);
    const text = 'The server has put the parts together to an object of another size: try again.';
    throw new FileFieldError('storage_failed', text, { key: upload.key });
  }
}
