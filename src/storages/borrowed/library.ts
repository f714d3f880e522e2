import { FileFieldError, isFileFieldError, type FileFieldErrorCode } from '../../errors.js';
import type { ByteRange } from '../../file/body.js';
import type { ObjectInfo, WriteOptions } from '../../file/storage.js';

/** Bytes that are open in a library of storages. */
export interface LibraryBody {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Frees what the library holds, as far as it can. */
  close(): void;
}

/** What a library of storages can do, with the keys of this library. Its errors are its own. */
export interface Library {
  readonly name: string;
  /** Writes bytes, each chunk of which may be kept. Replaces an object. */
  put(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<unknown>;
  /** Renames an object, and replaces another. */
  move(from: string, to: string): Promise<unknown>;
  /** Opens an object; with a range only if the library has ranges. */
  open(key: string, range: ByteRange | undefined): Promise<LibraryBody>;
  /** True if `open` returns a range; otherwise the bytes before it are read and skipped. */
  readonly hasRanges: boolean;
  /** Rejects if there is no such object. */
  stat(key: string): Promise<ObjectInfo>;
  /** May reject if there is no such object. */
  delete(key: string): Promise<unknown>;
}

const byCode: Readonly<Record<string, FileFieldErrorCode>> = {
  ENOENT: 'not_found',
  ENOTDIR: 'not_found',
  NotFound: 'not_found',
  NoSuchKey: 'not_found',
  'flystorage.file_was_not_found': 'not_found',
  404: 'not_found',
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  507: 'no_space',
  ENAMETOOLONG: 'invalid_key',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  ENOTFOUND: 'unavailable',
  EAI_AGAIN: 'unavailable',
  ETIMEDOUT: 'unavailable',
  EPIPE: 'unavailable',
  429: 'unavailable',
  500: 'unavailable',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};

/** An error of a library as a `FileFieldError`. `action` completes the sentence "flydrive could not …". */
export function libraryError(library: string, cause: unknown, action: string, key: string): FileFieldError {
  let found: FileFieldErrorCode | undefined;
  // The libraries wrap what their drivers throw.
  for (const each of causesOf(cause)) {
    if (isFileFieldError(each)) return each;
    const { code, name, statusCode, $metadata } = each;
    for (const sign of [code, name, statusCode, $metadata?.httpStatusCode]) found ??= byCode[String(sign)];
  }
  const category = found ?? 'storage_failed';
  const text = category === 'not_found' ? 'There is no such object.' : `${library} could not ${action}: see the cause.`;
  return new FileFieldError(category, text, { key, cause });
}

interface Sign {
  readonly name?: unknown;
  readonly cause?: unknown;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

function causesOf(error: unknown): Sign[] {
  const causes: Sign[] = [];
  let each = error as Sign | null | undefined;
  for (; typeof each === 'object' && each !== null && causes.length < 8; each = each.cause as Sign) causes.push(each);
  return causes;
}
