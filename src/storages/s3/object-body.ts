import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { FileFieldError } from '../../errors.js';
import { lengthOf, type ByteRange } from '../../file/body.js';
import type { ObjectBody, ObjectInfo } from '../../file/storage.js';
import { Connection, ResumedBody, wasReplaced } from '../shared/resumed-body.js';
import { failureOf, s3Error } from './s3-error.js';

/** Sends a GET for a range of the object; with an entity-tag only if the object still has it. */
export type Get = (
  range: ByteRange | undefined,
  etag: string | undefined,
  signal: AbortSignal,
) => Promise<GetObjectCommandOutput>;

/** Opens an object, or one range of it. The answer is checked: its bytes are those of the range, and no others. */
export async function openObject(get: Get, key: string, range?: ByteRange): Promise<ObjectBody> {
  const abort = new AbortController();
  const output = await get(range, undefined, abort.signal);
  // In Node the body of an answer is a stream of Node.
  const first = new Connection(output.Body as Readable, abort);
  expectRange(output, first, key, range);
  const info = infoOf(output);
  const whole = range ?? { start: 0, end: info.size - 1 };
  const etag = output.ETag;
  const reader = {
    open: async (missing: ByteRange, signal: AbortSignal) => {
      const answer = await get(missing, etag, signal).catch((cause: unknown) => {
        throw failureOf(cause).status === 412 ? wasReplaced(key, cause) : cause;
      });
      const bytes = answer.Body as Readable;
      expectRange(answer, new Connection(bytes, new AbortController()), key, missing);
      if (answer.ETag !== etag) {
        bytes.on('error', () => undefined).destroy();
        throw wasReplaced(key);
      }
      return bytes;
    },
    // An answer that another request would get too is final, and an object whose version cannot be pinned.
    mayGoOn: (cause: unknown) => {
      const { status = 0 } = failureOf(cause);
      return etag !== undefined && (status < 400 || status >= 500);
    },
    failed: (cause: unknown) => s3Error(cause, 'read an object to its end', key),
  };
  const body = new ResumedBody(reader, key, whole, first);
  return { info, size: lengthOf(whole), stream: () => body.stream(), close: () => body.close() };
}

/** Size, time and entity-tag of the whole object, from an answer to GET or HEAD. */
export function infoOf(output: {
  readonly ContentRange?: string | undefined;
  readonly ContentLength?: number | undefined;
  readonly LastModified?: Date | undefined;
  readonly ETag?: string | undefined;
}): ObjectInfo {
  const total = /\/(\d+)$/.exec(output.ContentRange ?? '')?.[1];
  const size = total === undefined ? output.ContentLength : Number(total);
  if (size === undefined) throw new FileFieldError('storage_failed', 'The bucket did not say how large the object is.');
  return { size, modified: output.LastModified, etag: etagOf(output.ETag) };
}

/** An entity-tag without its quotes; undefined for a weak one, which says nothing about the bytes. */
export function etagOf(etag: string | undefined): string | undefined {
  return etag?.startsWith('W/') ? undefined : etag?.replaceAll('"', '');
}

/** Some servers ignore a range. */
function expectRange(output: GetObjectCommandOutput, connection: Connection, key: string, range?: ByteRange): void {
  const asked = range && `bytes ${range.start}-${range.end}/`;
  if (!asked || output.ContentRange?.startsWith(asked)) return;
  connection.stop();
  const text = 'The server answered with other bytes than the range that was asked for.';
  throw new FileFieldError('storage_failed', text, { key });
}
