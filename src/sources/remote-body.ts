import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { FileFieldError, isFileFieldError } from '../errors.js';
import { exactly, lengthOf, skip, type ByteRange, type FileBody } from '../file/body.js';

const decoders: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

/** What a response contains. */
interface Content {
  /** Length of the whole file in bytes. */
  readonly size?: number;
  /** The range that the response contains; absent for the whole file. */
  readonly part?: ByteRange;
  /** The content coding that has to be decoded. */
  readonly encoding?: string;
}

/**
 * The body of another server's response, or the wanted range of it. If the server ignored the range and sends the whole
 * file, the bytes before the range are dropped and the connection is closed after it.
 *
 * @param timeout milliseconds to wait for each chunk
 * @throws `upstream_failed` for an unknown content coding
 */
export function remoteBody(
  message: IncomingMessage,
  { size: wholeSize, part, encoding }: Content,
  range: ByteRange | undefined,
  timeout: number,
): FileBody {
  const decode = encoding === undefined ? undefined : decoders.get(encoding);
  if (encoding !== undefined && !decode) {
    message.destroy();
    throw new FileFieldError('upstream_failed', `The other server encodes its response as "${encoding}".`);
  }
  const size = range ? lengthOf(range) : wholeSize;
  const before = (range?.start ?? 0) - (part?.start ?? 0);
  const body: FileBody = {
    stream: () => skip(chunksOf(decode ? pipeline(message, decode(), () => undefined) : message, timeout), before),
    close: () => releaseConnection(message),
  };
  return size === undefined ? body : exactly(body, size);
}

async function* chunksOf(source: Readable, timeout: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (let chunk = await nextChunk(chunks, timeout); chunk; chunk = await nextChunk(chunks, timeout)) yield chunk;
  } finally {
    releaseConnection(source);
  }
}

/** A connection whose response was read to the end is reused; any other is closed, so that the server stops sending. */
function releaseConnection(source: Readable | IncomingMessage): void {
  if ('complete' in source && source.complete) source.resume();
  else source.destroy();
}

/**
 * The next chunk, or undefined at the end. The timeout covers only the wait for the other server, so a slow client never
 * causes it.
 */
async function nextChunk(chunks: AsyncIterator<Buffer>, timeout: number): Promise<Buffer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new FileFieldError('upstream_timeout', 'The other server stopped sending in the middle of a file.');
    timer = setTimeout(() => reject(error), timeout);
  });
  try {
    const result = await Promise.race([chunks.next(), late]);
    return result.done ? undefined : result.value;
  } catch (cause) {
    if (isFileFieldError(cause)) throw cause;
    throw new FileFieldError('upstream_failed', 'The connection to the other server broke in the middle of a file.', {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}
