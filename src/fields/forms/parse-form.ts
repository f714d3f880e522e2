import busboy, { type FileInfo } from 'busboy';
import type { Readable, Writable } from 'node:stream';
import { FileFieldError } from '../../errors.js';
import { cleanName } from '../../file/name.js';
import { clientGone, makeUpload, readableUpload, type Upload } from '../../file/upload.js';
import { tooLongText, type FormCollector } from './collector.js';
import { boundaryOf, type FormBody } from './form-request.js';
import { longestName, mostEmptyInputs, overLimit, type FormLimits, type ReceiveOptions } from './limits.js';
import { PartCounter } from './part-counter.js';

type Parser = Writable & Omit<busboy.Busboy, keyof Writable>;

/**
 * Parses a multipart form while it arrives, and hands its parts to the collector; nothing is buffered. A body that is cut
 * off, that is not such a form, or of which a part cannot be told, rejects. When it rejects, the rest of the body is read and
 * dropped for ten seconds at most, so that the response can be sent on the same connection.
 */
export async function readMultipart<File>(
  body: FormBody,
  form: FormCollector<File>,
  onProgress: ReceiveOptions['onProgress'],
): Promise<void> {
  const reader = new MultipartReader(body, form, onProgress);
  try {
    await reader.read();
  } catch (error) {
    reader.stop(error);
    throw error;
  }
}

class MultipartReader<File> {
  readonly #parser: Parser;
  readonly #counter: PartCounter;
  readonly #parts = new Set<Readable>();
  /** Parts of which the first bytes are awaited. */
  readonly #pending: Promise<void>[] = [];
  #seen = 0;
  #fail: (error: unknown) => void = () => undefined;

  constructor(
    private readonly body: FormBody,
    private readonly form: FormCollector<File>,
    private readonly onProgress: ReceiveOptions['onProgress'],
  ) {
    const { 'content-type': type = '' } = body.headers;
    this.#counter = new PartCounter(boundaryOf(type));
    this.#parser = createParser(type, form.limits);
  }

  async read(): Promise<void> {
    const { stream } = this.body;
    const { signal } = this.form;
    const stopped = () => this.#fail(signal.reason);
    const failed = (error: unknown) => this.#fail(clientGone(error));
    const closed = () => {
      if (!stream.readableEnded) this.#fail(clientGone());
    };
    const progress = this.#progress();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#fail = reject;
        this.#listen(resolve);
        signal.addEventListener('abort', stopped);
        // `pipe` does not tell the parser that the client has gone. HTTP/2 ends a body that was reset as if it were whole.
        stream.on('error', failed).on('aborted', closed).on('close', closed).on('data', progress);
        if (signal.aborted) stopped();
        else if (stream.destroyed && !stream.readableEnded) closed();
        else stream.pipe(this.#parser);
      });
      await Promise.all(this.#pending);
      if (this.#seen < this.#counter.parts) throw malformed(unreadable);
    } finally {
      signal.removeEventListener('abort', stopped);
      // A request that fails later has no other listener.
      stream.off('error', failed).off('aborted', closed).off('close', closed).off('data', progress);
      stream.on('error', ignore);
    }
  }

