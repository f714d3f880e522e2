import busboy from 'busboy';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { FileFieldError } from '../errors.js';
import { cleanName, type Upload } from '../upload.js';

export interface ReceiveOptions {
  /**
   * Largest file in bytes, where the field sets none.
   * @default 104_857_600 (100 MiB)
   */
  readonly maxSize?: number;
  /** Text fields at most. @default 100 */
  readonly maxFields?: number;
  /** Bytes of one text field at most. @default 65_536 */
  readonly maxFieldSize?: number;
  /** Files at most. @default 1 */
  readonly maxFiles?: number;
}

/** What a multipart form held. */
export interface Received<File> {
  /** The first file of the asked-for field; null when none was chosen. */
  readonly file: File | null;
  /** All files, in the order they came. */
  readonly files: readonly File[];
  /** Text fields; of a repeated one the last value. */
  readonly fields: Readonly<Record<string, string>>;
}

type Keep<File> = (upload: Upload, signal: AbortSignal) => Promise<File>;

const defaults = { maxFields: 100, maxFieldSize: 64 * 1024, maxFiles: 1 };

/**
 * Reads a multipart form and hands each file of the form field `name` to `keep` while it arrives; nothing is buffered.
 * Every limit is an error, as is a body that is cut off; files in other form fields are refused. When it rejects, the
 * files that were kept already are given to `discard`.
 */
export async function receiveForm<File>(
  request: IncomingMessage,
  name: string,
  keep: Keep<File>,
  discard: (file: File) => Promise<void>,
  options: ReceiveOptions = {},
): Promise<Received<File>> {
  const limits = { ...defaults, ...options };
  const parser = createParser(request, limits);
  const abort = new AbortController();
  // No prototype: a field may be called "__proto__".
  const fields = Object.create(null) as Record<string, string>;
  const pending: Promise<File>[] = [];

  const parsed = new Promise<void>((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(error instanceof Error ? error : new Error(String(error)));
      abort.abort(error);
    };
    parser.on('field', (field, value, info) => {
      if (info.valueTruncated) fail(overLimit('maxFieldSize', limits.maxFieldSize, field));
      else if (info.nameTruncated) fail(overLimit('maxFieldNameSize', 100));
      else fields[field] = value;
    });
    parser.on('fieldsLimit', () => fail(overLimit('maxFields', limits.maxFields)));
    parser.on('filesLimit', () => fail(overLimit('maxFiles', limits.maxFiles)));
    parser.on('partsLimit', () => fail(overLimit('maxParts', limits.maxFields + limits.maxFiles)));
    parser.on('file', (field, stream, info) => {
      // An unhandled error of one part would end the process.
      stream.on('error', fail);
      const fileName = info.filename as string | undefined;
      if (!fileName) return void stream.resume();
      if (field !== name) return fail(unexpected(field));
      const cleaned = cleanName(fileName);
      const kept = keep({ body: stream, ...(cleaned && { name: cleaned }) }, abort.signal);
      kept.catch(fail);
      pending.push(kept);
    });
    parser.on('error', (error) => fail(malformed(error)));
    parser.on('close', resolve);
    // `pipe` tells the parser nothing of a client that went away.
    request.on('error', (error) => fail(cutOff(error)));
    request.on('aborted', () => fail(cutOff()));
    request.on('close', () => {
      if (!request.readableEnded) fail(cutOff());
    });
    if (request.destroyed && !request.readableEnded) fail(cutOff());
  });

  request.pipe(parser as unknown as NodeJS.WritableStream);
  try {
    await parsed;
    const files = await Promise.all(pending);
    return { file: files[0] ?? null, files, fields };
  } catch (error) {
    request.unpipe();
    parser.destroy(error instanceof Error ? error : undefined);
    // What is still to come is read and dropped, so that the answer can be sent on this connection.
    request.resume();
    for (const result of await Promise.allSettled(pending)) {
      if (result.status === 'fulfilled') await discard(result.value);
    }
    throw error;
  }
}

function createParser(
  request: IncomingMessage,
  limits: typeof defaults,
): busboy.Busboy & { destroy(error?: Error): Readable } {
  try {
    return busboy({
      headers: request.headers,
      // Browsers send UTF-8 and say nothing.
      defParamCharset: 'utf8',
      limits: {
        fields: limits.maxFields,
        fieldSize: limits.maxFieldSize,
        files: limits.maxFiles,
        parts: limits.maxFields + limits.maxFiles,
        headerPairs: 100,
      },
    }) as busboy.Busboy & { destroy(error?: Error): Readable };
  } catch (cause) {
    throw new FileFieldError('malformed_upload', 'The request is not a multipart form; send multipart/form-data.', {
      cause,
    });
  }
}

function overLimit(rule: string, limit: number, field?: string): FileFieldError {
  return new FileFieldError('limit_exceeded', `The form breaks the limit ${rule} of ${limit}.`, {
    rule,
    limit,
    ...(field && { field }),
  });
}

function unexpected(field: string): FileFieldError {
  return new FileFieldError('limit_exceeded', 'The form has a file in a field that takes none.', {
    rule: 'field',
    field,
  });
}

function malformed(cause: unknown): FileFieldError {
  return cause instanceof FileFieldError
    ? cause
    : new FileFieldError('malformed_upload', 'The multipart form is malformed or was cut off.', { cause });
}

function cutOff(cause?: unknown): FileFieldError {
  return new FileFieldError('aborted', 'The client went away before its upload was complete.', { cause });
}
