import type { S3Client, ServerSideEncryption, StorageClass } from '@aws-sdk/client-s3';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { FileFieldError } from '../errors.js';
import type { ByteRange } from '../file/body.js';
import type { UrlOptions } from '../file/file.js';
import { checkKey } from '../file/key.js';
import type { ListedObject, ObjectBody, ObjectInfo, Storage, WriteOptions } from '../file/storage.js';
import { byteSize, wholeNumber, type ByteSize } from '../options.js';
import { Bucket } from './s3/bucket.js';
import { sendInParts } from './s3/multipart-upload.js';
import { infoOf } from './s3/object-body.js';
import { ObjectUpload, type S3Checksum, type UploadSettings } from './s3/object-upload.js';
import { s3Error } from './s3/s3-error.js';
import { encoded, folderOf, publicBase } from './shared/address.js';
import { smallestPart } from './shared/part-size.js';

export type { S3Checksum } from './s3/object-upload.js';

/** How the server encrypts new objects. */
export interface S3Encryption {
  /** `'AES256'` for keys of the server, `'aws:kms'` for those of a key service. */
  readonly algorithm: ServerSideEncryption;
  /**
   * Id or ARN of a key of the key service.
   * @default the default key of the account
   */
  readonly key?: string;
}

/** Where an `S3Storage` keeps its objects, and how. */
export interface S3StorageOptions {
  /** The client of the SDK; credentials, region, endpoint, timeouts and retries are its own. */
  readonly client: S3Client;
  /** Name of the bucket. It must exist. */
  readonly bucket: string;
  /**
   * Folder in the bucket below which all objects are, such as `app/files`; 500 bytes at most. Other objects are neither
   * listed nor touched.
   * @default the whole bucket
   */
  readonly prefix?: string;
  /**
   * Size of the parts of larger objects, 5 MiB to 1 GiB. An object that is not larger is sent in one request.
   * @default 5 MiB
   */
  readonly partSize?: ByteSize;
  /**
   * Parts of one object that are sent at the same time, 1 to 100.
   * @default 2
   */
  readonly concurrency?: number;
  /**
   * The checksum by which the server verifies every request: `'md5'`, which every server knows, or `'sha256'`, which AWS
   * also keeps with the object, and which works where MD5 is forbidden (FIPS). A server that does not confirm SHA-256 is
   * refused with `storage_failed`.
   * @default 'md5'
   */
  readonly checksum?: S3Checksum;
  /**
   * Whether the server is told to refuse a key that is taken. Set it to `false` for a server that ignores or refuses
   * `If-None-Match` on a write: then there is only a look before the write, and of two writes of one key at the same time,
   * the later one wins.
   * @default true, until the server answers that it cannot
   */
  readonly conditionalWrites?: boolean;
  /**
   * Cache-Control of new objects, for clients that fetch them from the bucket or its CDN. Objects never change.
   * @default none
   */
  readonly cacheControl?: string;
  /**
   * Storage class of new objects, such as `STANDARD_IA`.
   * @default that of the bucket
   */
  readonly storageClass?: StorageClass;
  /**
   * Encryption of new objects.
   * @default that of the bucket
   */
  readonly encryption?: S3Encryption;
  /**
   * The address of the bucket for everybody, such as that of a CDN: `https://files.example`. The prefix and the encoded key
   * are added. With it the storage has `url`.
   * @default objects are private
   */
  readonly publicUrl?: string;
}

/** Seconds that a URL with a signature of version 4 can be valid. */
const longestUrl = 7 * 24 * 3600;

