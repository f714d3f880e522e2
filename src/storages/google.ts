import type { Bucket } from '@google-cloud/storage';
import { FileFieldError } from '../errors.js';
import type { ByteRange } from '../file/body.js';
import type { UrlOptions } from '../file/file.js';
import { checkKey } from '../file/key.js';
import type { ListedObject, ObjectBody, ObjectInfo, Storage, WriteOptions } from '../file/storage.js';
import { byteSize, type ByteSize } from '../options.js';
import { GoogleBucket, infoOf } from './google/google-bucket.js';
import { GoogleUpload, type UploadSettings } from './google/google-upload.js';
import { signUrl } from './google/google-url.js';
import { encoded, folderOf, publicBase } from './shared/address.js';

/** Where a `GoogleCloudStorage` keeps its objects, and how. */
export interface GoogleCloudStorageOptions {
  /** The client of the bucket, which must exist; project, credentials, time limits and retries are its own. */
  readonly bucket: Bucket;
  /**
   * Folder in the bucket below which all objects are, such as `app/files`; 500 bytes at most. Other objects are neither
   * listed nor touched.
   * @default the whole bucket
   */
  readonly prefix?: string;
  /**
   * Size of the chunks of larger objects, 256 KiB to 1 GiB, rounded up to a multiple of 256 KiB. An object that is not larger
   * is sent in one request.
   * @default 8 MiB
   */
  readonly chunkSize?: ByteSize;
  /**
   * Cache-Control of new objects, for clients that fetch them from the bucket or its CDN. Objects never change.
   * @default that of the service: `public, max-age=3600` for public objects
   */
  readonly cacheControl?: string;
  /**
   * Storage class of new objects, such as `NEARLINE`.
   * @default that of the bucket
   */
  readonly storageClass?: string;
  /**
   * Name of the key of Cloud KMS that encrypts new objects: `projects/…/locations/…/keyRings/…/cryptoKeys/…`.
   * @default that of the bucket
   */
  readonly kmsKeyName?: string;
  /**
   * The address of the bucket for everybody, such as that of a CDN: `https://files.example`. The prefix and the encoded key
   * are added. With it the storage has `url`.
   * @default objects are private
   */
  readonly publicUrl?: string;
}

/** What the service keeps of a request of a resumable upload is a multiple of this. */
const unit = 256 * 1024;

/**
 * Keeps objects in a bucket of Google Cloud Storage. Bodies may have any length up to 5 TiB, known or not. It is tested
 * against a model of the JSON API, which was written after Google's reference, not against Google.
 *
 * A write of up to `chunkSize` is one request; the service compares its CRC32C before it makes the object. A larger one is a
 * resumable upload: one request to start, and one for each chunk, of which the last makes the object; its CRC32C is compared
 * then. A write that fails cancels its upload; one of a process that was killed expires after a week. The service refuses a
 * key that is taken (`ifGenerationMatch=0`).
 *
 * Memory of one write: `2 × chunkSize`, one chunk that is filled and one that is sent, 16 MiB by default.
 *
 * Reading costs two requests, one for the metadata and one for the bytes, and holds one socket from the first byte until the
 * body is read or closed. A connection that breaks is replaced, and the bytes go on at the same generation of the object; the
 * CRC32C of a whole object is compared at its end. `stat` and `delete` are one request, `list` one for a thousand objects. A
 * missing bucket costs one more. A URL is valid for at most seven days; a client with a private key signs it without a
 * request, any other one asks the IAM service, for a HEAD twice.
 *
 * The client waits for ever for a server that accepts a connection and does not answer: set `timeout`. The message of each
 * failure says what to do; `cause` is the error of the SDK.
 *
 * @throws `invalid_option` without a bucket, and for options out of range.
 *
 * @example
 * ```ts
 * import { Storage } from '@google-cloud/storage';
 * import { GoogleCloudStorage } from 'filefield/storages/google';
 *
 * const client = new Storage({ timeout: 60_000 });
 * const documents = new GoogleCloudStorage({ bucket: client.bucket('documents'), prefix: 'app' });
 * ```
 */
export class GoogleCloudStorage implements Storage {
  readonly url?: (key: string) => string;
  readonly #bucket: GoogleBucket;
  readonly #settings: UploadSettings;

  constructor(options: GoogleCloudStorageOptions) {
    const { bucket, prefix = '', publicUrl } = options;
    if (typeof bucket?.file !== 'function') {
      const text = 'GoogleCloudStorage needs a bucket: new Storage({ … }).bucket(name) of @google-cloud/storage.';
      throw new FileFieldError('invalid_option', text);
    }
    const folder = folderOf('GoogleCloudStorage', prefix);
    this.#bucket = new GoogleBucket(bucket, folder);
    const chunkSize = byteSize('chunkSize', options.chunkSize ?? '8 MiB', { from: unit, to: 2 ** 30 });
    this.#settings = {
      chunkSize: Math.ceil(chunkSize / unit) * unit,
      cacheControl: options.cacheControl,
      storageClass: options.storageClass,
      kmsKeyName: options.kmsKeyName,
    };
    if (publicUrl !== undefined) {
      const base = publicBase('GoogleCloudStorage', publicUrl);
      this.url = (key) => base + encoded(folder + checkKey(key));
    }
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectInfo> {
    checkKey(key);
    return new GoogleUpload(this.#bucket, key, this.#settings, options).write(body);
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    return this.#bucket.open(key, range);
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    const found = await this.#bucket.head(key);
    return found && infoOf(found);
  }

  async delete(key: string): Promise<void> {
    await this.#bucket.delete(key);
  }

  list({ after = '' }: { after?: string } = {}): AsyncGenerator<ListedObject, void, undefined> {
    return this.#bucket.list(after);
  }

  async signedUrl(key: string, options: UrlOptions): Promise<string> {
    return signUrl(this.#bucket.at(key), key, options);
  }
}
