import busboy from 'busboy';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { FileFieldError } from '../errors.js';
import { cleanName } from '../file/name.js';
import { readableUpload, type Upload } from '../file/upload.js';
import { byteSize, wholeNumber, type ByteSize } from '../options.js';
import type { StagingOptions } from './stage.js';

/** The limits of a form. Exceeding one is an error. */
export interface ReceiveOptions {
  /**
   * Largest file, where the field sets none.
   * @default '100 MiB'
   */
  readonly maxSize?: ByteSize;
  /**
   * Largest number of text fields. Their names have at most 100 bytes each.
   * @default 100
   */
  readonly maxFields?: number;
  /**
   * Largest text field.
   * @default '64 KiB'
   */
  readonly maxFieldSize?: ByteSize;
  /**
   * Largest number of files.
   * @default 1
   */
  readonly maxFiles?: number;
}

/** What a multipart form held. */
export interface Received<File> {
  /** The first file of the field; null when none was chosen. */
  readonly file: File | null;
  /** All files, in the order in which they came. */
  readonly files: readonly File[];
  /** Text fields; of a repeated one the last value. */
  readonly fields: Readonly<Record<string, string>>;
}

/** What happens to the files of a form. */
export interface FileKeeper<File> {
  readonly keep: (upload: Upload, options: StagingOptions) => Promise<File>;
  readonly discard: (file: File) => Promise<void>;
}

interface Limits {
  readonly maxSize: number;
  readonly maxFields: number;
  readonly maxFieldSize: number;
  readonly maxFiles: number;
}

/**
 * Reads a multipart form and hands each file of the form field `name` to the keeper while it arrives; nothing is buffered.
 * Every limit is an error, and so is a body that is cut off; files in other form fields are refused. When it rejects, the
 * files that were kept already are discarded.
 */
export async function receiveForm<File>(
  request: IncomingMessage,
  name: string,
  keeper: FileKeeper<File>,
  options: ReceiveOptions = {},
): Promise<Received<File>> {
  const limits = {
    maxSize: byteSize('maxSize', options.maxSize ?? '100 MiB'),
    maxFields: wholeNumber('maxFields', options.maxFields ?? 100),
    maxFieldSize: byteSize('maxFieldSize', options.maxFieldSize ?? '64 KiB'),
    maxFiles: wholeNumber('maxFiles', options.maxFiles ?? 1, { from: 1 }),
  };
  const form = new FormReader(request, name, keeper.keep, limits);
  try {
    await form.read();
    const files = await Promise.all(form.pending);
    return { file: files[0] ?? null, files, fields: form.fields };
  } catch (error) {
    form.stop(error);
    for (const result of await Promise.allSettled(form.pending)) {
      if (result.status === 'fulfilled') await keeper.discard(result.value);
    }
    throw error;
  }
}

/** Bytes. */
const longestFieldName = 100;

class FormReader<File> {
  // Without a prototype: a field may be named "__proto__".
  readonly fields = Object.create(null) as Record<string, string>;
  readonly pending: Promise<File>[] = [];
  readonly #parser: busboy.Busboy & { destroy(error?: Error): void };
  readonly #abort = new AbortController();
  readonly #parts = new Set<Readable>();
  #fail: (error: unknown) => void = () => undefined;

  constructor(
    private readonly request: IncomingMessage,
    private readonly name: string,
    private readonly keep: FileKeeper<File>['keep'],
    private readonly limits: Limits,
  ) {
    this.#parser = createParser(request, limits);
  }

  read(): Promise<void> {
    const { request, limits } = this;
    return new Promise((resolve, reject) => {
      const fail = (this.#fail = reject);
      this.#parser
        .on('field', (field, value, info) => this.#field(field, value, info))
        .on('file', (field, stream, info) => this.#file(field, stream, info.filename))
        .on('fieldsLimit', () => fail(overLimit('maxFields', limits.maxFields)))
        .on('filesLimit', () => fail(overLimit('maxFiles', limits.maxFiles)))
        .on('partsLimit', () => fail(overLimit('maxParts', limits.maxFields + limits.maxFiles)))
        .on('error', (error) => fail(malformed(error)))
        .on('close', resolve);
      // `pipe` does not tell the parser that the client has gone.
      request.on('error', (error) => fail(cutOff(error)));
      request.on('close', () => {
        if (!request.readableEnded) fail(cutOff());
      });
      if (request.destroyed && !request.readableEnded) fail(cutOff());
      request.pipe(this.#parser as unknown as NodeJS.WritableStream);
    });
  }

  /** Ends everything: files that are being kept fail, and what still arrives is dropped. */
  stop(error: unknown): void {
    const reason = error instanceof Error ? error : new Error(String(error));
    this.#abort.abort(reason);
    this.request.unpipe();
    // Nobody must wait for the rest of a part.
    for (const part of this.#parts) part.destroy(reason);
    this.#parser.destroy(reason);
    drain(this.request);
  }

  #field(field: string, value: string, info: { nameTruncated: boolean; valueTruncated: boolean }): void {
    if (info.valueTruncated) this.#fail(overLimit('maxFieldSize', this.limits.maxFieldSize, field));
    // In a multipart form the parser does not limit names, except by the size of a part's headers.
    else if (info.nameTruncated || Buffer.byteLength(field) > longestFieldName)
      this.#fail(overLimit('maxFieldNameSize', longestFieldName));
    else this.fields[field] = value;
  }

  #file(field: string, stream: Readable, fileName: string | undefined): void {
    this.#parts.add(stream);
    stream.on('close', () => this.#parts.delete(stream));
    // An unhandled error of one part would end the process. After an AbortError `keep` has rejected with the reason.
    stream.on('error', (error) => {
      if (error.name !== 'AbortError') this.#fail(malformed(error));
    });
    // A file input in which no file was chosen.
    if (!fileName) return void stream.resume();
    if (field !== this.name) return this.#fail(unexpected(field));
    // Browsers escape only quotes and line breaks in a name (WHATWG HTML, multipart/form-data encoding).
    const name = cleanName(fileName.replaceAll('%22', '"'));
    const { maxSize } = this.limits;
    const kept = this.keep(readableUpload(stream, name), { signal: this.#abort.signal, maxSize });
    kept.catch(this.#fail);
    this.pending.push(kept);
  }
}

const patience = 10_000;

/** Reads and drops the rest of the request for ten seconds at most, so that the response can be sent on this connection. */
function drain(request: IncomingMessage): void {
  request.resume();
  if (request.readableEnded || request.destroyed) return;
  const timer = setTimeout(() => request.destroy(), patience).unref();
  request.once('close', () => clearTimeout(timer));
}

function createParser(request: IncomingMessage, limits: Limits): busboy.Busboy & { destroy(error?: Error): void } {
  try {
    return busboy({
      headers: request.headers,
      // Browsers send UTF-8 without saying so.
      defParamCharset: 'utf8',
      limits: {
        fields: limits.maxFields,
        fieldSize: limits.maxFieldSize,
        files: limits.maxFiles,
        // busboy refuses a form that reaches this limit, not only one that exceeds it.
        parts: limits.maxFields + limits.maxFiles + 1,
        headerPairs: 100,
      },
    }) as busboy.Busboy & { destroy(error?: Error): void };
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
