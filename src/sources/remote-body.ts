import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { FileFieldError, isFileFieldError } from '../errors.js';
import { exactly, lengthOf, skip, type ByteRange, type FileBody } from '../file/body.js';
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
  const size = range ? lengthOf(range) : head.size;
  const before = (range?.start ?? 0) - (head.part?.start ?? 0);
  const body: FileBody = {
    stream: () => skip(received(decode ? pipeline(message, decode(), () => undefined) : message, timeout), before),
    close: () => finish(message),
  };
  return size === undefined ? body : exactly(body, size);
}

async function* received(source: Readable, timeout: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (let chunk = await next(chunks, timeout); chunk; chunk = await next(chunks, timeout)) yield chunk;
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
