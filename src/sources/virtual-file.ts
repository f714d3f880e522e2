import { Readable } from 'node:stream';
import { FileFieldError } from '../errors.js';
import { bytesBody, exactly, lengthOf, skip, type ByteRange, type FileBody } from '../file/body.js';
import type { FileSource } from '../file/file.js';

type Chunks = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

export interface VirtualFileOptions {
  /** The name shown to people. */
  readonly name: string;
  /**
   * Text, bytes, or what is made while it is sent: a Node or Web stream, a generator or any other iterable, which can be
   * served once, or a function that starts one for each download. Nothing is started for HEAD.
   */
  readonly content: string | Uint8Array | Chunks | (() => Chunks);
  /**
   * Bytes of a stream. Without it the download has no length, and can be neither resumed nor checked.
   * @default the length of text or bytes, else unknown
   */
  readonly size?: number;
  /**
   * Media type.
   * @default by the name
   */
  readonly type?: string;
  readonly modified?: Date;
  /** An entity-tag with its quotes, `"x"`; give one only if it changes whenever the bytes do. */
  readonly etag?: string;
}

/**
 * A file that exists nowhere but in your program: a report, an export, an archive made while it is sent.
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
  const { content, ...described } = options;
  if (typeof content === 'string' || content instanceof Uint8Array) {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    return { ...described, size: bytes.byteLength, open: async (range) => bytesBody(bytes, range) };
  }
  return {
    ...described,
    open: async (range) => streamBody(typeof content === 'function' ? content() : content, options.size, range),
    // A stream that nobody asked for, after HEAD or 304, would wait for ever.
    close: () => typeof content !== 'function' && abandon(content),
  };
}

function streamBody(chunks: Chunks, whole: number | undefined, range?: ByteRange): FileBody {
  const close = () => abandon(chunks);
  if (!range) return { ...(whole !== undefined && { size: whole }), stream: () => toBytes(chunks), close };
  // A stream has no random access: the bytes before the range are made and dropped, those after it are not made.
  return exactly({ stream: () => skip(toBytes(chunks), range.start), close }, lengthOf(range));
}

async function* toBytes(chunks: Chunks): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const given of chunks) {
    const chunk = typeof given === 'string' ? Buffer.from(given, 'utf8') : given;
    if (!(chunk instanceof Uint8Array)) throw new FileFieldError('invalid_value', 'Content must be text or bytes.');
    if (chunk.byteLength > 0) yield chunk;
  }
}

/** Whatever a stream or a generator holds is released, also where it was never begun. */
function abandon(chunks: Chunks): void {
  const ignore = () => undefined;
  if (chunks instanceof Readable) chunks.destroy();
  else if (chunks instanceof ReadableStream) void (chunks.locked ? undefined : chunks.cancel().catch(ignore));
  else if ('return' in chunks && typeof chunks.return === 'function') {
    void Promise.resolve(chunks.return() as unknown).catch(ignore);
  }
}
