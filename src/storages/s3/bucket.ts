import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ByteRange } from '../../file/body.js';
import { checkKey } from '../../file/key.js';
import type { ListedObject, ObjectBody } from '../../file/storage.js';
import { openObject } from './object-body.js';
import { failureOf, s3Error } from './s3-error.js';
import { inUtf16Order, listedAfter } from '../shared/utf16-order.js';

/** Name of the metadata by which a write recognises its own object after an answer was lost. */
export const writeMark = 'filefield-write';

/** A folder of a bucket: the requests that read, list and delete, with errors of this library. */
export class Bucket {
  /** True once something has shown that the bucket exists. */
  #exists = false;

  /** `prefix` is empty, or ends with a slash. */
  constructor(
    readonly client: S3Client,
    readonly name: string,
    private readonly prefix: string,
  ) {}

  /** Where an object is. */
  at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.name, Key: `${this.prefix}${checkKey(key)}` };
  }

  async open(key: string, range?: ByteRange): Promise<ObjectBody> {
    const at = this.at(key);
    const get = (wanted: ByteRange | undefined, etag: string | undefined, abortSignal: AbortSignal) => {
      const Range = wanted && `bytes=${wanted.start}-${wanted.end}`;
      const command = new GetObjectCommand({ ...at, ...(Range && { Range }), ...(etag && { IfMatch: etag }) });
      return this.client.send(command, { abortSignal });
    };
    return openObject(get, key, range).catch((cause: unknown) => {
      throw s3Error(cause, 'open an object', key);
    });
  }

  /** The answer to HEAD; null if there is no such object. */
  async head(key: string, abortSignal?: AbortSignal): Promise<HeadObjectCommandOutput | null> {
    try {
      const output = await this.client.send(new HeadObjectCommand(this.at(key)), abortSignal && { abortSignal });
      this.#exists = true;
      return output;
    } catch (cause) {
      const error = s3Error(cause, 'look for an object', key);
      if (error.code !== 'not_found') throw error;
      await this.#expectBucket(key);
      return null;
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.client.send(new DeleteObjectCommand(this.at(key)));
    } catch (cause) {
      const error = s3Error(cause, 'delete an object', key);
      // Some servers say so; NoSuchBucket is another error.
      if (error.code !== 'not_found') throw error;
    }
  }

  /** Objects after a key, in the order of this library; one request for a thousand objects. */
  async *list(after: string): AsyncGenerator<ListedObject, void, undefined> {
    for await (const object of inUtf16Order(this.#pages(listedAfter(after)))) if (object.key > after) yield object;
  }

  async *#pages(after: string): AsyncGenerator<ListedObject, void, undefined> {
    for (let last = after, more = true; more;) {
      const command = new ListObjectsV2Command({
        Bucket: this.name,
        ...(this.prefix && { Prefix: this.prefix }),
        ...(last && { StartAfter: `${this.prefix}${last}` }),
        // Keys of other programs may contain what XML cannot.
        EncodingType: 'url',
      });
      const page = await this.client.send(command).catch((cause: unknown) => {
        throw s3Error(cause, 'list objects');
      });
      this.#exists = true;
      const objects = page.Contents ?? [];
      for (const { Key = '', LastModified } of objects) {
        const key = (page.EncodingType === 'url' ? decode(Key) : Key).slice(this.prefix.length);
        // The folder itself may be an object, of another program.
        if (key) yield { key: (last = key), ...(LastModified && { modified: LastModified }) };
      }
      // Continued by the last key: unlike a token it does not expire, however slowly the listing is read.
      more = page.IsTruncated === true && objects.length > 0;
    }
  }

  /**
   * The answer 404 to a HEAD does not say whether the object or the bucket is missing, and a wrong bucket must not look like
   * one without objects. Asked once; a client that may not ask is believed.
   */
  async #expectBucket(key: string): Promise<void> {
    if (this.#exists) return;
    try {
      await this.client.send(new HeadBucketCommand({ Bucket: this.name }));
    } catch (cause) {
      const { status } = failureOf(cause);
      if (status !== 403)
        throw s3Error(status === 404 ? { name: 'NoSuchBucket', cause } : cause, 'find the bucket', key);
    }
    this.#exists = true;
  }
}

/** What a server writes for `encoding-type=url`: a plus sign is a space, as in a form. */
const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));
