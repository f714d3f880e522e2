import busboy from 'busboy';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { FileFieldError } from '../errors.js';
import { cleanName, type Upload } from '../file/upload.js';

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
  const form = new FormReader(request, name, keep, { ...defaults, ...options });
  try {
    await form.read();
    const files = await Promise.all(form.pending);
    return { file: files[0] ?? null, files, fields: form.fields };
  } catch (error) {
    form.stop(error);
    for (const result of await Promise.allSettled(form.pending)) {
      if (result.status === 'fulfilled') await discard(result.value);
    }
    throw error;
  }
}

class FormReader<File> {
  // No prototype: a field may be called "__proto__".
  readonly fields = Object.create(null) as Record<string, string>;
  readonly pending: Promise<File>[] = [];
  readonly #parser: busboy.Busboy & { destroy(error?: Error): void };
  readonly #abort = new AbortController();
  readonly #parts = new Set<Readable>();
  #fail: (error: unknown) => void = () => undefined;

  constructor(
    private readonly request: IncomingMessage,
    private readonly name: string,
    private readonly keep: Keep<File>,
    private readonly limits: typeof defaults,
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
      // `pipe` tells the parser nothing of a client that went away.
      request.on('error', (error) => fail(cutOff(error)));
      request.on('close', () => {
        if (!request.readableEnded) fail(cutOff());
      });
      if (request.destroyed && !request.readableEnded) fail(cutOff());
      request.pipe(this.#parser as unknown as NodeJS.WritableStream);
    });
  }

  /** Ends all that is going on: parts that are being kept fail, and what is still to come is dropped. */
  stop(error: unknown): void {
    const reason = error instanceof Error ? error : new Error(String(error));
    this.#abort.abort(reason);
    this.request.unpipe();
    // A part whose rest never comes would be waited for for ever.
    for (const part of this.#parts) part.destroy(reason);
    this.#parser.destroy(reason);
    drain(this.request);
  }

  #field(field: string, value: string, info: { nameTruncated: boolean; valueTruncated: boolean }): void {
    if (info.valueTruncated) this.#fail(overLimit('maxFieldSize', this.limits.maxFieldSize, field));
    else if (info.nameTruncated) this.#fail(overLimit('maxFieldNameSize', 100));
    else this.fields[field] = value;
  }

  #file(field: string, stream: Readable, fileName: string | undefined): void {
    this.#parts.add(stream);
    stream.on('close', () => this.#parts.delete(stream));
    // An unhandled error of one part would end the process. AbortError: `keep` gave the part up and tells why itself.
    stream.on('error', (error) => {
      if (error.name !== 'AbortError') this.#fail(malformed(error));
    });
    // A file input in which nothing was chosen.
    if (!fileName) return void stream.resume();
    if (field !== this.name) return this.#fail(unexpected(field));
    // Browsers write a quote in a name as %22, and nothing else of it (WHATWG HTML, multipart/form-data encoding).
    const name = cleanName(fileName.replaceAll('%22', '"'));
    const kept = this.keep({ body: stream, ...(name && { name }) }, this.#abort.signal);
    kept.catch(this.#fail);
    this.pending.push(kept);
  }
}

const patience = 10_000;

/** Reads on and drops what comes, so that the answer can be sent on this connection; but not for ever. */
function drain(request: IncomingMessage): void {
  request.resume();
  if (request.readableEnded || request.destroyed) return;
  const timer = setTimeout(() => request.destroy(), patience).unref();
  request.once('close', () => clearTimeout(timer));
}

function createParser(
  request: IncomingMessage,
  limits: typeof defaults,
): busboy.Busboy & { destroy(error?: Error): void } {
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