  /** Ends everything: files that are being kept fail, and what still arrives is dropped. */
  stop(error: unknown): void {
    const reason = error instanceof Error ? error : new Error(String(error));
    const { stream } = this.body;
    this.form.stop(error);
    stream.unpipe(this.#parser);
    // Nobody must wait for the rest of a part.
    for (const part of this.#parts) part.destroy(reason);
    this.#parser.on('error', ignore).destroy(reason);
    drain(stream);
  }

  #listen(finished: () => void): void {
    this.#parser
      .on('field', (field: string | undefined, value, info) => this.#try(() => this.#text(field, value, info)))
      .on('file', (field: string | undefined, part, info) => this.#try(() => this.#file(field, part, info)))
      .on('partsLimit', () =>
        this.#fail(overLimit('maxParts', mostEmptyInputs, `The form has more than ${mostEmptyInputs} empty parts.`)),
      )
      .on('error', (error) => this.#fail(malformed('The multipart form is malformed or was cut off.', error)))
      .on('close', finished);
  }

  #progress(): (chunk: Buffer) => void {
    let received = 0;
    const announced = Number(this.body.headers['content-length'] ?? NaN);
    const total = Number.isSafeInteger(announced) ? { total: announced } : {};
    return (chunk) => {
      this.#counter.add(chunk);
      received += chunk.byteLength;
      if (this.onProgress) this.#try(() => this.onProgress?.({ received, ...total }));
    };
  }

  #text(field: string | undefined, value: string, info: busboy.FieldInfo): void {
    const name = this.#named(field);
    if (info.valueTruncated) throw tooLongText(shown(name), this.form.limits.maxFieldSize);
    this.form.text(name, value);
  }

  #file(field: string | undefined, part: Readable, info: FileInfo): void {
    this.#parts.add(part);
    part.on('close', () => this.#parts.delete(part));
    // An unhandled error of one part would end the process. After an AbortError the file has rejected with the reason.
    part.on('error', (error) => {
      if (error.name !== 'AbortError') this.#fail(malformed('The multipart form is malformed or was cut off.', error));
    });
    const name = this.#named(field);
    const { filename } = info as { filename: string | undefined };
    if (!/^(7bit|8bit|binary)$/i.test(info.encoding)) {
      throw malformed(`The part "${shown(name)}" has the transfer encoding ${shown(info.encoding)}; send its bytes.`);
    }
    if (filename) this.#keep(name, readableUpload(part, fileNameOf(filename)));
    else {
      const judged = this.#nameless(name, part, filename);
      judged.catch(this.#fail);
      this.#pending.push(judged);
    }
  }

  /** A part without a file name: an input in which no file was chosen, a file all the same, or text. */
  async #nameless(field: string, part: Readable, fileName: string | undefined): Promise<void> {
    const chunks = part[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const first = await chunks.next();
    if (first.done) this.form.empty();
    else if (fileName === undefined && !this.form.takes(field)) {
      this.form.text(field, await this.#textOf(field, joined(first.value, chunks)));
    } else this.#keep(field, makeUpload({ begin: () => joined(first.value, chunks), release: () => part.resume() }));
  }

  async #textOf(field: string, chunks: AsyncIterable<Buffer>): Promise<string> {
    const { maxFieldSize } = this.form.limits;
    const kept: Buffer[] = [];
    let size = 0;
    for await (const chunk of chunks) {
      size += chunk.byteLength;
      if (size > maxFieldSize) throw tooLongText(field, maxFieldSize);
      kept.push(chunk);
    }
    return Buffer.concat(kept).toString('utf8');
  }

  #keep(field: string, upload: Upload): void {
    this.form.file(field, upload).catch(this.#fail);
  }

  #named(field: string | undefined): string {
    this.#seen += 1;
    if (!field) throw malformed(unreadable);
    return field;
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }
}

/** Browsers escape only quotes and line breaks in a name (WHATWG HTML, multipart/form-data encoding). */
const fileNameOf = (sent: string) => cleanName(sent.replaceAll('%22', '"'));

async function* joined(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

const unreadable = 'A part of the form cannot be read: each needs a Content-Disposition of form-data with a name.';
const patience = 10_000;

/** Reads and drops the rest of a body for ten seconds at most. */
function drain(stream: Readable): void {
  stream.resume();
  if (stream.readableEnded || stream.destroyed) return;
  const timer = setTimeout(() => stream.destroy(), patience).unref();
  stream.once('close', () => clearTimeout(timer));
}

function createParser(type: string, limits: FormLimits): Parser {
  try {
    return busboy({
      headers: { 'content-type': type },
      // Browsers send UTF-8 without saying so.
      defParamCharset: 'utf8',
      limits: {
        // The collector counts, since only it knows which inputs are empty. This is a limit for parts that busboy skips.
        parts: limits.maxFields + limits.mostFiles + mostEmptyInputs + 1,
        // busboy cuts a value that reaches its limit, not only one that exceeds it.
        fieldSize: limits.maxFieldSize + 1,
        headerPairs: 100,
      },
    }) as unknown as Parser;
  } catch (cause) {
    throw malformed('The Content-Type of the request is not that of a multipart form.', cause);
  }
}

/** A name from a client, cut for a message. */
const shown = (name: string) => name.slice(0, longestName);
const ignore = () => undefined;

function malformed(message: string, cause?: unknown): FileFieldError {
  return cause instanceof FileFieldError ? cause : new FileFieldError('malformed_upload', message, { cause });
}
