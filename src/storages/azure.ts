import type { BlockBlobTier, ContainerClient } from '@azure/storage-blob';
import { FileFieldError } from '../errors.js';
import type { ByteRange } from '../file/body.js';
import type { UrlOptions } from '../file/file.js';
import { checkKey } from '../file/key.js';
import type { ListedObject, ObjectBody, ObjectInfo, Storage, WriteOptions } from '../file/storage.js';
import { byteSize, wholeNumber, type ByteSize } from '../options.js';
import { azureError } from './azure/azure-error.js';
import { BlobUpload, type UploadSettings } from './azure/blob-upload.js';
import { Container, infoOf } from './azure/container.js';
import { UrlSigner } from './azure/signed-url.js';
import { encoded, folderOf, publicBase } from './shared/address.js';

/** Where an `AzureBlobStorage` keeps its objects, and how. */
export interface AzureBlobStorageOptions {
  /**
   * The client of the container, which must exist; account, credentials, time limits and retries are its own. The account
   * must have no hierarchical namespace.
   */
  readonly container: ContainerClient;
  /**
   * Folder in the container below which all objects are, such as `app/files`; 500 bytes at most. Other objects are neither
   * listed nor touched.
   * @default the whole container
   */
  readonly prefix?: string;
  /**
   * Size of the blocks of larger objects, 1 MiB to 1 GiB. An object that is not larger is sent in one request.
   * @default 4 MiB
   */
  readonly blockSize?: ByteSize;
  /**
   * Blocks of one object that are sent at the same time, 1 to 100.
   * @default 2
   */
  readonly concurrency?: number;
  /**
   * Cache-Control of new objects, for clients that fetch them from the container or its CDN. Objects never change.
   * @default none
   */
  readonly cacheControl?: string;
  /**
   * Access tier of new objects, such as `Cool`. An object in `Archive` cannot be read.
   * @default that of the account
   */
  readonly accessTier?: BlockBlobTier | `${BlockBlobTier}`;
  /**
   * Name of the encryption scope of new objects, which has a key of the service or of your key vault.
   * @default that of the container
   */
  readonly encryptionScope?: string;
  /**
   * The address of the container for everybody, such as that of a CDN: `https://files.example`. The prefix and the encoded
   * key are added. With it the storage has `url`.
   * @default objects are private
   */
  readonly publicUrl?: string;
}

/**
 * Keeps objects as block blobs in a container of Azure Blob Storage. Bodies may have any length up to 5 TiB, known or not.
 * CI tests it against Azurite, the emulator of Microsoft.
 *
 * A write of up to `blockSize` is one request. A larger one is sent in blocks and becomes visible with the last request. The
 * service deletes the blocks of a write that failed within a week; nobody can read them, but until then they count as data.
 * The service verifies the MD5 of each request, and refuses a key that is taken (`If-None-Match`).
 *
 * Memory of one write: `(concurrency + 1) × blockSize` for the blocks that are filled and sent, 12 MiB by default. Blocks
 * grow where 10,000 would not be enough: from the start if `size` is given, otherwise they double every 800 blocks, for the
 * first time after 3.1 GiB.
 *
 * Reading costs one request per range and holds one socket until the body is read or closed; a connection that breaks is
 * replaced, and the bytes go on at the same version of the object. `stat` and `delete` are one request, `list` one for 5000
 * objects, also for those before `after`. A URL is valid for at most six days, for GET and for HEAD. The account key signs
 * it without a request; a credential of Entra ID asks for a user delegation key, which is used for many URLs. A client that
 * has neither rejects `signedUrl` with `unsupported`.
 *
 * The client waits for ever for a server that accepts a connection and does not answer, and tries a request four times with
 * pauses of 4 to 28 seconds: set `retryOptions`. The message of each failure says what to do; `cause` is the error of the SDK.
 *
 * @throws `invalid_option` without a container, and for options out of range.
 *
 * @example
 * ```ts
 * import { BlobServiceClient } from '@azure/storage-blob';
 * import { AzureBlobStorage } from 'filefield/storages/azure';
 *
 * const service = BlobServiceClient.fromConnectionString(process.env.AZURE_STORAGE_CONNECTION_STRING!, {
 *   retryOptions: { maxTries: 3, retryDelayInMs: 500 },
 * });
 * const documents = new AzureBlobStorage({ container: service.getContainerClient('documents'), prefix: 'app' });
 * ```
 */
export class AzureBlobStorage implements Storage {
  readonly url?: (key: string) => string;
  readonly #container: Container;
  readonly #settings: UploadSettings;
  readonly #signer: UrlSigner;

  constructor(options: AzureBlobStorageOptions) {
    const { container, prefix = '', publicUrl } = options;
    if (typeof container?.getBlockBlobClient !== 'function') {
      const text = 'AzureBlobStorage needs a container: a ContainerClient of @azure/storage-blob.';
      throw new FileFieldError('invalid_option', text);
    }
    const folder = folderOf('AzureBlobStorage', prefix);
    this.#container = new Container(container, folder);
    this.#signer = new UrlSigner(container);
    this.#settings = {
      blockSize: byteSize('blockSize', options.blockSize ?? '4 MiB', { from: 2 ** 20, to: 2 ** 30 }),
      concurrency: wholeNumber('concurrency', options.concurrency ?? 2, { from: 1, to: 100 }),
      cacheControl: options.cacheControl,
      tier: options.accessTier,
      encryptionScope: options.encryptionScope,
    };
    if (publicUrl !== undefined) {
      const base = publicBase('AzureBlobStorage', publicUrl);
      this.url = (key) => base + encoded(folder + checkKey(key));
    }
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectInfo> {
    checkKey(key);
    return new BlobUpload(this.#container, key, this.#settings, options).write(body);
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    return this.#container.open(key, range);
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    const found = await this.#container.head(key);
    return found && infoOf(found);
  }

  async delete(key: string): Promise<void> {
    await this.#container.delete(key);
  }

  list({ after = '' }: { after?: string } = {}): AsyncGenerator<ListedObject, void, undefined> {
    return this.#container.list(after);
  }

  async signedUrl(key: string, options: UrlOptions): Promise<string> {
    return this.#signer.sign(this.#container.at(key), options).catch((cause: unknown) => {
      throw azureError(cause, 'sign a URL', key);
    });
  }
}
