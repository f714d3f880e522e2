import { FileFieldError } from '../errors.js';
import type { FileSource } from '../file.js';
import { contentDisposition } from '../response/content-disposition.js';
import { contentType, isInert } from '../response/content-type.js';
import type { DownloadRequest } from '../response/request.js';
import type { Delivery, DownloadHandler, DownloadResponse } from '../response/response.js';

/** A value, or a function that makes it for a request and the thing that is downloaded. */
export type Choice<Value, Raw, Subject> = Value | ((request: Raw, subject: Subject) => Value | Promise<Value>);

/** The options that all views share. `Raw` is the framework's request, `Subject` what the view found. */
export interface DownloadViewOptions<Raw, Subject> {
  /**
   * Save it, or show it in the browser. Only types that run nothing are ever shown: HTML, SVG and XML are always saved,
   * since they would act with the rights of your site.
   * @default 'attachment'
   */
  readonly disposition?: Choice<'attachment' | 'inline', Raw, Subject>;
  /**
   * The name to save it under.
   * @default the file's own
   */
  readonly fileName?: Choice<string, Raw, Subject>;
  /**
   * Media type, with a charset if you like.
   * @default the file's own, else by its name, else application/octet-stream
   */
  readonly contentType?: Choice<string, Raw, Subject>;
  /**
   * The Cache-Control header. WARNING: `public` lets every cache on the way show the file to others.
   * @default 'private, no-cache'
   */
  readonly cacheControl?: Choice<string, Raw, Subject>;
  /**
   * Who may have it. Runs before anything about the file is looked at or told.
   * @default everybody who reaches the route
   */
  readonly authorize?: (request: Raw, subject: Subject) => boolean | Promise<boolean>;
  /**
   * What a refused client is told: `hide` answers 404, as if there were nothing; `forbid` answers 403.
   * @default 'hide'
   */
  readonly denied?: 'hide' | 'forbid';
  /**
   * Who sends the bytes.
   * @default this process
   */
  readonly delivery?: Delivery;
}

/** What a view finds for a request: the thing to authorise, and its file, asked for only once that is done. */
export interface Found<Subject> {
  readonly subject: Subject;
  /** Null when there is no file. */
  readonly file: () => FileSource | null;
}

/**
 * Makes a view out of the one thing in which views differ: how a request finds its file. `find` resolves to null when
 * there is nothing.
 *
 * @example
 * ```ts
 * import { downloadView } from 'filefield';
 *
 * const empty = downloadView(async () => null); // answers 404 to everybody
 * ```
 */
export function downloadView<Raw, Subject>(
  find: (request: DownloadRequest<Raw>) => Promise<Found<Subject> | null>,
  options: DownloadViewOptions<Raw, Subject> = {},
): DownloadHandler<Raw> {
  const handler: DownloadHandler<Raw> = async (request) => {
    const found = await find(request);
    if (!found) throw notFound();
    if (options.authorize && (await options.authorize(request.raw, found.subject)) !== true) {
      throw options.denied === 'forbid'
        ? new FileFieldError('forbidden', 'The view does not let this request in.')
        : notFound();
    }
    const file = found.file();
    if (!file) throw notFound();
    return present(request.raw, found.subject, file, options);
  };
  return options.delivery ? options.delivery(handler) : handler;
}

async function present<Raw, Subject>(
  raw: Raw,
  subject: Subject,
  file: FileSource,
  options: DownloadViewOptions<Raw, Subject>,
): Promise<DownloadResponse> {
  const choose = <Value>(choice: Choice<Value, Raw, Subject> | undefined): Value | undefined | Promise<Value> =>
    typeof choice === 'function'
      ? (choice as (request: Raw, subject: Subject) => Value | Promise<Value>)(raw, subject)
      : choice;
  const name = (await choose(options.fileName)) ?? file.name;
  const type = contentType((await choose(options.contentType)) ?? file.type, name);
  const shown = ((await choose(options.disposition)) ?? 'attachment') === 'inline' && isInert(type);
  const headers: Record<string, string> = {
    'content-type': type,
    'content-disposition': contentDisposition(shown ? 'inline' : 'attachment', name),
    'cache-control': (await choose(options.cacheControl)) ?? 'private, no-cache',
    'x-content-type-options': 'nosniff',
  };
  // Should a browser show it all the same, it runs nothing.
  if (!isInert(type)) headers['content-security-policy'] = "sandbox; default-src 'none'";
  return { status: 200, headers, file };
}

function notFound(): FileFieldError {
  return new FileFieldError('not_found', 'There is nothing to download here.');
}
