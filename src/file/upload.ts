import type { Readable } from 'node:stream';
import { types } from 'node:util';
import { FileFieldError } from '../errors.js';
import type { ReadAt } from './body.js';
import { isPromise } from './promise.js';
import type { MovableFile } from './storage.js';

/** Incoming bytes of one file, in the form that staging reads. */
export interface Upload {
  /** Opens the bytes; called at most once. A chunk is valid until the next one is requested. */
  open(): AsyncIterable<Uint8Array>;
  /**
   * Releases the source, whether it was opened, read to its end, or not. Safe to call twice, and while a chunk is awaited;
   * never rejects. `onFault` gets what fails meanwhile, such as an error in the `finally` of a generator.
   */
  close(onFault?: (error: unknown) => void): Promise<void>;
  /** The uploader's file name; absent if there is none. */
  readonly name?: string | undefined;
  /** Bytes that the source promises; absent if it does not know. */
  readonly size?: number | undefined;
  /** Reads bytes at a position without taking them from `open`; absent if the source can be read only once. */
  readonly readAt?: ReadAt | undefined;
  /** The file on this machine that a storage may move instead of copying its bytes; absent if there is none. */
  readonly movable?: MovableFile | undefined;
}

/** What an upload is made of. */
interface UploadParts extends Pick<Upload, 'name' | 'size' | 'readAt' | 'movable'> {
  /** Begins to read; called at most once, when the first chunk is wanted. Chunks are bytes, or text, which becomes UTF-8. */
  readonly begin: () => AsyncIterable<unknown> | Iterable<unknown>;
  /** Called once all chunks were read. Throws if they are not the whole file. */
  readonly verify?: () => void | Promise<void>;
  /** Releases what the chunks alone do not release; called once, whatever was read. */
  readonly release?: () => unknown;
}

/** Makes an upload that checks its chunks and ends its source once, whatever happens. */
export function makeUpload({ begin, verify, release, ...description }: UploadParts): Upload {
  let chunks: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  let state: 'idle' | 'waiting' | 'ended' = 'idle';
  let closed: Promise<void> | undefined;

  async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
    const text = new Text();
    for (;;) {
      state = 'waiting';
      let result: IteratorResult<unknown> | undefined;
      try {
        chunks ??= iterate(begin());
        const next = chunks.next();
        result = isPromise(next) ? await next : next;
      } finally {
        state = !result || result.done ? 'ended' : 'idle';
      }
      if (result.done) break;
      const bytes = toBytes(result.value, text);
      if (bytes.byteLength > 0) yield bytes;
    }
    text.end();
    await verify?.();
  }

  async function end(onFault: (error: unknown) => void): Promise<void> {
    const returned = state !== 'ended' && attempt(() => chunks?.return?.(), onFault);
    // A generator that is computing a chunk returns only after it, so it is not waited for.
    if (state !== 'waiting') await returned;
    await attempt(() => release?.(), onFault);
  }

  return { ...description, open, close: (onFault = () => undefined) => (closed ??= end(onFault)) };
}

async function attempt(work: () => unknown, onFault: (error: unknown) => void): Promise<void> {
  try {
    await work();
  } catch (error) {
    onFault(error);
  }
}

function iterate(source: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterator<unknown> | Iterator<unknown> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

function toBytes(chunk: unknown, text: Text): Uint8Array {
  if (typeof chunk === 'string') return text.encode(chunk);
  text.end();
  if (!types.isUint8Array(chunk)) throw notBytes();
  return attached(chunk);
}

/** Bytes whose memory was transferred to a worker, say, look like no bytes. */
function attached(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength > 0) return bytes;
  try {
    return new Uint8Array(bytes.buffer, 0, 0);
  } catch (cause) {
    throw new FileFieldError('invalid_value', 'The memory of the bytes was transferred; give a copy of them.', {
      cause,
    });
  }
}

/** Encodes text in chunks, which may be cut inside a pair of surrogates. */
class Text {
  #half = '';

