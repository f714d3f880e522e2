import { Readable } from 'node:stream';
import { FileFieldError } from '../errors.js';
import { bytesBody, exactly, lengthOf, skip, type ByteRange, type FileBody } from '../file/body.js';
import type { FileSource } from '../file/file.js';

/** Content that is made while it is sent: chunks of bytes, or of text in UTF-8. */
export type VirtualContent = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/** A file that your program generates. */
export interface VirtualFileOptions {
  /** File name shown to clients. */
  readonly name: string;
  /**
   * Text (sent as UTF-8), bytes, or content that is generated while it is sent: a Node or Web stream, a generator or any
   * other iterable, which can be served once, or a function that starts one for each download. A HEAD request starts none.
   */
  readonly content: string | Uint8Array | VirtualContent | (() => VirtualContent);
  /**
   * Length of a stream in bytes. Without it the response has no Content-Length, and clients can neither resume the
   * download nor detect that it was cut.
   * @default the length of text or bytes; unknown for a stream
   */
  readonly size?: number;
  /**
   * Media type.
   * @default the type of the name's extension
   */
  readonly type?: string;
  /** Time of the last change, for Last-Modified. */
  readonly modified?: Date;
  /** Entity-tag with its quotes, `"x"`. It must change whenever the bytes do. */
  readonly etag?: string;
}

/**
 * A file that your program generates: a report, an export, an archive that is built while it is sent. A range of a stream
 * is generated from the start; the bytes before the range are dropped.
 *
 * @example
 * ```ts
 * import { downloadView, virtualFile } from 'filefield';
 *
 * const report = downloadView(async () => ({
 *   subject: null,
 *   file: () => virtualFile({ name: 'report.csv', content: 'id,total\n1,20\n' }),
 * }));
 * ```
 */
export function virtualFile(options: VirtualFileOptions): FileSource {
  const { content, ...description } = options;
  if (typeof content === 'string' || content instanceof Uint8Array) {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    return { ...description, size: bytes.byteLength, open: async (range) => bytesBody(bytes, range) };
  }
  return {
    ...description,
    readsFromStart: true,
    open: async (range) => streamBody(typeof content === 'function' ? content() : content, options.size, range),
    // After HEAD or 304 the stream is not read; without this it would stay open.
    close: () => typeof content !== 'function' && endContent(content),
  };
}

function streamBody(chunks: VirtualContent, size: number | undefined, range?: ByteRange): FileBody {
  const close = () => endContent(chunks);
  if (!range) return { ...(size !== undefined && { size }), stream: () => toBytes(chunks), close };
  // A stream has no random access: it starts at its first byte, and ends with the range.
  return exactly({ stream: () => skip(toBytes(chunks), range.start), close }, lengthOf(range));
}

async function* toBytes(chunks: VirtualContent): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const value of chunks) {
    const chunk = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    if (!(chunk instanceof Uint8Array))
      throw new FileFieldError('invalid_value', 'The chunks of a virtual file must be text or bytes.');
    if (chunk.byteLength > 0) yield chunk;
  }
}

/** Ends a stream or generator, also one that was never started, so that it releases its resources. */
function endContent(chunks: VirtualContent): void {
  const ignore = () => undefined;
  if (chunks instanceof Readable) chunks.destroy();
  else if (chunks instanceof ReadableStream) void (chunks.locked ? undefined : chunks.cancel().catch(ignore));
  else if ('return' in chunks && typeof chunks.return === 'function') {
    void Promise.resolve(chunks.return() as unknown).catch(ignore);
  }
}
