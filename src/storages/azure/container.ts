import type { BlobDownloadResponseParsed, BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import type { Readable } from 'node:stream';
import { FileFieldError } from '../../errors.js';
import { lengthOf, type ByteRange } from '../../file/body.js';
import { checkKey } from '../../file/key.js';
import type { ListedObject, ObjectBody, ObjectInfo } from '../../file/storage.js';
import { Connection, ResumedBody, wasReplaced } from '../shared/resumed-body.js';
import { inUtf16Order } from '../shared/utf16-order.js';
import { azureError, failureOf } from './azure-error.js';

/** A folder of a container: the requests that read, list and delete, with errors of this library. */
export class Container {
  /** `prefix` is empty, or ends with a slash. */
  constructor(
    readonly client: ContainerClient,
    private readonly prefix: string,
  ) {}

  /** The client of one object. */
  at(key: string) {
    return this.client.getBlockBlobClient(`${this.prefix}${checkKey(key)}`);
  }

  async open(key: string, range?: ByteRange): Promise<ObjectBody> {
    const blob = this.at(key);
    const abort = new AbortController();
    const get = (wanted: ByteRange | undefined, abortSignal: AbortSignal, ifMatch?: string) => {
      // Connections that break are replaced here: the SDK takes some of them for an abort.
      const options = { abortSignal, maxRetryRequests: 0, conditions: ifMatch ? { ifMatch } : {} };
      return blob.download(wanted?.start, wanted && lengthOf(wanted), options);
    };
    const answer = await get(range, abort.signal).catch((cause: unknown) => {
      throw azureError(cause, 'open an object', key);
    });
    const first = new Connection(bytesOf(answer, key, range), abort);
    const info = infoOf(answer);
    const whole = range ?? { start: 0, end: info.size - 1 };
    const reader = {
      open: async (missing: ByteRange, signal: AbortSignal) => {
        const next = await get(missing, signal, answer.etag).catch((cause: unknown) => {
          throw failureOf(cause).status === 412 ? wasReplaced(key, cause) : cause;
        });
        return bytesOf(next, key, missing);
      },
      mayGoOn: (cause: unknown) => {
        const { status = 0 } = failureOf(cause);
        return answer.etag !== undefined && (status < 400 || status >= 500);
      },
      failed: (cause: unknown) => {
        const error = azureError(cause, 'read an object to its end', key);
        // The SDK takes a connection that breaks for an abort.
        return error.code === 'aborted' ? wasCut(key, cause) : error;
      },
    };
    const body = new ResumedBody(reader, key, whole, first);
    return { info, size: lengthOf(whole), stream: () => body.stream(), close: () => body.close() };
  }

  /** The properties of an object; null if there is no such object. */
  async head(key: string, abortSignal?: AbortSignal): Promise<BlobGetPropertiesResponse | null> {
    try {
      return await this.at(key).getProperties(abortSignal && { abortSignal });
    } catch (cause) {
      const error = azureError(cause, 'look for an object', key);
      if (error.code === 'not_found') return null;
      throw error;
    }
  }

  /** With an entity-tag only if the object still has it. */
  async delete(key: string, ifMatch?: string): Promise<void> {
    try {
      await this.at(key).delete({ deleteSnapshots: 'include', conditions: ifMatch ? { ifMatch } : {} });
    } catch (cause) {
      const error = azureError(cause, 'delete an object', key);
      if (error.code !== 'not_found') throw error;
    }
  }

  /** Objects after a key, in the order of this library; one request for 5000 objects, also for those before the key. */
  async *list(after: string): AsyncGenerator<ListedObject, void, undefined> {
    let last = '';
    for await (const object of inUtf16Order(this.#pages())) {
      if (object.key <= last) throw otherOrder();
      last = object.key;
      if (last > after) yield object;
    }
  }

  async *#pages(): AsyncGenerator<ListedObject, void, undefined> {
    try {
      for await (const { name, properties } of this.client.listBlobsFlat({ prefix: this.prefix })) {
        const key = name.slice(this.prefix.length);
        // The folder itself may be an object, of another program.
        if (key) yield { key, modified: properties.lastModified };
      }
    } catch (cause) {
      throw azureError(cause, 'list objects');
    }
  }
}

/** Size, time and entity-tag of the whole object, from the answer to a request. */
export function infoOf(answer: {
  readonly contentRange?: string;
  readonly contentLength?: number;
  readonly lastModified?: Date;
  readonly etag?: string;
}): ObjectInfo {
  const total = /\/(\d+)$/.exec(answer.contentRange ?? '')?.[1];
  const size = total === undefined ? answer.contentLength : Number(total);
  if (size === undefined) {
    throw new FileFieldError('storage_failed', 'The container did not say how large the object is.');
  }
  return { size, modified: answer.lastModified, etag: etagOf(answer.etag) };
}

/** An entity-tag without its quotes. */
export const etagOf = (etag: string | undefined) => etag?.replaceAll('"', '');

/** The bytes of an answer, which must be those of the range. */
function bytesOf(answer: BlobDownloadResponseParsed, key: string, range?: ByteRange): Readable {
  // In Node the body of an answer is a stream of Node.
  const bytes = answer.readableStreamBody as Readable;
  if (!range || answer.contentRange?.startsWith(`bytes ${range.start}-${range.end}/`)) return bytes;
  bytes.on('error', () => undefined).destroy();
  // An object that ends within the range is answered with what there is of it.
  throw new FileFieldError('incomplete', 'The object ends before the range.', { key });
}

function wasCut(key: string, cause: unknown): FileFieldError {
  const text = 'The connection to the container broke again and again while an object was read: try again later.';
  return new FileFieldError('unavailable', text, { key, cause });
}

function otherOrder(): FileFieldError {
  const text =
    'The account lists its objects in another order than that of their names, as accounts with a hierarchical namespace ' +
    'do: keep objects in an account without it.';
  return new FileFieldError('unsupported', text);
}