  encode(chunk: string): Uint8Array {
    const whole = this.#half + chunk;
    const last = whole.charCodeAt(whole.length - 1);
    const end = last >= 0xd800 && last <= 0xdbff ? whole.length - 1 : whole.length;
    this.#half = whole.slice(end);
    const text = whole.slice(0, end);
    if (!text.isWellFormed()) throw illFormed();
    return Buffer.from(text, 'utf8');
  }

  end(): void {
    if (this.#half) throw illFormed();
  }
}

/**
 * The upload of a Node stream: of bytes, or of text, which becomes UTF-8. Errors of the stream before it is read do not end
 * the process. Closing destroys it, with two exceptions: an HTTP request stays open, so that the server can answer it, and
 * the rest of a form's part is read and dropped, so that the rest of the form arrives.
 *
 * @throws `invalid_value` for a stream that was read, ended or destroyed before, has failed, or has an encoding;
 * `too_large` for a part of a form that its parser has cut.
 */
export function readableUpload(stream: Readable, name?: string): Upload {
  checkUnread(stream);
  const ignore = () => undefined;
  stream.on('error', ignore).once('close', () => stream.off('error', ignore));
  return makeUpload({
    ...(name !== undefined && { name }),
    begin() {
      if (stream.readableDidRead) throw usedBefore('was read');
      // The streams of other packages may lack `iterator`.
      const chunks = 'iterator' in stream ? stream.iterator({ destroyOnReturn: false }) : stream;
      return isRequest(stream) ? fromClient(chunks) : chunks;
    },
    verify: () => checkWhole(stream),
    release() {
      if (isRequest(stream)) return;
      if (isPart(stream)) stream.resume();
      else stream.destroy();
    },
  });
}

function checkUnread(stream: Readable): void {
  checkWhole(stream);
  if (stream.errored) throw usedBefore('failed', stream.errored);
  if (stream.readableEnded) throw usedBefore('was read to its end');
  if (stream.readableDidRead) throw usedBefore('was read');
  if (stream.destroyed) throw usedBefore('was destroyed');
  if (!stream.readableEncoding) return;
  throw new FileFieldError(
    'invalid_value',
    'The stream decodes its bytes to text, which can change them; leave out its encoding.',
  );
}

/** Parsers of forms cut a file at their own limit, and tell it only by this property. */
function checkWhole(stream: Readable): void {
  if (!('truncated' in stream) || stream.truncated !== true) return;
  throw new FileFieldError('too_large', 'The parser of the form has cut the file at its own limit.');
}

/** The chunks of a request. Node has several errors for a client that is gone. */
async function* fromClient(chunks: AsyncIterable<unknown>): AsyncGenerator<unknown, void, undefined> {
  try {
    yield* chunks;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' ? clientGone(error) : error;
  }
}

function isPart(stream: Readable): boolean {
  return 'truncated' in stream;
}

/** True for a request that a server answers; false for a response to a request of this program. */
function isRequest(stream: Readable): boolean {
  return 'method' in stream && typeof stream.method === 'string' && 'headers' in stream;
}

/** The error for a client whose connection ended before its upload. */
export function clientGone(cause?: unknown): FileFieldError {
  return new FileFieldError('aborted', 'The client went away before its upload was complete.', { cause });
}

/** The error for a source of which bytes may be missing. `what` completes the sentence "The source … before". */
export function usedBefore(what: string, cause?: unknown): FileFieldError {
  const message = `The source ${what} before it was given; give one that nothing else reads.`;
  return new FileFieldError('invalid_value', message, { cause });
}

function notBytes(): FileFieldError {
  return new FileFieldError('invalid_value', 'A chunk of the source is neither bytes (Uint8Array) nor text.');
}

function illFormed(): FileFieldError {
  return new FileFieldError('invalid_value', 'The text has half a surrogate pair, which UTF-8 cannot express.');
}