/**
 * Keeps objects in a bucket of Amazon S3, or of a server that speaks its protocol: R2, MinIO, Ceph (16 is tested), B2,
 * Spaces. Bodies may have any length up to 5 TiB, known or not. For a server other than Amazon's, the client needs both
 * checksum options of the example, since most do not know the newer checksums of the SDK.
 *
 * A write of up to `partSize` is one request. A larger one is sent in parts, of which the server keeps none if it fails;
 * only a process that is killed leaves some, so give the bucket a rule of the kind `AbortIncompleteMultipartUpload`.
 *
 * Memory of one write: `(concurrency + 1) × partSize` for the parts that are filled and sent, and as much again that the SDK
 * may still hold of parts that were sent: 30 MiB by default. Parts grow where 10,000 would not be enough: from the start if
 * `size` is given, otherwise they double every 800 parts, for the first time after 3.9 GiB.
 *
 * A key that is taken is refused by the server itself (`If-None-Match`). Where that is not possible - some servers, such as
 * Ceph, ignore it for objects in parts - a look before the write remains, which does not cover a second write of the same
 * key in between; keys of this library are random, so there is none.
 *
 * Reading costs one request per range and holds one socket until the body is read or closed; a connection that breaks is
 * replaced, and the bytes go on at the same version of the object. `stat` is a HEAD, `list` one request per thousand
 * objects, `delete` one request. `signedUrl` sends nothing and needs `@aws-sdk/s3-request-presigner`; a URL is valid for at
 * most seven days.
 *
 * The client has no time limit of its own unless you set one, and 50 sockets: raise `maxSockets` for many slow downloads.
 * The message of each failure says what to do; `cause` is the error of the SDK.
 *
 * @throws `invalid_option` without a client or bucket, and for options out of range.
 *
 * @example
 * ```ts
 * import { S3Client } from '@aws-sdk/client-s3';
 * import { S3Storage } from 'filefield/storages/s3';
 *
 * const client = new S3Client({
 *   region: 'eu-central-1',
 *   requestHandler: { connectionTimeout: 5_000, socketTimeout: 60_000, httpsAgent: { maxSockets: 256 } },
 *   // for a server other than Amazon's:
 *   endpoint: 'https://s3.example',
 *   requestChecksumCalculation: 'WHEN_REQUIRED',
 *   responseChecksumValidation: 'WHEN_REQUIRED',
 * });
 * const documents = new S3Storage({ client, bucket: 'documents', prefix: 'app' });
 * ```
 */
export class S3Storage implements Storage {
  readonly url?: (key: string) => string;
  readonly #bucket: Bucket;
  readonly #settings: UploadSettings;

  constructor(options: S3StorageOptions) {
    const { client, bucket, prefix = '', publicUrl } = options;
    if (typeof client?.send !== 'function') throw invalid('a client: new S3Client({ … }) of @aws-sdk/client-s3');
    if (!bucket) throw invalid('the name of a bucket');
    const folder = folderOf('S3Storage', prefix);
    this.#bucket = new Bucket(client, bucket, folder);
    this.#settings = settingsOf(options);
    if (publicUrl !== undefined) {
      const base = publicBase('S3Storage', publicUrl);
      this.url = (key) => base + encoded(folder + checkKey(key));
    }
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectInfo> {
    checkKey(key);
    return new ObjectUpload(this.#bucket, key, this.#settings, options).write(body, sendInParts);
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
    const input = {
      ...this.#bucket.at(key),
      ...(options.contentType && { ResponseContentType: options.contentType }),
      ...(options.contentDisposition && { ResponseContentDisposition: options.contentDisposition }),
    };
    // Rounded down: the URL must not work for longer.
    const expiresIn = Math.min(longestUrl, Math.max(1, Math.floor(options.expiresIn / 1000)));
    const { getSignedUrl } = await presigner();
    const command = options.method === 'HEAD' ? new HeadObjectCommand(input) : new GetObjectCommand(input);
    return getSignedUrl(this.#bucket.client, command, { expiresIn }).catch((cause: unknown) => {
      throw s3Error(cause, 'sign a URL', key);
    });
  }
}

/** Loaded when it is needed, since not everybody signs URLs. */
async function presigner() {
  return import('@aws-sdk/s3-request-presigner').catch((cause: unknown) => {
    const text = 'Signed URLs need the package @aws-sdk/s3-request-presigner: install it beside @aws-sdk/client-s3.';
    throw new FileFieldError('unsupported', text, { cause });
  });
}

function settingsOf(options: S3StorageOptions): UploadSettings {
  const { cacheControl, checksum = 'md5', conditionalWrites = true, encryption, storageClass } = options;
  if (checksum !== 'md5' && checksum !== 'sha256') throw invalid('"md5" or "sha256" as checksum');
  return {
    partSize: byteSize('partSize', options.partSize ?? smallestPart, { from: smallestPart, to: 2 ** 30 }),
    concurrency: wholeNumber('concurrency', options.concurrency ?? 2, { from: 1, to: 100 }),
    checksum,
    conditional: conditionalWrites,
    headers: {
      ...(cacheControl && { CacheControl: cacheControl }),
      ...(storageClass && { StorageClass: storageClass }),
      ...(encryption && { ServerSideEncryption: encryption.algorithm }),
      ...(encryption?.key && { SSEKMSKeyId: encryption.key }),
    },
  };
}

function invalid(what: string): FileFieldError {
  return new FileFieldError('invalid_option', `S3Storage needs ${what}.`);
}
