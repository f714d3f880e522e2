import { FileFieldError, isFileFieldError } from '../errors.js';
import type { FileSource } from '../file/file.js';
import type { DownloadRequest } from '../response/request.js';
import type { DownloadHandler, DownloadHooks } from '../response/download.js';
import { withDelivery } from '../response/with-delivery.js';
import { hooksOf } from './hooks.js';
import type { DownloadViewOptions } from './view-options.js';
import { present } from './present.js';
import { checkSignature } from './signed.js';

/** What a view finds for a request: the thing to authorise, and its file, asked for only once that is done. */
export interface Found<Subject> {
  readonly subject: Subject;
  /** Null when there is no file. */
  readonly file: () => FileSource | null | Promise<FileSource | null>;
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
    const signed = checkSignature(request, options.signature);
    const found = await find(request);
    if (!found) throw notFound();
    if (options.authorize && (await options.authorize(request.raw, found.subject)) !== true) {
      throw options.denied === 'forbid'
        ? new FileFieldError('forbidden', 'The view does not let this request in.')
        : notFound();
    }
    const hooks = hooksOf(request, found.subject, options);
    const file = await fileOf(found, hooks);
    if (!file) throw notFound();
    try {
      return await present(request.raw, found.subject, file, options, hooks, signed);
    } catch (error) {
      file.close?.();
      throw error;
    }
  };
  return withDelivery(handler, options.delivery);
}

async function fileOf<Subject>(found: Found<Subject>, hooks: DownloadHooks | undefined): Promise<FileSource | null> {
  try {
    return await found.file();
  } catch (error) {
    if (isFileFieldError(error, 'missing') || isFileFieldError(error, 'not_found')) hooks?.missing?.(error);
    throw error;
  }
}

function notFound(): FileFieldError {
  return new FileFieldError('not_found', 'There is nothing to download here.');
}
