import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { FileFieldError } from '../errors.js';
import type { FileSource } from './file.js';
import { cleanName } from './name.js';

/** A file on this machine, or a file of multer: `{ path }` from its disk engine, `{ buffer }` from its memory engine. */
export type UploadedFile = FileOnDisk | FileInMemory;

/** A file on this machine. */
export interface FileOnDisk {
  /** Path; a relative one is resolved against the working directory. */
  readonly path: string;
  /**
   * The uploader's file name.
   * @default the last part of the path
   */
  readonly originalname?: string;
  /** Bytes; not trusted. */
  readonly size?: number;
}

/** A file in memory. */
export interface FileInMemory {
  /** All bytes. */
  readonly buffer: Uint8Array;
  /** The uploader's file name. */
  readonly originalname?: string;
}

/**
 * Everything that bytes may come from. A string is content, not a path: for a local file pass `{ path }`. A stored file, or
 * any other `FileSource`, is copied.
 */
export type UploadSource =
  | string
  | Uint8Array
  | Blob
  | AsyncIterable<Uint8Array | string>
  | ReadableStream<Uint8Array>
  | UploadedFile
  | FileSource;

/** Incoming bytes, in the form that staging reads. */
export interface Upload {
  open(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
  /** The uploader's file name, cleaned; absent if there is none. */
  readonly name?: string;
  /** Bytes; absent if the source does not know. */
  readonly size?: number;
}

/** Turns a source into an upload. Opens nothing, but looks for a local path. Rejects with `invalid_value` or `not_found`. */
export async function toUpload(source: UploadSource, name?: string): Promise<Upload> {
  const upload = await uploadOf(source);
  const given = cleanName(name ?? upload.name);
  return { open: () => upload.body, close: async () => undefined, ...(upload.size !== undefined && { size: upload.size }), ...(given && { name: given }) };
}

type Old = { body: AsyncIterable<Uint8Array>; name?: string; size?: number };
async function uploadOf(source: UploadSource): Promise<Old> {
  if (typeof source === 'string') return fromBytes(Buffer.from(source, 'utf8'));
  if (source instanceof Uint8Array) return fromBytes(source);
  if (typeof source !== 'object' || source === null) throw unusable(typeof source);
  if (isBlob(source)) {
    const name = 'name' in source && typeof source.name === 'string' ? source.name : undefined;
    return { body: fromWeb(source.stream()), size: source.size, ...(name && { name }) };
  }
  if (isFileSource(source)) {
    return { body: fromFile(source), name: source.name, ...(source.size !== undefined && { size: source.size }) };
  }
  if (Symbol.asyncIterator in source) return { body: fromChunks(source as AsyncIterable<Uint8Array | string>) };
  if (isWebStream(source)) return { body: fromWeb(source) };
  if ('buffer' in source && source.buffer instanceof Uint8Array) {
    return { ...fromBytes(source.buffer), ...(source.originalname && { name: source.originalname }) };
  }
  if ('path' in source && typeof source.path === 'string') return fromPath(source.path, source.originalname);
  throw unusable(kindOf(source));
}

function fromBytes(bytes: Uint8Array): Old {
  return { body: fromChunks([bytes]), size: bytes.byteLength };
}

async function fromPath(file: string, name = path.basename(file)): Promise<Old> {
  const stats = await stat(file).catch((cause: unknown) => {
    throw new FileFieldError('not_found', 'The local file to upload cannot be found.', { cause });
  });
  if (!stats.isFile()) throw new FileFieldError('invalid_value', 'The local path to upload is not a file.');
  // A range with inclusive ends cannot be empty.
  if (stats.size === 0) return { ...fromBytes(new Uint8Array(0)), name };
  return { body: createReadStream(file, { highWaterMark: 256 * 1024, end: stats.size - 1 }), size: stats.size, name };
}

async function* fromFile(file: FileSource): AsyncGenerator<Uint8Array, void, undefined> {
  const body = await file.open();
  try {
    yield* body.stream();
  } finally {
    body.close();
  }
}

async function* fromChunks(
  chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    if (typeof chunk === 'string') yield Buffer.from(chunk, 'utf8');
    else if (chunk instanceof Uint8Array) yield chunk;
    else throw unusable('a stream of something other than bytes or text');
  }
}

// Web streams are not async iterable in every type library, nor in every browser's Blob.
async function* fromWeb(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      finished = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!finished) await reader.cancel();
  }
}

function isBlob(source: object): source is Blob {
  return source instanceof Blob || ('arrayBuffer' in source && 'stream' in source && 'size' in source);
}

function isFileSource(source: object): source is FileSource {
  return 'open' in source && typeof source.open === 'function' && 'name' in source;
}

function isWebStream(source: object): source is ReadableStream<Uint8Array> {
  return 'getReader' in source;
}

function unusable(what: string): FileFieldError {
  return new FileFieldError(
    'invalid_value',
    `A file cannot be made from ${what}; pass a string, bytes, a Blob, a stream, an async iterable, or { path }.`,
  );
}

function kindOf(source: object): string {
  return 'then' in source ? 'a promise (await it first)' : 'an object of another kind';
}
