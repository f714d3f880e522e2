import { FileFieldError } from '../errors.js';
import { isPromise } from '../file/promise.js';
import type { FileSource } from '../file/file.js';
import { withDelivery, type DownloadHandler } from '../response/download.js';
import { reportMissing, type DownloadHooks } from '../response/hooks.js';
import { noteView, type ViewKind } from '../response/observed.js';
import type { DownloadRequest } from '../response/request.js';
import { presenter } from './present.js';
import { checkSignature } from './signed.js';
import type { DownloadViewOptions, Hook } from './view-options.js';

/**
 * What a view found for a request.
 *
 * @typeParam Subject what `authorize` and the other functions among the options get: a row, a path, a URL
 */
export interface Found<Subject> {
  /** What `authorize` and the other options get: a row, a key, a path. */
  readonly subject: Subject;
  /** Returns the file, or null if there is none. Called after the request was authorized. */
  readonly file: () => FileSource | null | Promise<FileSource | null>;
}

/**
 * Makes a view of your own from a function that finds the file of a request. The result is independent of any framework:
 * mount it with `toExpress`, `toFastify`, `toKoa`, `toNode` or `toFetch`.
 *
 * The view rejects with `not_found` if `find` resolves to null, and with `forbidden` if the signature is invalid, or if
 * `authorize` refuses and `onDenied` is 403.
 *
 * @throws `invalid_option` unless `onDenied` is 404 or 403
 *
 * @example
 * ```ts
 * import { downloadView, localFile } from 'filefield';
 *
 * const manual = downloadView(async () => ({ subject: null, file: () => localFile('manual.pdf') }));
 * ```
 */
export function downloadView<Raw, Subject>(
  find: (request: DownloadRequest<Raw>) => Promise<Found<Subject> | null>,
  options: DownloadViewOptions<Raw, Subject> = {},
): DownloadHandler<Raw> {
  return makeView('other', find, options);
}

/** `downloadView` for ready-made views of one kind. */
export function viewOf(kind: ViewKind) {
  return <Raw, Subject>(
    find: FindDownload<Raw, Subject>,
    options: DownloadViewOptions<Raw, Subject>,
  ): DownloadHandler<Raw> => makeView(kind, find, options);
}

type FindDownload<Raw, Subject> = (
  request: DownloadRequest<Raw>,
) => Found<Subject> | null | Promise<Found<Subject> | null>;

function makeView<Raw, Subject>(
  kind: ViewKind,
  find: FindDownload<Raw, Subject>,
  options: DownloadViewOptions<Raw, Subject>,
): DownloadHandler<Raw> {
  const { authorize, onDenied = 404 } = options;
  if (onDenied !== 404 && onDenied !== 403) {
    throw new FileFieldError('invalid_option', 'The option "onDenied" must be 404 or 403.');
  }
  const present = presenter(options);
  const handler: DownloadHandler<Raw> = async (request) => {
    noteView(request, kind);
    const signed = checkSignature(request, options.signature);
    const asked = find(request);
    // Here and below, what is known already is not awaited: each turn of the event queue would cost as much as the work.
    const found = isPromise(asked) ? await asked : asked;
    if (!found) throw nothingFound();
    if (authorize && (await authorize(request.raw, found.subject)) !== true) {
      throw onDenied === 404
        ? nothingFound()
        : new FileFieldError('forbidden', 'The view does not admit this request.');
    }
    const hooks = hooksFor(request, found.subject, options);
    const opened = hooks ? reportMissing(openFound(found), hooks) : found.file();
    const file = isPromise(opened) ? await opened : opened;
    if (!file) throw nothingFound();
    try {
      const download = present({ raw: request.raw, subject: found.subject, file, hooks, signed });
      return isPromise(download) ? await download : download;
    } catch (error) {
      file.close?.();
      throw error;
    }
  };
  return withDelivery(handler, options.delivery);
}

/** Asynchronous, so that an error that `file` throws becomes a rejection. */
async function openFound<Subject>(found: Found<Subject>): Promise<FileSource | null> {
  return found.file();
}

/** The hooks among a view's options, for one request. An error that they throw is reported and goes no further. */
function hooksFor<Raw, Subject>(
  request: DownloadRequest<Raw>,
  subject: Subject,
  { onStart, onComplete, onAbort, onMissing }: DownloadViewOptions<Raw, Subject>,
): DownloadHooks | undefined {
  if (!onStart && !onComplete && !onAbort && !onMissing) return undefined;
  const report = request.report ?? console.error;
  const caller =
    <Event>(hook: Hook<Raw, Subject, Event> | undefined) =>
    (event: Event): void => {
      if (hook) void (async () => hook(request.raw, subject, event))().catch(report);
    };
  return {
    start: caller(onStart),
    complete: caller(onComplete),
    abort: caller(onAbort),
    missing: caller(onMissing),
  };
}

function nothingFound(): FileFieldError {
  return new FileFieldError('not_found', 'There is nothing to download under this URL.');
}
