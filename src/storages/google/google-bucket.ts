import { Readable } from 'node:stream';
import type { Bucket, File, FileMetadata } from '@google-cloud/storage';
import { FileFieldError } from '../../errors.js';
import { lengthOf, type ByteRange } from '../../file/body.js';
import { checkKey } from '../../file/key.js';
import type { ListedObject, ObjectBody, ObjectInfo } from '../../file/storage.js';
import { ResumedBody, wasReplaced } from '../shared/resumed-body.js';
import { inUtf16Order, listedAfter } from '../shared/utf16-order.js';
import { failureOf, googleError, noBucket } from './google-error.js';

const pageSize = 1000;
/** Milliseconds without a byte after which a connection counts as broken, unless the client has a `timeout`. */
const silence = 30_000;

/** A folder of a bucket: the requests that read, list and delete, with errors of this library. */
export class GoogleBucket {
  /** True once something has shown that the bucket exists. */
  #exists = false;

  /** `prefix` is empty, or ends with a slash. */
  constructor(
    readonly client: Bucket,
    private readonly prefix: string,
  ) {}

  /** The client of one object, or of one version of it. */
  at(key: string, options: { readonly generation?: string | number; readonly kmsKeyName?: string } = {}): File {
    return this.client.file(`${this.prefix}${checkKey(key)}`, options);
  }

  async open(key: string, range?: ByteRange): Promise<ObjectBody> {
    const resource = await this.#resource(key, 'open an object');
    if (!resource) throw new FileFieldError('not_found', 'There is no such object.', { key });
    const info = infoOf(resource);
    const whole = range ?? { start: 0, end: info.size - 1 };
    if (whole.start > whole.end + 1 || whole.end >= info.size) {
      throw new FileFieldError('incomplete', 'The object ends before the range.', { key });
    }
    const version = this.at(key, { generation: resource.generation! });
    const reader = {
      open: async ({ start, end }: ByteRange, signal: AbortSignal) => {
        const stream = version.createReadStream({ start, end, decompress: false, validation: false });
        // To destroy it frees its socket.
        signal.addEventListener('abort', () => stream.destroy(), { once: true });
        return Readable.from(unlessSilent(stream, this.client.storage.timeout ?? silence));
      },
      mayGoOn: (cause: unknown) => {
        const { status = 0 } = failureOf(cause);
        return status < 400 || status >= 500;
      },
      failed: (cause: unknown) => {
        if (failureOf(cause).status === 404) return wasReplaced(key, cause);
        return googleError(cause, 'read an object to its end', key);
      },
    };
    const body = new ResumedBody(reader, key, whole);
    const stream = () => (range ? body.stream() : this.#verified(body.stream(), key, resource.crc32c));
    return { info, size: lengthOf(whole), stream, close: () => body.close() };
  }

  /** Metadata of an object; null if there is no such object. */
  async head(key: string): Promise<FileMetadata | null> {
    return this.#resource(key, 'look for an object');
  }

  /** With a generation only if the object still has it. */
  async delete(key: string, ifGenerationMatch?: string | number): Promise<void> {
    try {
      await this.at(key).delete(ifGenerationMatch === undefined ? {} : { ifGenerationMatch });
    } catch (cause) {
      const error = googleError(cause, 'delete an object', key);
      if (error.code !== 'not_found') throw error;
      await this.#expectBucket();
    }
  }

  /** Objects after a key, in the order of this library; one request for a thousand objects. */
  async *list(after: string): AsyncGenerator<ListedObject, void, undefined> {
    for await (const object of inUtf16Order(this.#pages(listedAfter(after)))) if (object.key > after) yield object;
  }

  async *#pages(after: string): AsyncGenerator<ListedObject, void, undefined> {
    // Continued by the last key: unlike a token it does not expire, however slowly the listing is read.
    for (let last = after, more = true; more;) {
      const [files, next] = await this.client
        .getFiles({
          autoPaginate: false,
          maxResults: pageSize,
          ...(this.prefix && { prefix: this.prefix }),
          ...(last && { startOffset: `${this.prefix}${last}` }),
          fields: 'items(name,timeCreated),nextPageToken',
        })
        .catch((cause: unknown) => {
          throw googleError(cause, 'list objects', undefined, noBucket);
        });
      this.#exists = true;
      const start = last;
      for (const file of files) {
        const key = file.name.slice(this.prefix.length);
        // The offset is the first name of a page; the folder itself may be an object, of another program.
        if (key && key !== start)
          yield {
            key: (last = key),
            modified: timeOf(file as unknown as FileMetadata),
          };
      }
      more = Boolean(next) && last !== start;
    }
  }

  async #resource(key: string, action: string): Promise<FileMetadata | null> {
    const file = this.at(key);
    try {
      const [resource] = await file.getMetadata();
      this.#exists = true;
      return resource;
    } catch (cause) {
      const error = googleError(cause, action, key);
      if (error.code !== 'not_found') throw error;
      await this.#expectBucket();
      return null;
    }
  }

  /** A missing bucket must not look like one without objects; both are a 404. Asked once. */
  async #expectBucket(): Promise<void> {
    if (this.#exists) return;
    await this.client
      .getFiles({ autoPaginate: false, maxResults: 1, fields: 'nextPageToken' })
      .catch((cause: unknown) => {
        throw googleError(cause, 'find the bucket', undefined, noBucket);
      });
    this.#exists = true;
  }

  /** The bytes of a whole object, whose checksum is compared at the end. */
  async *#verified(
    bytes: AsyncIterable<Uint8Array>,
    key: string,
    expected: string | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const sum = this.client.crc32cGenerator();
    for await (const chunk of bytes) {
      sum.update(chunk as Buffer);
      yield chunk;
    }
    if (expected === undefined || sum.toString() === expected) return;
    const text = 'The bytes that arrived are not those of the object: its checksum differs. Try again.';
    throw new FileFieldError('storage_failed', text, { key });
  }
}

/** The SDK (its node-fetch 2) does not notice that a connection breaks within a body: its stream then never ends. */
async function* unlessSilent(stream: Readable, milliseconds: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  for (;;) {
    // Only while a chunk is waited for: a slow reader is no broken connection.
    const error = Object.assign(new Error('No byte came.'), { code: 'ETIMEDOUT' });
    const timer = setTimeout(() => stream.destroy(error), milliseconds);
    const next = await chunks.next().finally(() => clearTimeout(timer));
    if (next.done) return;
    yield next.value;
  }
}

/** Size, time and generation of an object. */
export function infoOf(resource: FileMetadata): ObjectInfo {
  const { generation, size } = resource;
  if (size === undefined) throw new FileFieldError('storage_failed', 'The bucket did not say how large the object is.');
  return {
    size: Number(size),
    modified: timeOf(resource),
    etag: generation === undefined ? undefined : String(generation),
  };
}

/** With the option `fields`, the SDK lists metadata instead of files. */
function timeOf({ timeCreated }: FileMetadata): Date | undefined {
  return timeCreated === undefined ? undefined : new Date(timeCreated);
}
