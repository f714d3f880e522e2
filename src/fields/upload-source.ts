import type { Readable } from 'node:stream';
import { types } from 'node:util';
import { FileFieldError } from '../errors.js';
import { bytesBody, collect, whole, type FileBody } from '../file/body.js';
import type { FileSource } from '../file/file.js';
import { localUpload, type FileOnDisk, type LocalUploadOptions, type MulterProperties } from '../file/local-upload.js';
import { cleanName, mendName } from '../file/name.js';
import { makeUpload, readableUpload, usedBefore, type Upload } from '../file/upload.js';
import { blobUpload, responseUpload, streamUpload } from './web-upload.js';

/** A file in memory, such as a file of multer's memory engine. */
export interface FileInMemory extends MulterProperties {
  /** All bytes. */
  readonly buffer: Uint8Array;
  /** Not used. */
  readonly path?: string | undefined;
  /** Only for files on the disk. */
  readonly temporary?: undefined;
}

/** A file of a form, as @fastify/multipart gives it: before it is read, or after its own `toBuffer`. */
export interface MultipartFile {
  /** The bytes as they arrive. */
  readonly file: Readable;
  /** The uploader's file name. */
  readonly filename?: string | undefined;
  /** All bytes; used if they were read before, as with the option `attachFieldsToBody`. */
  toBuffer?(): Promise<Uint8Array>;
}

/** A file of graphql-upload; await its promise first. */
export interface GraphqlFile {
  /** Opens the bytes. */
  createReadStream(): Readable;
  /** The uploader's file name. */
  readonly filename: string;
}

/**
 * Everything that bytes may come from. Text is content, not a path: for a local file pass `{ path }`, for a data URI
 * `dataUri(text)`, for a URL `remoteFile(url)`. A stored file, or any other `FileSource`, is copied.
 */
export type UploadSource =
  | string
  | Uint8Array
  | Blob
  | Response
  | AsyncIterable<Uint8Array | string>
  | ReadableStream<Uint8Array>
  | FileOnDisk
  | FileInMemory
  | MultipartFile
  | GraphqlFile
  | FileSource;

/**
 * Turns a source into an upload, which the caller must close. Opens nothing, but looks for a local path. From the call on,
 * an error of a stream does not end the process. Rejects with `invalid_value` for a source of which bytes may be missing.
 *
 * @param name replaces the name of the source; both are cleaned
 * @param local when a local file is opened
 */
export async function toUpload(source: UploadSource, name?: string, local?: LocalUploadOptions): Promise<Upload> {
  const upload = await uploadOf(source, local);
  return { ...upload, name: cleanName(name ?? upload.name) };
}

function uploadOf(source: UploadSource, local: LocalUploadOptions | undefined): Upload | Promise<Upload> {
  if (typeof source === 'string') return bytesUpload(source);
  if (types.isUint8Array(source)) return bytesUpload(source);
  if (typeof source !== 'object' || source === null) throw unusable(typeof source);
  if (source instanceof Blob || hasMethod(source, 'arrayBuffer', 'stream')) return blobUpload(source as Blob);
  if (hasMethod(source, 'arrayBuffer') && 'status' in source) return responseUpload(source as Response);
  if (hasMethod(source, 'open') && 'name' in source) return sourceUpload(source as FileSource);
  if (isReadable(source)) return readableUpload(source);
  if (hasMethod(source, 'getReader')) return streamUpload(source as ReadableStream);
  if (Symbol.asyncIterator in source) return iterableUpload(source);
  if (hasMethod(source, 'createReadStream') && 'filename' in source) return graphqlUpload(source as GraphqlFile);
  if ('file' in source && isReadable(source.file)) return multipartUpload(source as MultipartFile);
  if ('buffer' in source && types.isUint8Array(source.buffer)) return memoryUpload(source as FileInMemory);
  if ('path' in source && typeof source.path === 'string') return localUpload(source as FileOnDisk, local);
  throw unusable(kindOf(source));
}

function bytesUpload(content: string | Uint8Array): Upload {
  const size = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  const readAt = typeof content === 'string' ? undefined : bytesBody(content).read;
  return makeUpload({ begin: () => [content], size, ...(readAt && { readAt }) });
}

function memoryUpload({ buffer, originalname, size }: FileInMemory): Upload {
  const upload = bytesUpload(buffer);
  return {
    ...upload,
    size: size ?? upload.size,
    name: originalname === undefined ? undefined : mendName(originalname),
  };
}

function iterableUpload(source: AsyncIterable<unknown>): Upload {
  let begun = false;
  return makeUpload({
    begin() {
      begun = true;
      return source;
    },
    // A generator that was never started has no other end.
    release: () => (!begun && hasMethod(source, 'return') ? source.return() : undefined),
  });
}

function graphqlUpload(source: GraphqlFile): Upload {
  let opened: Upload | undefined;
  return makeUpload({
    name: source.filename,
    begin: () => (opened = readableUpload(source.createReadStream())).open(),
    release: () => opened?.close(),
  });
}

function multipartUpload(part: MultipartFile): Upload {
  const { file, filename } = part;
  const name = filename === undefined ? {} : { name: filename };
  if (!file.readableDidRead || !part.toBuffer) return { ...readableUpload(file), ...name };
  // What toBuffer() gives if something else has read the stream is empty.
  const size = 'bytesRead' in file && typeof file.bytesRead === 'number' ? file.bytesRead : undefined;
  if (size === undefined) throw usedBefore('was read');
  return makeUpload({
    ...name,
    size,
    async *begin() {
      yield await part.toBuffer!();
    },
  });
}

/** A file of a storage is read at any position by ranges; others may be made anew for each. */
function sourceUpload(file: FileSource): Upload {
  const { name, size, origin } = file;
  let body: FileBody | undefined;
  return makeUpload({
    name,
    ...(size !== undefined && { size }),
    async *begin() {
      body = await file.open();
      yield* body.size === undefined ? body.stream() : whole(body.stream(), body.size);
    },
    release() {
      body?.close();
      file.close?.();
    },
    ...(origin &&
      size !== undefined && {
        async readAt(buffer, position) {
          const end = Math.min(position + buffer.byteLength, size) - 1;
          if (end < position) return 0;
          const bytes = await collect(await file.open({ start: position, end }));
          buffer.set(bytes);
          return bytes.byteLength;
        },
      }),
  });
}

function isReadable(source: unknown): source is Readable {
  return (
    typeof source === 'object' && source !== null && hasMethod(source, 'pipe', 'on') && Symbol.asyncIterator in source
  );
}

function hasMethod<Name extends string>(source: object, ...names: Name[]): source is Record<Name, () => unknown> {
  return names.every((name) => typeof (source as Record<string, unknown>)[name] === 'function');
}

function unusable(what: string): FileFieldError {
  return new FileFieldError(
    'invalid_value',
    `A file cannot be made from ${what}; pass text, bytes, a Blob, a stream, an async iterable, a response of fetch, or { path }.`,
  );
}

function kindOf(source: object): string {
  if ('then' in source) return 'a promise (await it first)';
  if (source instanceof URL) return 'a URL (pass { path: fileURLToPath(url) }, or remoteFile(url))';
  return 'an object of another kind';
}
