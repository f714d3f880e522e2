import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { FileFieldError, isFileFieldError } from '../errors.js';
import type { ByteRange, FileBody } from '../file/file.js';
import type { RemoteHead } from './remote-head.js';

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * The body of another server's answer, or the part of it that is wanted: a server that ignores ranges sends all of it,
 * and what is not wanted is dropped on the way.
 */
export function remoteBody(
  message: IncomingMessage,
  head: RemoteHead,
  range: ByteRange | undefined,
  timeout = 30_000,
): FileBody {
  const decode = head.encoding === undefined ? undefined : decoders[head.encoding];
  if (head.encoding !== undefined && !decode) {
    message.destroy();
    throw new FileFieldError('upstream_failed', `The other server encodes its answer as "${head.encoding}".`);
  }
  const size = range ? range.end - range.start + 1 : head.size;
  const from = (range?.start ?? 0) - (head.part?.start ?? 0);
  return {
    ...(size !== undefined && { size }),
    stream: () => cut(decode ? pipeline(message, decode(), () => undefined) : message, from, size ?? Infinity, timeout),
    close: () => finish(message),
  };
}

async function* cut(
  source: Readable,
  from: number,
  size: number,
  timeout: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let skip = from;
  let left = size;
  try {
    while (left > 0) {
      const chunk = await next(chunks, timeout);
      if (!chunk) return;
      const kept = chunk.subarray(Math.min(skip, chunk.byteLength)).subarray(0, left);
      skip = Math.max(0, skip - chunk.byteLength);
      left -= kept.byteLength;
      if (kept.byteLength > 0) yield kept;
    }
  } finally {
    finish(source);
  }
}

/** Received to its end, the connection may serve again; else it is closed, and the other server stops sending. */
function finish(source: Readable | IncomingMessage): void {
  if ('complete' in source && source.complete) source.resume();
  else source.destroy();
}

/** The next chunk; undefined at the end. The time only runs while it is waited for: a slow client is no fault of the server. */
async function next(chunks: AsyncIterator<Buffer>, timeout: number): Promise<Buffer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new FileFieldError('upstream_timeout', 'The other server stopped in the middle of a file.');
    timer = setTimeout(() => reject(error), timeout);
  });
  try {
    const result = await Promise.race([chunks.next(), late]);
    return result.done ? undefined : result.value;
  } catch (cause) {
    if (isFileFieldError(cause)) throw cause;
    throw new FileFieldError('upstream_failed', 'The other server broke off in the middle of a file.', { cause });
  } finally {
    clearTimeout(timer);
  }
}
