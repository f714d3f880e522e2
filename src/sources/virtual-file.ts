import { Readable } from 'node:stream';
import { FileFieldError } from '../errors.js';
import type { ByteRange, FileBody, FileSource } from '../file/file.js';

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
    return { ...described, size: bytes.byteLength, open: async (range) => bytesBody(part(bytes, range)) };
  }
  return {
    ...described,
    open: async (range) => streamBody(typeof content === 'function' ? content() : content, options.size, range),
    // A stream that nobody asked for, after HEAD or 304, would wait for ever.
    close: () => typeof content !== 'function' && abandon(content),
  };
}

function part(bytes: Uint8Array, range?: ByteRange): Uint8Array {
  return range ? bytes.subarray(range.start, range.end + 1) : bytes;
}

function bytesBody(bytes: Uint8Array): FileBody {
  return {
    size: bytes.byteLength,
    async read(buffer, position) {
      const read = bytes.subarray(position, position + buffer.byteLength);
      buffer.set(read);
      return read.byteLength;
    },
    async *stream() {
      if (bytes.byteLength > 0) yield bytes;
    },
    close() {},
  };
}

function streamBody(chunks: Chunks, whole: number | undefined, range?: ByteRange): FileBody {
  const size = range ? range.end - range.start + 1 : whole;
  return {
    ...(size !== undefined && { size }),
    stream: () => cut(chunks, range),
    close: () => abandon(chunks),
  };
}

/** A stream has no random access: what is before a range is made and thrown away, what is behind it is not made. */
async function* cut(chunks: Chunks, range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
  let position = 0;
  for await (const given of chunks) {
    const chunk = typeof given === 'string' ? Buffer.from(given, 'utf8') : given;
    if (!(chunk instanceof Uint8Array)) throw new FileFieldError('invalid_value', 'Content must be text or bytes.');
    const kept = range
      ? chunk.subarray(Math.max(0, range.start - position), Math.max(0, range.end + 1 - position))
      : chunk;
    if (kept.byteLength > 0) yield kept;
    position += chunk.byteLength;
    if (range && position > range.end) return;
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
